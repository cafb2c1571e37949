//! Forgetting sign-ins and invitations that are long over.

use chrono::TimeDelta;
use entity::{invitation, session};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter};

use crate::ctx::Handles;
use crate::error::Result;

/// How long an ended session or a lapsed invitation is kept, for a look back.
const KEEP: TimeDelta = TimeDelta::days(30);

/// Removes sessions that ended and invitations that lapsed over 30 days ago; how many went.
pub async fn prune(handles: &Handles) -> Result<u64> {
    let before = handles.clock.now() - KEEP;
    let tx = handles
        .db
        .across_tenants("pruning sessions and invitations")
        .await?;
    let over = session::Column::ExpiresAt
        .lt(before)
        .or(session::Column::RevokedAt.lt(before));
    let sessions = session::Entity::delete_many()
        .filter(over)
        .exec(&tx)
        .await?;
    let invitations = invitation::Entity::delete_many()
        .filter(invitation::Column::ExpiresAt.lt(before))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(sessions.rows_affected + invitations.rows_affected)
}
