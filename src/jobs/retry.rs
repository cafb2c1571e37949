//! Driving dead jobs again, with fresh attempts.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use entity::{JobId, RecordId, job};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::find::{named, why_not};
use crate::ctx::{Ctx, Event, Job, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;
use crate::records;

/// Dead jobs that are driven again at once; as many are kept.
const AT_ONCE: u64 = 1_000;

/// Whether a dead job can be driven again. What a person asked for and waits for, such as a report, was told to them as
/// failed: they ask for it again. Nor can a job that a later version wrote.
pub fn is_retryable(row: &job::Model) -> bool {
    row.state == job::State::Dead && Job::read(row).is_ok_and(|job| goes_again(&job))
}

fn goes_again(job: &Job) -> bool {
    match job {
        Job::ExportTenant { .. }
        | Job::GenerateReport { .. }
        | Job::RunSimulation { .. }
        | Job::WorkChangeSet { .. } => false,
        Job::IngestImport { .. }
        | Job::IngestDelivery { .. }
        | Job::ProcessRecord { .. }
        | Job::MailResetLink { .. }
        | Job::SendMail { .. }
        | Job::StoreVectors { .. }
        | Job::SuggestRules { .. }
        | Job::ReconsiderProposals { .. }
        | Job::RebuildVectors { .. } => true,
    }
}

/// Drives a dead job again, together with what it was about.
#[tracing::instrument(skip_all, fields(job.id = %id))]
pub async fn retry(ctx: &Ctx, id: JobId) -> Result<job::Model> {
    ctx.require(Permission::ManageJobs)?;
    let mut tx = ctx.begin().await?;
    let dead = dead(&tx).filter(job::Column::Id.eq(id));
    let Some(row) = dead.lock_exclusive().one(tx.on()).await? else {
        return why_not(&tx, id).await;
    };
    if !is_retryable(&row) {
        return Err(Error::conflict(
            "whoever asked for it was told that it failed; ask for it again",
        ));
    }
    let Some(row) = drive(&mut tx, vec![row]).await?.pop() else {
        return Err(Error::conflict(
            "its record is not failed any more; discard the job",
        ));
    };
    tx.commit().await?;
    Ok(row)
}

/// Drives the dead jobs of a queue again that can be; how many.
#[tracing::instrument(skip_all, fields(queue.name = queue))]
pub async fn retry_queue(ctx: &Ctx, queue: &str) -> Result<usize> {
    ctx.require(Permission::ManageJobs)?;
    let queue = named("queue", queue)?;
    let mut tx = ctx.begin().await?;
    let dead = dead(&tx).filter(job::Column::Queue.eq(queue.as_str()));
    let mut rows = dead
        .order_by_asc(job::Column::Id)
        .limit(AT_ONCE)
        .lock_exclusive()
        .all(tx.on())
        .await?;
    rows.retain(is_retryable);
    let driven = drive(&mut tx, rows).await?.len();
    tx.commit().await?;
    Ok(driven)
}

fn dead(tx: &Tx<'_>) -> sea_orm::Select<job::Entity> {
    tx.select::<job::Entity>()
        .filter(job::Column::State.eq(job::State::Dead))
}

/// Drives these dead jobs, but for those whose record waits for them no more; those that were driven.
async fn drive(tx: &mut Tx<'_>, rows: Vec<job::Model>) -> Result<Vec<job::Model>> {
    let about = |row: &job::Model| match Job::read(row) {
        Ok(Job::ProcessRecord { record }) => Some(record),
        _ => None,
    };
    let records: Vec<RecordId> = rows.iter().filter_map(about).collect();
    let waiting: HashSet<RecordId> = records::receive_again(tx, &records).await?;
    let wanted = rows
        .iter()
        .filter(|row| about(row).is_none_or(|record| waiting.contains(&record)));
    let wanted: Vec<JobId> = wanted.map(|row| row.id).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let driven = tx
        .update::<job::Entity>()
        .col_expr(job::Column::State, Expr::value(job::State::Ready))
        .col_expr(job::Column::Attempt, Expr::value(0))
        .col_expr(job::Column::RunAt, Expr::value(tx.ctx().now()))
        .col_expr(job::Column::Claim, Expr::value(Option::<Uuid>::None))
        .col_expr(
            job::Column::FinishedAt,
            Expr::value(Option::<DateTime<Utc>>::None),
        )
        .filter(job::Column::Id.is_in(wanted))
        .filter(job::Column::State.eq(job::State::Dead))
        .exec_with_returning(tx.on())
        .await?;
    for row in &driven {
        tx.record(Event::JobRetried {
            job: row.id,
            queue: row.queue.clone(),
        });
        tx.wake(&row.queue);
    }
    Ok(driven)
}
