//! What was applied of simulations, and undone, as clients see it.

mod input;
mod item;
mod stream;

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, Enum, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{ChangeSetId, SimulationId, change_set};
pub use input::{
    ApplySimulationInput, ApprovedRecords, ChangeSetItemFilter, UndoChangeSetInput, WaitingRecords,
};
pub use item::{ChangeSetItem, ChangeSetItemKind, ChangeSetOutcome, ChangeSetReason};
pub use stream::{ChangeSetNews, ChangeSetsSubscription};

use super::loader::{OpLoader, find};
use super::node::{global, local};
use super::op::Op;
use super::page::{Connection, as_of, asks, window};
use super::payload::payloads;
use super::simulations::Simulation;
use crate::change_sets::{self, ItemFilter};
use crate::error::{Error, Result};

/// How far a change set is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "change_set::Status")]
pub enum ChangeSetStatus {
    /// Its rules and its automation are in force; its records wait for a worker.
    Queued,
    /// Its records are being changed.
    Applying,
    /// All of it is done.
    Applied,
    /// Its rules and its automation are as before; its records are being put back.
    Undoing,
    /// It was undone.
    Undone,
    /// It stopped half-way; see the error. `undoChangeSet` takes back what was done.
    Failed,
}

/// What a simulation supposed, made real.
#[derive(Clone, SimpleObject)]
#[graphql(complex, serial)]
pub struct ChangeSet {
    /// Opaque global id.
    pub id: ID,
    /// How far it is.
    pub status: ChangeSetStatus,
    /// What becomes of records that wait.
    pub waiting: WaitingRecords,
    /// What becomes of records in the books.
    pub approved: ApprovedRecords,
    /// How many changes of the rules it made.
    pub rule_changes: i32,
    /// Whether it changed what may pass without a person.
    pub automation_changed: bool,
    /// Records that it looks at: those that the simulation lists; while it is undone, those to be put back.
    pub total_records: i32,
    /// Of those, the ones that were looked at.
    pub done_records: i32,
    /// Records that the simulation counted and does not list: they are left. Simulate again to reach them.
    pub unlisted_records: i32,
    /// Items that are applied.
    pub applied: i32,
    /// Items that were refused; `changeSetItems` tells why.
    pub refused: i32,
    /// Items that were left alone; `changeSetItems` tells why.
    pub left: i32,
    /// Items that are as before.
    pub undone: i32,
    /// Why it stopped.
    pub error: Option<String>,
    /// When it was applied: its rules and its automation are in force from then on.
    pub created_at: DateTime<Utc>,
    /// When all of it was done.
    pub applied_at: Option<DateTime<Utc>>,
    /// When it was undone.
    pub undone_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    simulation_id: SimulationId,
}

impl From<change_set::Model> for ChangeSet {
    fn from(row: change_set::Model) -> Self {
        Self {
            id: global("ChangeSet", row.id),
            status: row.status.into(),
            waiting: WaitingRecords::of(row.waiting),
            approved: ApprovedRecords::of(row.approved),
            rule_changes: row.rule_changes,
            automation_changed: row.automation,
            total_records: row.total_records,
            done_records: row.done_records,
            unlisted_records: row.unlisted_records,
            applied: row.applied,
            refused: row.refused,
            left: row.left_alone,
            undone: row.undone,
            error: row.error,
            created_at: row.created_at,
            applied_at: row.applied_at,
            undone_at: row.undone_at,
            simulation_id: row.simulation_id,
        }
    }
}

#[ComplexObject]
impl ChangeSet {
    /// The simulation it was made of; absent once that was removed to make room.
    async fn simulation(&self, ctx: &Context<'_>) -> Result<Option<Simulation>> {
        find(ctx, self.simulation_id).await
    }

    /// The share of its records that were looked at, 0 to 1; while it is undone, of those to be put back.
    async fn progress(&self) -> f64 {
        match (self.status, self.total_records) {
            (ChangeSetStatus::Applied | ChangeSetStatus::Undone, _) => 1.0,
            (_, 0) => 0.0,
            (_, total) => (f64::from(self.done_records) / f64::from(total)).min(1.0),
        }
    }
}

impl Loader<ChangeSetId> for OpLoader {
    type Value = ChangeSet;
    type Error = Arc<Error>;

    async fn load(
        &self,
        ids: &[ChangeSetId],
    ) -> Result<HashMap<ChangeSetId, ChangeSet>, Arc<Error>> {
        let rows = change_sets::by_ids(&self.ctx, ids).await;
        let rows = rows.map_err(Arc::new)?.into_iter();
        Ok(rows.map(|row| (row.id, row.into())).collect())
    }
}

payloads! {
    /// A simulation that was applied.
    ApplySimulationPayload {
        /// The change set. Its rules and its automation are in force; `changeSetProgress` tells how far its records are.
        change_set: ChangeSet
    },
    /// A change set that is undone.
    UndoChangeSetPayload {
        /// The change set. Its rules and its automation are as before; `changeSetProgress` tells how far its records are.
        change_set: ChangeSet
    },
}

/// Questions about change sets.
#[derive(Default)]
pub struct ChangeSetsQuery;

#[Object]
impl ChangeSetsQuery {
    /// What was applied of simulations, the latest first. Needs `reports:read` and `records:read` for all records.
    async fn change_sets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor they follow.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor they precede.")] before: Option<String>,
    ) -> Result<Connection<ChangeSet>> {
        let window = window(first, after, last, before)?;
        let op = ctx.op()?;
        let as_of = as_of(ctx).await?;
        let page = change_sets::list(op, &window).await?;
        let mut found = Connection::of(page, ChangeSet::from);
        found.as_of = as_of;
        if asks(ctx, "totalCount") {
            found.total_count = Some(change_sets::count(op).await? as i64);
        }
        Ok(found)
    }

    /// One change set; absent when there is no such thing. Needs `reports:read` and `records:read` for all records.
    async fn change_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: ID,
    ) -> Result<Option<ChangeSet>> {
        ctx.op()?;
        find::<ChangeSetId, _>(ctx, local("ChangeSet", "id", &id)?).await
    }

    /// What a change set did and did not do, in its order: rules, automation, then records as the simulation lists them. Of
    /// one that is at work, what was looked at so far. Needs `reports:read` and `records:read` for all records.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn change_set_items(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of which change set.")] change_set_id: ID,
        #[graphql(desc = "Only these.")] filter: Option<ChangeSetItemFilter>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor they follow.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor they precede.")] before: Option<String>,
    ) -> Result<Connection<ChangeSetItem>> {
        let op = ctx.op()?;
        let window = window(first, after, last, before)?;
        let id = local("ChangeSet", "changeSetId", &change_set_id)?;
        let filter: ItemFilter = filter.unwrap_or_default().into();
        let as_of = as_of(ctx).await?;
        let page = change_sets::items(op, id, &filter, &window).await?;
        let mut found = Connection::of(page, ChangeSetItem::from);
        found.as_of = as_of;
        if asks(ctx, "totalCount") {
            found.total_count = Some(change_sets::count_items(op, id, &filter).await? as i64);
        }
        Ok(found)
    }
}

/// What can be done with change sets.
#[derive(Default)]
pub struct ChangeSetsMutation;

#[Object]
impl ChangeSetsMutation {
    /// Make what a simulation supposed real: its rules and its automation at once, all or nothing, and its records in the
    /// background, where they are to follow. Refused when the rules or the automation were changed since it was simulated,
    /// and when it supposes other tiers, which cannot be switched. Needs `reports:read` and `rules:write` and
    /// `records:read` for all records; besides, what changing automation and deciding approvals need.
    async fn apply_simulation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to apply, and what becomes of its records.")]
        input: ApplySimulationInput,
    ) -> Result<ApplySimulationPayload> {
        let applied = async {
            let id = local("Simulation", "simulationId", &input.simulation_id)?;
            change_sets::apply(ctx.op()?, id, input.choice()).await
        };
        ApplySimulationPayload::of(applied.await)
    }

    /// Put back what a change set changed: its rules and its automation at once, its records in the background, by events
    /// that compensate. What was changed since is left alone, and listed. Needs `reports:read` and `rules:write` and
    /// `records:read` for all records; besides, what changing automation and deciding approvals need.
    async fn undo_change_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to undo.")] input: UndoChangeSetInput,
    ) -> Result<UndoChangeSetPayload> {
        let undone = async {
            let id = local("ChangeSet", "changeSetId", &input.change_set_id)?;
            change_sets::undo(ctx.op()?, id).await
        };
        UndoChangeSetPayload::of(undone.await)
    }
}
