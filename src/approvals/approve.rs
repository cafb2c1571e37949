//! Accepting what is proposed.
//!
//! The pipeline's decision stays the one in force: a person agreed with it and decided nothing else.

use std::collections::HashMap;

use entity::{ApprovalId, DecisionId, RecordId, approval, category, record, record_split};
use sea_orm::sea_query::{Expr, SelectStatement};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect, QueryTrait};

use super::answer::{self, Answer};
use crate::bulk::ErrorPolicy;
use crate::ctx::{Ctx, Event, Outcome, Posting, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;
use crate::splits;

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
        .filter(approval::Column::DecisionId.not_in_subquery(archived_lines(&tx)))
        .filter(answer::not_own(&tx))
        .filter(answer::reached(&tx))
        .exec_with_returning(tx.on())
        .await?;
    let answers = answer::answers(&tx, ids, &decided).await?;
    if !decided.is_empty() {
        enter_books(&tx, &decided).await?;
    }
    let mut lines = lines_of(&tx, &decided).await?;
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
            lines: lines.remove(&row.decision_id).unwrap_or_default(),
        };
        tx.record_diff(approved, answer::diff(row));
    }
    answer::settle(tx, policy, answers).await
}

/// The decisions with a line under a category that was archived since.
fn archived_lines(tx: &Tx<'_>) -> SelectStatement {
    let archived = tx
        .select::<category::Entity>()
        .select_only()
        .column(category::Column::Id)
        .filter(category::Column::ArchivedAt.is_not_null())
        .into_query();
    tx.select::<record_split::Entity>()
        .select_only()
        .column(record_split::Column::DecisionId)
        .filter(record_split::Column::CategoryId.in_subquery(archived))
        .into_query()
}

/// The lines of what was approved, where it is split, as the log tells them.
async fn lines_of(
    tx: &Tx<'_>,
    decided: &[approval::Model],
) -> Result<HashMap<DecisionId, Vec<Posting>>> {
    let decisions: Vec<DecisionId> = decided.iter().map(|row| row.decision_id).collect();
    let lines = splits::of_decisions(tx.select(), tx.on(), &decisions).await?;
    if lines.is_empty() {
        return Ok(HashMap::new());
    }
    let records = decided
        .iter()
        .filter(|row| lines.contains_key(&row.decision_id));
    let currencies: Vec<(RecordId, String)> = tx
        .select::<record::Entity>()
        .select_only()
        .columns([record::Column::Id, record::Column::Currency])
        .filter(record::Column::Id.is_in(records.map(|row| row.record_id)))
        .into_tuple()
        .all(tx.on())
        .await?;
    let currencies: HashMap<RecordId, String> = currencies.into_iter().collect();
    let told = |(decision, lines): (DecisionId, Vec<record_split::Model>)| {
        let currency = lines
            .first()
            .and_then(|line| currencies.get(&line.record_id));
        (
            decision,
            splits::postings(&lines, currency.map_or("", String::as_str)),
        )
    };
    Ok(lines.into_iter().map(told).collect())
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
