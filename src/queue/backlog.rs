//! What waits, what is dead, and driving the dead again.

use chrono::{DateTime, Utc};
use entity::{JobId, TenantId, job};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

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

/// The dead jobs of a tenant, newest first.
pub async fn dead(db: &Db, tenant: TenantId, limit: u64) -> Result<Vec<job::Model>> {
    let tx = db.read_across_tenants("listing dead jobs").await?;
    Ok(job::Entity::find()
        .filter(job::Column::TenantId.eq(tenant))
        .filter(job::Column::State.eq(job::State::Dead))
        .order_by_desc(job::Column::FinishedAt)
        .limit(limit)
        .all(&tx)
        .await?)
}

/// Drives dead jobs of a tenant again, with fresh attempts; the ids that were dead.
pub async fn redrive(
    db: &Db,
    tenant: TenantId,
    jobs: &[JobId],
    now: DateTime<Utc>,
) -> Result<Vec<JobId>> {
    let tx = db.across_tenants("driving dead jobs again").await?;
    let driven = job::Entity::update_many()
        .col_expr(job::Column::State, Expr::value(job::State::Ready))
        .col_expr(job::Column::Attempt, Expr::value(0))
        .col_expr(job::Column::RunAt, Expr::value(now))
        .col_expr(job::Column::Claim, Expr::value(Option::<Uuid>::None))
        .col_expr(
            job::Column::FinishedAt,
            Expr::value(Option::<DateTime<Utc>>::None),
        )
        .filter(job::Column::TenantId.eq(tenant))
        .filter(job::Column::Id.is_in(jobs.iter().copied()))
        .filter(job::Column::State.eq(job::State::Dead))
        .exec_with_returning(&tx)
        .await?;
    tx.commit().await?;
    Ok(driven.into_iter().map(|job| job.id).collect())
}
