//! Taking a decision back. The decision itself is kept; the record waits again, in a new approval.

use entity::approval::{self, Status};
use entity::{ApprovalId, CategoryId, decision, record, record_split};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait};
use serde_json::json;

use super::approve::all_moved;
use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::permission::{Permission, Subject};

/// Reopens a decided approval: the new approval, which proposes what the pipeline proposed then.
#[tracing::instrument(skip_all, fields(approval.id = %id))]
pub async fn reopen(ctx: &Ctx, id: ApprovalId) -> Result<approval::Model> {
    ctx.require(Permission::DecideApprovals)?;
    let mut tx = ctx.begin().await?;
    let decided = tx
        .select::<approval::Entity>()
        .filter(approval::Column::Id.eq(id))
        .lock_exclusive()
        .one(tx.on())
        .await?
        .ok_or(Error::NotFound("approval"))?;
    require_reach(&tx, &decided).await?;
    let from = match decided.status {
        Status::Approved => "APPROVED",
        Status::Overridden => "OVERRIDDEN",
        Status::Rejected => "REJECTED",
        Status::Pending => return Err(Error::conflict("it was not decided yet")),
        Status::Reopened => return Err(Error::conflict("it was reopened already")),
        Status::Escalated | Status::Declined => {
            return Err(Error::conflict(
                "an override was proposed; another approval took its place",
            ));
        }
        Status::Cancelled => {
            return Err(Error::conflict(
                "it was withdrawn before anybody decided; nothing is left to reopen",
            ));
        }
    };
    let kept = tx
        .update::<approval::Entity>()
        .col_expr(approval::Column::Status, Expr::value(Status::Reopened))
        .filter(approval::Column::Id.eq(id))
        .filter(approval::Column::Status.eq(decided.status))
        .exec(tx.on())
        .await?;
    all_moved(kept.rows_affected, 1)?;
    let category = taught(&tx, &decided).await?;
    let waiting = wait_again(
        &tx,
        &decided,
        id,
        &[record::Status::Approved, record::Status::Rejected],
    )
    .await?;
    tx.record_diff(
        Event::ApprovalReopened {
            approval: waiting.id,
            record: waiting.record_id,
            reopened: id,
            category,
        },
        json!({ "status": { "from": from, "to": "REOPENED" } }),
    );
    tx.commit().await?;
    Ok(waiting)
}

/// Refuses an approval whose record the actor does not reach.
pub(super) async fn require_reach(tx: &Tx<'_>, row: &approval::Model) -> Result<()> {
    if tx.ctx().reach(Permission::DecideApprovals).is_everything() {
        return Ok(());
    }
    let record = tx
        .select::<record::Entity>()
        .filter(record::Column::Id.eq(row.record_id))
        .one(tx.on())
        .await?
        .ok_or(Error::NotFound("approval"))?;
    let subject = Subject::from(&record);
    if !tx.ctx().reach(Permission::ReadApprovals).covers(&subject) {
        return Err(Error::NotFound("approval"));
    }
    tx.ctx().require_on(Permission::DecideApprovals, &subject)
}

/// Lets a record wait again for what an approval proposed, in a new approval that takes the place of `instead_of`.
pub(super) async fn wait_again(
    tx: &Tx<'_>,
    proposal: &approval::Model,
    instead_of: ApprovalId,
    leaving: &[record::Status],
) -> Result<approval::Model> {
    let ctx = tx.ctx();
    let decision = tx
        .select::<decision::Entity>()
        .filter(decision::Column::Id.eq(proposal.decision_id))
        .one(tx.on())
        .await?
        .ok_or_else(|| Error::internal("an approval without its decision"))?;
    let moved = tx
        .update::<record::Entity>()
        .col_expr(
            record::Column::Status,
            Expr::value(record::Status::Processed),
        )
        .col_expr(
            record::Column::CategoryId,
            Expr::value(proposal.proposed_category_id),
        )
        .col_expr(record::Column::Project, Expr::value(decision.project))
        .col_expr(record::Column::Note, Expr::value(decision.note))
        .col_expr(record::Column::DecisionId, Expr::value(Some(decision.id)))
        .col_expr(record::Column::Automatic, Expr::value(false))
        .col_expr(record::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(record::Column::Id.eq(proposal.record_id))
        .filter(record::Column::Status.is_in(leaving.iter().copied()))
        .exec(tx.on())
        .await?;
    all_moved(moved.rows_affected, 1)?;
    let waiting = in_place_of(tx, proposal, instead_of);
    tx.insert(waiting.clone()).await?;
    Ok(waiting)
}

/// An approval that proposes the same once more.
pub(super) fn in_place_of(
    tx: &Tx<'_>,
    proposal: &approval::Model,
    instead_of: ApprovalId,
) -> approval::Model {
    let ctx = tx.ctx();
    approval::Model {
        id: ctx.id(),
        status: Status::Pending,
        category_id: None,
        comment: None,
        decided_by: None,
        decided_at: None,
        automatic: false,
        audit: proposal.automatic || proposal.audit,
        reopened_from: Some(instead_of),
        created_at: ctx.now(),
        ..proposal.clone()
    }
}

/// The category that a decision in force taught; what passed by itself taught nothing, nor did a split.
async fn taught(tx: &Tx<'_>, decided: &approval::Model) -> Result<Option<CategoryId>> {
    let Some(category) = decided.category_id.filter(|_| !decided.automatic) else {
        return Ok(None);
    };
    let in_force = tx
        .select::<record::Entity>()
        .select_only()
        .column(record::Column::DecisionId)
        .filter(record::Column::Id.eq(decided.record_id))
        .into_query();
    let lines = tx
        .select::<record_split::Entity>()
        .filter(record_split::Column::DecisionId.in_subquery(in_force))
        .count(tx.on())
        .await?;
    Ok((lines == 0).then_some(category))
}
