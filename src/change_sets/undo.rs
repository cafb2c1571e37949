//! Taking a change set back.

use entity::change_set::{self, Status};
use entity::change_set_item::{self, Column as I, Kind, Outcome, Reason};
use entity::{ChangeSetId, ChangeSetItemId};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter, QueryOrder};

use super::apply::{keep, locked};
use super::find;
use super::take_back::take_back;
use crate::ctx::{Ctx, Event, Job, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// What is put back by a worker.
pub(super) const RECORDS: [Kind; 2] = [Kind::ProposedAgain, Kind::Refiled];

/// Puts the rules and the policy back as they were before, and has the records follow. What was changed since stays as it
/// is, and is listed. One that stopped half-way can be undone too.
#[tracing::instrument(skip_all, fields(change_set.id = %id))]
pub async fn undo(ctx: &Ctx, id: ChangeSetId) -> Result<change_set::Model> {
    ctx.require(Permission::WriteRules)?;
    find::load(ctx, id).await?;
    let mut tx = ctx.begin().await?;
    let mut set = locked(&tx, id).await?;
    match set.status {
        Status::Applied | Status::Failed => {}
        Status::Queued | Status::Applying => {
            return Err(Error::conflict(
                "it is being applied; wait until it is done",
            ));
        }
        Status::Undoing | Status::Undone => {
            return Err(Error::conflict("it is undone already, or being undone"));
        }
    }
    let applied = tx
        .select::<change_set_item::Entity>()
        .filter(I::ChangeSetId.eq(id))
        .filter(I::Outcome.eq(Outcome::Applied));
    let records = applied
        .clone()
        .filter(I::Kind.is_in(RECORDS))
        .count(tx.on())
        .await?;
    let items = applied
        .filter(I::Kind.is_not_in(RECORDS))
        .order_by_asc(I::Number)
        .all(tx.on())
        .await?;
    if items.iter().any(|item| item.kind == Kind::Automation) {
        ctx.require(Permission::ManageTenant)?;
    }
    if records > 0 {
        ctx.require(Permission::DecideApprovals)?;
    }
    let done = take_back(&mut tx, items).await?;
    let done = done.into_iter().map(|(item, left)| (item.id, left));
    mark(&tx, &mut set, done.collect()).await?;
    set.status = Status::Undoing;
    set.error = None;
    set.acts_as = ctx.actor().to_string();
    set.total_records = i32::try_from(records).unwrap_or(i32::MAX);
    set.done_records = 0;
    tx.record(Event::ChangeSetUndoBegun { change_set: id });
    if records > 0 {
        tx.enqueue(Job::WorkChangeSet { change_set: id });
    } else {
        finish(&mut tx, &mut set);
    }
    keep(&tx, &set).await?;
    tx.commit().await?;
    Ok(set)
}

/// Notes which items are as before, and which were left alone and why: a statement for each reason.
pub(super) async fn mark(
    tx: &Tx<'_>,
    set: &mut change_set::Model,
    items: Vec<(ChangeSetItemId, Option<Reason>)>,
) -> Result<()> {
    let mut reasons: Vec<Option<Reason>> = Vec::new();
    for (_, reason) in &items {
        if !reasons.contains(reason) {
            reasons.push(*reason);
        }
    }
    for reason in reasons {
        let of_reason = items.iter().filter(|(_, it)| *it == reason);
        let ids: Vec<ChangeSetItemId> = of_reason.map(|(id, _)| *id).collect();
        let outcome = match reason {
            None => Outcome::Undone,
            Some(_) => Outcome::Left,
        };
        let count = i32::try_from(ids.len()).unwrap_or(i32::MAX);
        tx.update::<change_set_item::Entity>()
            .col_expr(I::Outcome, Expr::value(outcome))
            .col_expr(I::Reason, Expr::value(reason))
            .filter(I::Id.is_in(ids))
            .filter(I::Outcome.eq(Outcome::Applied))
            .exec(tx.on())
            .await?;
        set.applied -= count;
        match reason {
            None => set.undone += count,
            Some(_) => set.left_alone += count,
        }
    }
    Ok(())
}

/// Says that it was undone.
pub(super) fn finish(tx: &mut Tx<'_>, set: &mut change_set::Model) {
    set.status = Status::Undone;
    set.undone_at = Some(tx.ctx().now());
    tx.record(Event::ChangeSetUndone {
        change_set: set.id,
        undone: set.undone,
        left: set.left_alone,
    });
}
