//! Finding that a record does not belong in the books.

use entity::{ApprovalId, CategoryId, approval, record};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect, QueryTrait};

use super::answer::{self, Answer};
use super::approve::all_moved;
use crate::bulk::ErrorPolicy;
use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::links;
use crate::permission::Permission;

/// How many characters a comment may have.
const MAX_COMMENT: usize = 2_000;

/// Rejects the record of a waiting approval.
pub async fn reject(ctx: &Ctx, id: ApprovalId, comment: Option<String>) -> Result<approval::Model> {
    answer::only(reject_many(ctx, &[id], comment, ErrorPolicy::RejectFailed).await?)
}

/// Rejects many at once; the policy says whether one that cannot be rejected holds back the others.
#[tracing::instrument(skip_all, fields(approvals = ids.len()))]
pub async fn reject_many(
    ctx: &Ctx,
    ids: &[ApprovalId],
    comment: Option<String>,
    policy: ErrorPolicy,
) -> Result<Vec<Answer>> {
    ctx.require(Permission::DecideApprovals)?;
    answer::checked(ids)?;
    let comment = checked_comment(comment)?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = ctx.begin().await?;
    let decided = tx
        .update::<approval::Entity>()
        .col_expr(
            approval::Column::Status,
            Expr::value(approval::Status::Rejected),
        )
        .col_expr(approval::Column::Comment, Expr::value(comment))
        .col_expr(approval::Column::DecidedBy, Expr::value(ctx.user()))
        .col_expr(approval::Column::DecidedAt, Expr::value(Some(ctx.now())))
        .filter(approval::Column::Id.is_in(ids.iter().copied()))
        .filter(approval::Column::Status.eq(approval::Status::Pending))
        .filter(answer::reached(&tx))
        .exec_with_returning(tx.on())
        .await?;
    let answers = answer::answers(&tx, ids, &decided).await?;
    if !decided.is_empty() {
        leave_books(&tx, &decided).await?;
        let rejected = tx
            .select::<record::Entity>()
            .select_only()
            .column(record::Column::Id)
            .filter(record::Column::Id.is_in(decided.iter().map(|row| row.record_id)))
            .into_query();
        links::release(&mut tx, &rejected).await?;
    }
    for row in &decided {
        let rejected = Event::TxRejected {
            approval: row.id,
            record: row.record_id,
        };
        tx.record_diff(rejected, answer::diff(row));
    }
    answer::settle(tx, policy, answers).await
}

/// Moves records from PROCESSED to REJECTED, without a category.
async fn leave_books(tx: &Tx<'_>, decided: &[approval::Model]) -> Result<()> {
    let moved = tx
        .update::<record::Entity>()
        .col_expr(
            record::Column::Status,
            Expr::value(record::Status::Rejected),
        )
        .col_expr(
            record::Column::CategoryId,
            Expr::value(Option::<CategoryId>::None),
        )
        .col_expr(record::Column::UpdatedAt, Expr::value(tx.ctx().now()))
        .filter(record::Column::Id.is_in(decided.iter().map(|row| row.record_id)))
        .filter(record::Column::Status.eq(record::Status::Processed))
        .exec(tx.on())
        .await?;
    all_moved(moved.rows_affected, decided.len())
}

/// A comment without the blanks around it; an empty one is none.
pub(super) fn checked_comment(comment: Option<String>) -> Result<Option<String>> {
    let comment = comment
        .map(|comment| comment.trim().to_owned())
        .filter(|comment| !comment.is_empty());
    match &comment {
        Some(text) if text.chars().count() > MAX_COMMENT => Err(Error::invalid(
            "comment",
            format!("at most {MAX_COMMENT} characters are accepted"),
        )),
        _ => Ok(comment),
    }
}
