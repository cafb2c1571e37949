//! Putting in force what a simulation supposed.

use entity::change_set::{self, Column as C, Status};
use entity::change_set_item::Kind;
use entity::{SimulationId, simulation};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter, QuerySelect};

use super::item::{self, Item};
use super::put_in_force::put_in_force;
use super::since::check_unchanged;
use crate::automation;
use crate::ctx::{Ctx, Event, Job, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;
use crate::processing::replay::Tiers;
use crate::rules;
use crate::simulations::{
    self, AutomationChange, Hypothesis, StoredPolicy, Tally, TierChange, applied, beneath,
    check_names,
};

/// The states of a change set that a worker is at.
const AT_WORK: [Status; 3] = [Status::Queued, Status::Applying, Status::Undoing];

/// What becomes of the records that the simulation lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Those that wait are proposed again; else they are left.
    pub waiting: bool,
    /// Those in the books are filed elsewhere; else they are left.
    pub approved: bool,
}

/// Makes the rules and the policy that a simulation supposed real, all of it or nothing, and has its records follow as
/// chosen.
#[tracing::instrument(skip_all, fields(simulation.id = %id))]
pub async fn apply(ctx: &Ctx, id: SimulationId, choice: Choice) -> Result<change_set::Model> {
    ctx.require(Permission::WriteRules)?;
    simulations::load(ctx, id).await?;
    let mut tx = ctx.begin().await?;
    // one after the other, whoever applies what
    let rules = rules::arranged_within(&tx).await?;
    let row = tx
        .select::<simulation::Entity>()
        .filter(simulation::Column::Id.eq(id))
        .lock_exclusive()
        .one(tx.on())
        .await?
        .ok_or(Error::NotFound("simulation"))?;
    if row.status != simulation::Status::Ready {
        return Err(Error::conflict("the simulation is not ready"));
    }
    let hypothesis: Hypothesis = serde_json::from_str(&row.hypothesis)?;
    check(ctx, &hypothesis, choice)?;
    let at_work = tx
        .select::<change_set::Entity>()
        .filter(C::Status.is_in(AT_WORK))
        .count(tx.on())
        .await?;
    if at_work > 0 {
        return Err(Error::conflict(
            "another change set is being applied or undone; wait for it",
        ));
    }
    check_unchanged(&tx, &row, &rules).await?;
    applied(
        rules.rules.clone(),
        &hypothesis.rules,
        ctx.tenant(),
        ctx.now(),
    )?;
    check_names(&tx, &hypothesis.rules).await?;
    let mut items = put_in_force(&mut tx, rules.rules, &hypothesis.rules).await?;
    items.extend(set_policy(&mut tx, hypothesis.automation).await?);
    let mut set = begun(ctx, &row, choice)?;
    set.rule_changes = i32::try_from(hypothesis.rules.len()).unwrap_or(i32::MAX);
    set.automation = items.iter().any(|item| item.kind == Kind::Automation);
    tx.insert(set.clone()).await?;
    item::list(&tx, &mut set, items).await?;
    tx.record(Event::ChangeSetBegun {
        change_set: set.id,
        simulation: id,
        rule_changes: set.rule_changes,
        total_records: set.total_records,
    });
    if set.total_records > 0 {
        tx.enqueue(Job::WorkChangeSet { change_set: set.id });
    } else {
        finish(&mut tx, &mut set);
    }
    keep(&tx, &set).await?;
    tx.commit().await?;
    Ok(set)
}

/// Refuses what cannot be applied, and an actor who may not.
fn check(ctx: &Ctx, hypothesis: &Hypothesis, choice: Choice) -> Result<()> {
    let tiers = TierChange {
        // only whether its questions are counted
        llm: None,
        ..hypothesis.tiers
    };
    if tiers.on(Tiers::default()) != Tiers::default() {
        return Err(Error::invalid(
            "simulationId",
            "it supposes that tiers are off, and tiers cannot be switched; simulate the rules and the automation without `tiers`",
        ));
    }
    let records = choice.waiting || choice.approved;
    if hypothesis.rules.is_empty() && hypothesis.automation.is_none() && !records {
        return Err(Error::invalid(
            "simulationId",
            "it supposes neither other rules nor another automation, and no record is to follow: there is nothing to apply",
        ));
    }
    if hypothesis.automation.is_some() {
        ctx.require(Permission::ManageTenant)?;
    }
    if records {
        ctx.require(Permission::DecideApprovals)?;
    }
    Ok(())
}

async fn set_policy(tx: &mut Tx<'_>, wanted: Option<AutomationChange>) -> Result<Option<Item>> {
    let Some(wanted) = wanted else {
        return Ok(None);
    };
    let before = automation::policy_in(tx).await?;
    let to = wanted.change();
    let after = automation::set_within(tx, to)
        .await
        .map_err(|error| beneath("automation", error))?;
    let stored = |policy| serde_json::to_string(&StoredPolicy::from(policy));
    Ok(Some(Item {
        before: Some(stored(before)?),
        after: Some(stored(after)?),
        ..Item::applied(Kind::Automation, None)
    }))
}

fn begun(ctx: &Ctx, row: &simulation::Model, choice: Choice) -> Result<change_set::Model> {
    let tally: Tally = match &row.tally {
        Some(tally) => serde_json::from_str(tally)?,
        None => Tally::default(),
    };
    let records = choice.waiting || choice.approved;
    Ok(change_set::Model {
        tenant_id: ctx.tenant(),
        id: ctx.id(),
        simulation_id: row.id,
        status: Status::Queued,
        waiting: choice.waiting,
        approved: choice.approved,
        rule_changes: 0,
        automation: false,
        total_records: if records { tally.kept } else { 0 },
        done_records: 0,
        unlisted_records: if records {
            row.changed_records - tally.kept
        } else {
            0
        },
        items: 0,
        applied: 0,
        refused: 0,
        left_alone: 0,
        undone: 0,
        reached: 0,
        error: None,
        acts_as: ctx.actor().to_string(),
        created_by: ctx.user(),
        created_at: ctx.now(),
        applied_at: None,
        undone_at: None,
    })
}

/// Says that all of it is done.
pub(super) fn finish(tx: &mut Tx<'_>, set: &mut change_set::Model) {
    set.status = Status::Applied;
    set.applied_at = Some(tx.ctx().now());
    tx.record(Event::ChangeSetApplied {
        change_set: set.id,
        applied: set.applied,
        refused: set.refused,
        left: set.left_alone,
    });
}

/// Keeps how far it is. Whoever does has its row locked, or has just made it.
pub(super) async fn keep(tx: &Tx<'_>, set: &change_set::Model) -> Result<()> {
    tx.update::<change_set::Entity>()
        .col_expr(C::Status, Expr::value(set.status))
        .col_expr(C::TotalRecords, Expr::value(set.total_records))
        .col_expr(C::DoneRecords, Expr::value(set.done_records))
        .col_expr(C::Items, Expr::value(set.items))
        .col_expr(C::Applied, Expr::value(set.applied))
        .col_expr(C::Refused, Expr::value(set.refused))
        .col_expr(C::LeftAlone, Expr::value(set.left_alone))
        .col_expr(C::Undone, Expr::value(set.undone))
        .col_expr(C::Reached, Expr::value(set.reached))
        .col_expr(C::Error, Expr::value(set.error.clone()))
        .col_expr(C::ActsAs, Expr::value(set.acts_as.as_str()))
        .col_expr(C::AppliedAt, Expr::value(set.applied_at))
        .col_expr(C::UndoneAt, Expr::value(set.undone_at))
        .filter(C::Id.eq(set.id))
        .exec(tx.on())
        .await?;
    Ok(())
}

/// Locks the row of a change set.
pub(super) async fn locked(tx: &Tx<'_>, id: entity::ChangeSetId) -> Result<change_set::Model> {
    tx.select::<change_set::Entity>()
        .filter(C::Id.eq(id))
        .lock_exclusive()
        .one(tx.on())
        .await?
        .ok_or(Error::NotFound("change set"))
}
