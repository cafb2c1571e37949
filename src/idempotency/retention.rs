//! Forgetting keys.

#![expect(
    clippy::disallowed_methods,
    reason = "the room of the keys, of every tenant at once"
)]

use chrono::TimeDelta;
use entity::idempotency_key;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::ctx::Handles;
use crate::error::Result;

/// How long a key is known.
const KEEP: TimeDelta = TimeDelta::hours(24);

/// Removes keys that were used over a day ago, with their answers; how many went.
pub async fn prune(handles: &Handles) -> Result<u64> {
    let tx = handles.db.across_tenants("forgetting used keys").await?;
    let gone = idempotency_key::Entity::delete_many()
        .filter(idempotency_key::Column::CreatedAt.lt(handles.clock.now() - KEEP))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(gone.rows_affected)
}
