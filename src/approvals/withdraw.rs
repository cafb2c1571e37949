//! Taking back proposals that wait, so that others can take their place.

use std::collections::HashSet;

use entity::approval::{self, Status};
use entity::{ApprovalId, RecordId};
use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use super::approve::all_moved;
use crate::ctx::{Event, Tx};
use crate::error::Result;

/// Withdraws those of the approvals that still wait, in two statements; which ones. What was decided meanwhile is left
/// as it is, and so is what somebody decides at this very moment: they are not waited for.
pub async fn withdraw(tx: &mut Tx<'_>, ids: &[ApprovalId]) -> Result<HashSet<ApprovalId>> {
    let waiting: Vec<(ApprovalId, RecordId)> = tx
        .select::<approval::Entity>()
        .select_only()
        .columns([approval::Column::Id, approval::Column::RecordId])
        .filter(approval::Column::Id.is_in(ids.iter().copied()))
        .filter(approval::Column::Status.eq(Status::Pending))
        .order_by_asc(approval::Column::Id)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .into_tuple()
        .all(tx.on())
        .await?;
    let ids: Vec<ApprovalId> = waiting.iter().map(|(approval, _)| *approval).collect();
    move_all(tx, &ids, Status::Pending, Status::Cancelled).await?;
    for (approval, record) in waiting {
        tell_withdrawn(tx, approval, record);
    }
    Ok(ids.into_iter().collect())
}

/// Moves approvals from one state to another, all of them or none.
pub(super) async fn move_all(
    tx: &Tx<'_>,
    ids: &[ApprovalId],
    from: Status,
    to: Status,
) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let moved = tx
        .update::<approval::Entity>()
        .col_expr(approval::Column::Status, Expr::value(to))
        .filter(approval::Column::Id.is_in(ids.iter().copied()))
        .filter(approval::Column::Status.eq(from))
        .exec(tx.on())
        .await?;
    all_moved(moved.rows_affected, ids.len())
}

/// Files that a proposal was withdrawn.
pub(super) fn tell_withdrawn(tx: &mut Tx<'_>, approval: ApprovalId, record: RecordId) {
    tx.record_diff(
        Event::ProposalWithdrawn { approval, record },
        json!({ "status": { "from": "PENDING", "to": "CANCELLED" } }),
    );
}
