//! Taking work, keeping it, and giving it back.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{JobId, TenantId, job, tenant};
use sea_orm::sea_query::{Expr, LockBehavior, LockType, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use uuid::Uuid;

use super::Queue;
use crate::db::Db;
use crate::error::{Error, Result};

/// Why an attempt failed whose worker never said.
const WENT_AWAY: &str = "the worker went away";

/// Why an attempt failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What the tenant may read.
    pub reason: String,
    /// What the operator needs: the error with its causes.
    pub detail: String,
}

impl Failure {
    /// What an error says to each, cut to a sensible length.
    pub fn of(error: &Error) -> Self {
        let reason = error.to_string();
        let mut detail = reason.clone();
        let mut cause = std::error::Error::source(error);
        while let Some(next) = cause {
            detail += &format!(": {next}");
            cause = next.source();
        }
        let cut = |text: String| text.chars().take(1_000).collect();
        Self {
            reason: cut(reason),
            detail: cut(detail),
        }
    }
}

/// Jobs of one tenant that one worker holds.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Proof of holding them.
    pub id: Uuid,
    /// Whose jobs they are.
    pub tenant: TenantId,
    /// Their queue.
    pub queue: Queue,
    /// The jobs, oldest first.
    pub jobs: Vec<job::Model>,
}

/// Takes up to a batch of jobs of the tenant that has waited longest in `queue`; `None` when nothing is due.
pub async fn claim(
    db: &Db,
    queue: Queue,
    worker: &str,
    now: DateTime<Utc>,
) -> Result<Option<Claim>> {
    let policy = queue.policy();
    // most polls find nothing: do not take the write lock for them
    let mut due = job::Column::Queue
        .eq(queue.as_str())
        .and(job::Column::State.eq(job::State::Ready))
        .and(job::Column::RunAt.lte(now));
    if !policy.while_suspended {
        due = due.and(job::Column::TenantId.not_in_subquery(suspended()));
    }
    let waiting = job::Entity::find()
        .select_only()
        .column(job::Column::TenantId)
        .filter(due.clone())
        .order_by_asc(job::Column::RunAt)
        .limit(1);
    let peek = db.read_across_tenants("claiming jobs").await?;
    let Some(tenant) = waiting.into_tuple::<TenantId>().one(&peek).await? else {
        return Ok(None);
    };
    drop(peek);

    let tx = db.across_tenants("claiming jobs").await?;
    let batch = job::Entity::find()
        .select_only()
        .column(job::Column::Id)
        .filter(due)
        .filter(job::Column::TenantId.eq(tenant))
        .order_by_asc(job::Column::RunAt)
        .order_by_asc(job::Column::Id)
        .limit(policy.batch)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .into_query();
    let id = Uuid::now_v7();
    let mut jobs = job::Entity::update_many()
        .col_expr(job::Column::State, Expr::value(job::State::Running))
        .col_expr(job::Column::Claim, Expr::value(id))
        .col_expr(job::Column::Worker, Expr::value(worker))
        .col_expr(job::Column::Attempt, Expr::col(job::Column::Attempt).add(1))
        .col_expr(job::Column::LeaseUntil, Expr::value(until(queue, now)))
        .col_expr(job::Column::StartedAt, Expr::value(now))
        .filter(job::Column::Id.in_subquery(batch))
        .exec_with_returning(&tx)
        .await?;
    tx.commit().await?;
    jobs.sort_by_key(|job| (job.run_at, job.id));
    Ok((!jobs.is_empty()).then_some(Claim {
        id,
        tenant,
        queue,
        jobs,
    }))
}

/// The tenants on hold: few, under an index of their own.
fn suspended() -> SelectStatement {
    Query::select()
        .column(tenant::Column::Id)
        .from(tenant::Entity)
        .and_where(tenant::Column::SuspendedAt.is_not_null())
        .to_owned()
}

fn until(queue: Queue, now: DateTime<Utc>) -> DateTime<Utc> {
    now + TimeDelta::from_std(queue.policy().lease).unwrap_or(TimeDelta::seconds(30))
}

/// Holds a claim for another lease. False when it was lost: stop working on it.
pub async fn renew(db: &Db, claim: &Claim, now: DateTime<Utc>) -> Result<bool> {
    let tx = db.across_tenants("renewing a lease").await?;
    let held = job::Entity::update_many()
        .col_expr(
            job::Column::LeaseUntil,
            Expr::value(until(claim.queue, now)),
        )
        .filter(job::Column::Claim.eq(claim.id))
        .filter(job::Column::State.eq(job::State::Running))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(held.rows_affected > 0)
}

/// Puts jobs back after a failed attempt: each waits longer than before. Jobs without attempts left stay claimed, for
/// the worker to bury together with what they were about; see [`exhausted`].
pub async fn fail(
    db: &Db,
    claim: &Claim,
    jobs: &[JobId],
    failure: &Failure,
    now: DateTime<Utc>,
) -> Result<()> {
    let policy = claim.queue.policy();
    let tx = db.across_tenants("failing jobs").await?;
    for job in claim
        .jobs
        .iter()
        .filter(|job| jobs.contains(&job.id) && !exhausted(job))
    {
        let again =
            now + TimeDelta::from_std(policy.delay(job.attempt)).unwrap_or(TimeDelta::seconds(2));
        job::Entity::update_many()
            .col_expr(job::Column::State, Expr::value(job::State::Ready))
            .col_expr(job::Column::RunAt, Expr::value(again))
            .col_expr(job::Column::LastError, Expr::value(failure.detail.as_str()))
            .col_expr(job::Column::Reason, Expr::value(failure.reason.as_str()))
            .col_expr(job::Column::Claim, Expr::value(Option::<Uuid>::None))
            .filter(job::Column::Id.eq(job.id))
            .filter(job::Column::Claim.eq(claim.id))
            .filter(job::Column::State.eq(job::State::Running))
            .exec(&tx)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Tells the operator why a job is dead that was buried with what its tenant may read.
pub async fn detail(db: &Db, claim: &Claim, job: JobId, failure: &Failure) -> Result<()> {
    let tx = db.across_tenants("telling why a job is dead").await?;
    job::Entity::update_many()
        .col_expr(job::Column::LastError, Expr::value(failure.detail.as_str()))
        .filter(job::Column::Id.eq(job))
        .filter(job::Column::Claim.eq(claim.id))
        .filter(job::Column::State.eq(job::State::Dead))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Whether a claimed job has used its last attempt.
pub fn exhausted(job: &job::Model) -> bool {
    job.attempt >= job.max_attempts
}

/// Gives jobs back that were claimed and not begun, as at shutdown. The attempt stays counted.
pub async fn release(db: &Db, claim: &Claim, now: DateTime<Utc>) -> Result<()> {
    let tx = db.across_tenants("releasing jobs").await?;
    job::Entity::update_many()
        .col_expr(job::Column::State, Expr::value(job::State::Ready))
        .col_expr(job::Column::RunAt, Expr::value(now))
        .col_expr(job::Column::Claim, Expr::value(Option::<Uuid>::None))
        .filter(job::Column::Claim.eq(claim.id))
        .filter(job::Column::State.eq(job::State::Running))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Takes jobs away from workers whose lease ran out: they are ready again. Those without attempts left come back as
/// claims, one per job, for the caller to bury.
pub async fn recover(db: &Db, worker: &str, now: DateTime<Utc>) -> Result<Vec<Claim>> {
    let lapsed = job::Column::State
        .eq(job::State::Running)
        .and(job::Column::LeaseUntil.lt(now));
    let peek = db.read_across_tenants("recovering leases").await?;
    let any = job::Entity::find()
        .filter(lapsed.clone())
        .limit(1)
        .one(&peek)
        .await?;
    drop(peek);
    if any.is_none() {
        return Ok(Vec::new());
    }
    let tx = db.across_tenants("recovering leases").await?;
    let tries_left = Expr::col(job::Column::Attempt).lt(Expr::col(job::Column::MaxAttempts));
    let freed = job::Entity::update_many()
        .col_expr(job::Column::State, Expr::value(job::State::Ready))
        .col_expr(job::Column::RunAt, Expr::value(now))
        .col_expr(job::Column::LastError, Expr::value(WENT_AWAY))
        .col_expr(job::Column::Reason, Expr::value(WENT_AWAY))
        .col_expr(job::Column::Claim, Expr::value(Option::<Uuid>::None))
        .filter(lapsed.clone())
        .filter(tries_left)
        .exec(&tx)
        .await?;
    let id = Uuid::now_v7();
    let lost = job::Entity::update_many()
        .col_expr(job::Column::Claim, Expr::value(id))
        .col_expr(job::Column::Worker, Expr::value(worker))
        .col_expr(job::Column::LastError, Expr::value(WENT_AWAY))
        .col_expr(job::Column::Reason, Expr::value(WENT_AWAY))
        .col_expr(
            job::Column::LeaseUntil,
            Expr::value(now + TimeDelta::seconds(30)),
        )
        .filter(lapsed)
        .exec_with_returning(&tx)
        .await?;
    tx.commit().await?;
    if freed.rows_affected > 0 {
        tracing::warn!(
            jobs = freed.rows_affected,
            "Recovered jobs of a worker that went away"
        );
    }
    let claims = lost.into_iter().filter_map(|job| {
        let queue = Queue::named(&job.queue)?;
        Some(Claim {
            id,
            tenant: job.tenant_id,
            queue,
            jobs: vec![job],
        })
    });
    Ok(claims.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_reads_what_failed_and_the_operator_also_why() {
        let failure = Failure::of(&Error::internal("no such table: secret_plans"));
        assert_eq!(failure.reason, "something went wrong on our side");
        assert!(failure.detail.starts_with(&failure.reason));
        assert!(failure.detail.contains("secret_plans"));
    }
}
