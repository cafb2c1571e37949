//! What waits, and whether somebody works.

use chrono::{DateTime, Utc};
use entity::{TenantId, job};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use crate::db::Db;
use crate::error::Result;

/// Jobs waiting or running, of one tenant or of all.
pub async fn depth(db: &Db, tenant: Option<TenantId>) -> Result<u64> {
    let tx = db.read_across_tenants("counting jobs").await?;
    let mut pending = job::Entity::find()
        .filter(job::Column::State.is_in([job::State::Ready, job::State::Running]));
    if let Some(tenant) = tenant {
        pending = pending.filter(job::Column::TenantId.eq(tenant));
    }
    Ok(pending.count(&tx).await?)
}

/// Whether a worker is at work: some job is held under a lease that has not run out.
pub async fn is_worked(db: &Db, now: DateTime<Utc>) -> Result<bool> {
    let tx = db.read_across_tenants("looking for a worker").await?;
    let held = job::Entity::find()
        .filter(job::Column::State.eq(job::State::Running))
        .filter(job::Column::LeaseUntil.gt(now))
        .one(&tx)
        .await?;
    Ok(held.is_some())
}
