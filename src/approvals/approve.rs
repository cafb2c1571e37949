//! Accepting what is proposed.
//!
//! The pipeline's decision stays the one in force: a person agreed with it and decided nothing else.

use entity::{ApprovalId, approval, category, record};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect, QueryTrait};

use super::answer::{self, Answer};
use crate::bulk::ErrorPolicy;
use crate::ctx::{Ctx, Event, Outcome, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// Accepts the proposal of a waiting approval: its record enters the books.
pub async fn approve(ctx: &Ctx, id: ApprovalId) -> Result<approval::Model> {
    answer::only(approve_many(ctx, &[id], ErrorPolicy::RejectFailed).await?)
}

/// Accepts many proposals at once; the policy says whether one that cannot be accepted holds back the others.
#[tracing::instrument(skip_all, fields(approvals = ids.len()))]
pub async fn approve_many(
    ctx: &Ctx,
    ids: &[ApprovalId],
    policy: ErrorPolicy,
) -> Result<Vec<Answer>> {
    ctx.require(Permission::DecideApprovals)?;
    answer::checked(ids)?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = ctx.begin().await?;
    let open = tx
        .select::<category::Entity>()
        .select_only()
        .column(category::Column::Id)
        .filter(category::Column::ArchivedAt.is_null())
        .into_query();
    // the condition is in the UPDATE: two reviewers, one decision
    let decided = tx
        .update::<approval::Entity>()
        .col_expr(
            approval::Column::Status,
            Expr::value(approval::Status::Approved),
        )
        .col_expr(
            approval::Column::CategoryId,
            Expr::col(approval::Column::ProposedCategoryId),
        )
        .col_expr(approval::Column::DecidedBy, Expr::value(ctx.user()))
        .col_expr(approval::Column::DecidedAt, Expr::value(Some(ctx.now())))
        .filter(approval::Column::Id.is_in(ids.iter().copied()))
        .filter(approval::Column::Status.eq(approval::Status::Pending))
        .filter(approval::Column::ProposedCategoryId.in_subquery(open))
        .filter(answer::not_own(&tx))
        .filter(answer::reached(&tx))
        .exec_with_returning(tx.on())
        .await?;
    let answers = answer::answers(&tx, ids, &decided).await?;
    if !decided.is_empty() {
        enter_books(&tx, &decided).await?;
    }
    for row in &decided {
        let Some(category) = row.category_id else {
            return Err(Error::internal(
                "an approval without a category was approved",
            ));
        };
        let approved = Event::TxApproved {
            approval: row.id,
            record: row.record_id,
            decision: row.decision_id,
            category,
            outcome: Outcome::Approved,
        };
        tx.record_diff(approved, answer::diff(row));
    }
    answer::settle(tx, policy, answers).await
}

/// Moves records from PROCESSED to APPROVED; they carry the proposed category already.
async fn enter_books(tx: &Tx<'_>, decided: &[approval::Model]) -> Result<()> {
    let updated = tx
        .update::<record::Entity>()
        .col_expr(
            record::Column::Status,
            Expr::value(record::Status::Approved),
        )
        .col_expr(record::Column::UpdatedAt, Expr::value(tx.ctx().now()))
        .filter(record::Column::Id.is_in(decided.iter().map(|row| row.record_id)))
        .filter(record::Column::Status.eq(record::Status::Processed))
        .exec(tx.on())
        .await?;
    all_moved(updated.rows_affected, decided.len())
}

/// Refuses the whole change when a record was not in the state it had to leave.
pub(super) fn all_moved(moved: u64, wanted: usize) -> Result<()> {
    if moved == wanted as u64 {
        Ok(())
    } else {
        Err(Error::conflict(
            "a record was being changed at the same time; look again",
        ))
    }
}
