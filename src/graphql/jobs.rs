//! Jobs of the background, as clients see them: never what they hold, which may be sealed.

use std::collections::HashMap;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{JobId, job};

use super::node::{global, local};
use super::op::Op;
use super::page::{Connection, as_of, asks, window};
use super::payload::payloads;
use super::plain::Plain;
use crate::ctx;
use crate::error::Result;
use crate::jobs;
use crate::page::Page;
use crate::queue::Progress;

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "job::State")]
pub enum JobState {
    /// Waiting, or waiting for its time.
    Ready,
    /// A worker holds it.
    Running,
    /// Finished.
    Done,
    /// Given up after its last attempt.
    Dead,
}

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum JobKind {
    /// Reads a file into records.
    IngestImport,
    /// Makes records of a webhook delivery.
    IngestDelivery,
    /// Decides about a record.
    ProcessRecord,
    /// Writes everything of the tenant to a file.
    ExportTenant,
    /// Makes a report.
    GenerateReport,
    /// Replays the pipeline.
    RunSimulation,
    /// Applies a change set, or takes it back.
    WorkChangeSet,
    /// Mails a link to a new password.
    MailResetLink,
    /// Sends a mail.
    SendMail,
    /// Keeps vectors of what was approved.
    StoreVectors,
    /// Sees what approvals say about rules.
    SuggestRules,
    /// Looks again at what waits, after approvals or when some were taken back.
    ReconsiderProposals,
    /// Makes the vectors of everything that is approved.
    RebuildVectors,
}

impl JobKind {
    fn of(job: &ctx::Job) -> Self {
        match job {
            ctx::Job::IngestImport { .. } => Self::IngestImport,
            ctx::Job::IngestDelivery { .. } => Self::IngestDelivery,
            ctx::Job::ProcessRecord { .. } => Self::ProcessRecord,
            ctx::Job::ExportTenant { .. } => Self::ExportTenant,
            ctx::Job::GenerateReport { .. } => Self::GenerateReport,
            ctx::Job::RunSimulation { .. } => Self::RunSimulation,
            ctx::Job::WorkChangeSet { .. } => Self::WorkChangeSet,
            ctx::Job::MailResetLink { .. } => Self::MailResetLink,
            ctx::Job::SendMail { .. } => Self::SendMail,
            ctx::Job::StoreVectors { .. } => Self::StoreVectors,
            ctx::Job::SuggestRules { .. } => Self::SuggestRules,
            ctx::Job::ReconsiderProposals { .. } => Self::ReconsiderProposals,
            ctx::Job::RebuildVectors { .. } => Self::RebuildVectors,
        }
    }
}

/// How far a job is that runs.
#[derive(Clone, Copy, SimpleObject)]
#[graphql(serial)]
pub struct JobProgress {
    /// Parts that are done: rows of a file, records of a simulation, texts.
    pub done: i64,
    /// Parts in all.
    pub total: i64,
}

impl From<Progress> for JobProgress {
    fn from(far: Progress) -> Self {
        let number = |parts: u64| i64::try_from(parts).unwrap_or(i64::MAX);
        Self {
            done: number(far.done),
            total: number(far.total),
        }
    }
}

/// A job of the background: something that is done after the answer.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct Job {
    /// Opaque global id.
    pub id: ID,
    /// Its queue, such as `records:process`.
    pub queue: String,
    /// What it does; null when a later version of balance wanted it.
    pub kind: Option<JobKind>,
    /// The id of what it is about, where that is one thing: a record, an import, a delivery, a report, a simulation, an export.
    pub subject_id: Option<ID>,
    /// How far it is.
    pub state: JobState,
    /// Attempts begun; since it was last driven again.
    pub attempt: i32,
    /// After how many it is dead.
    pub max_attempts: i32,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// How far it is while it runs, if it tells.
    pub progress: Option<JobProgress>,
    /// Whether `retryJob` can drive it again. What somebody asked for and was told the failure of is asked for again instead.
    pub retryable: bool,
    /// When it was wanted.
    pub created_at: DateTime<Utc>,
    /// Not before this; later than it was wanted when an attempt failed.
    pub due_at: DateTime<Utc>,
    /// When its last attempt began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was done or dead.
    pub finished_at: Option<DateTime<Utc>>,
}

impl Plain for Job {}

impl From<job::Model> for Job {
    fn from(row: job::Model) -> Self {
        let job = ctx::Job::read(&row).ok();
        Self {
            id: global("Job", row.id),
            retryable: jobs::is_retryable(&row),
            queue: row.queue,
            kind: job.as_ref().map(JobKind::of),
            subject_id: job.as_ref().and_then(subject),
            state: row.state.into(),
            attempt: row.attempt,
            max_attempts: row.max_attempts,
            error: row.reason,
            progress: None,
            created_at: row.created_at,
            due_at: row.run_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
        }
    }
}

fn subject(job: &ctx::Job) -> Option<ID> {
    match job {
        ctx::Job::IngestImport { import } => Some(global("Import", *import)),
        ctx::Job::IngestDelivery { delivery } => Some(global("Delivery", *delivery)),
        ctx::Job::ProcessRecord { record } => Some(global("Record", *record)),
        ctx::Job::ExportTenant { export } => Some(global("TenantExport", *export)),
        ctx::Job::GenerateReport { report } => Some(global("Report", *report)),
        ctx::Job::RunSimulation { simulation } => Some(global("Simulation", *simulation)),
        ctx::Job::WorkChangeSet { change_set } => Some(global("ChangeSet", *change_set)),
        ctx::Job::MailResetLink { .. }
        | ctx::Job::SendMail { .. }
        | ctx::Job::StoreVectors { .. }
        | ctx::Job::SuggestRules { .. }
        | ctx::Job::ReconsiderProposals { .. }
        | ctx::Job::RebuildVectors { .. } => None,
    }
}

/// Which jobs.
#[derive(Default, InputObject)]
pub struct JobFilter {
    /// Of these queues, by their names.
    #[graphql(default)]
    pub queues: Vec<String>,
    /// In these states.
    #[graphql(default)]
    pub states: Vec<JobState>,
}

impl JobFilter {
    fn read(self) -> Result<jobs::Filter> {
        let named = self.queues.iter();
        let named = named.map(|name| jobs::named("queues", name));
        Ok(jobs::Filter {
            queues: named.collect::<Result<_>>()?,
            states: self.states.into_iter().map(Into::into).collect(),
        })
    }
}

/// A dead job to drive again.
#[derive(InputObject)]
pub struct RetryJobInput {
    /// Which job.
    pub job_id: ID,
}

/// Dead jobs to drive again.
#[derive(InputObject)]
pub struct RetryJobsInput {
    /// Those of this queue, by its name.
    pub queue: String,
}

/// A dead job to forget.
#[derive(InputObject)]
pub struct DiscardJobInput {
    /// Which job.
    pub job_id: ID,
}

payloads! {
    /// A job that was driven again.
    RetryJobPayload {
        /// The job, waiting.
        job: Job
    },
    /// Jobs that were driven again.
    RetryJobsPayload {
        /// How many.
        retried: i32
    },
    /// A job that was forgotten.
    DiscardJobPayload {
        /// The job as it was.
        job: Job
    },
}

/// Questions about jobs.
#[derive(Default)]
pub struct JobsQuery;

#[Object]
impl JobsQuery {
    /// The jobs of the tenant that wait, run, are dead, or were done of late; the latest first. Of those that are done
    /// the last 100 are kept, and of the dead the last 1,000. Needs `jobs:manage`.
    async fn jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only these.")] filter: Option<JobFilter>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor they follow.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor they precede.")] before: Option<String>,
    ) -> Result<Connection<Job>> {
        let op = ctx.op()?;
        let window = window(first, after, last, before)?;
        let filter = filter.unwrap_or_default().read()?;
        let as_of = as_of(ctx).await?;
        let page = jobs::list(op, &filter, &window).await?;
        let far = told(op, &page).await;
        let mut found = Connection::of(page, |row| {
            let progress = far.get(&row.id).copied().map(Into::into);
            Job {
                progress,
                ..row.into()
            }
        });
        found.as_of = as_of;
        if asks(ctx, "totalCount") {
            found.total_count = Some(jobs::count(op, &filter).await? as i64);
        }
        Ok(found)
    }
}

async fn told(op: &ctx::Ctx, page: &Page<job::Model>) -> HashMap<JobId, Progress> {
    let rows: Vec<job::Model> = page.rows.iter().map(|(_, row)| row.clone()).collect();
    jobs::progress(op, &rows).await
}

/// What can be done with jobs.
#[derive(Default)]
pub struct JobsMutation;

#[Object]
impl JobsMutation {
    /// Drive a dead job again, with fresh attempts; a failed record waits for it again. Needs `jobs:manage`.
    async fn retry_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RetryJobInput,
    ) -> Result<RetryJobPayload> {
        let driven = async {
            let id = local("Job", "jobId", &input.job_id)?;
            jobs::retry(ctx.op()?, id).await
        };
        RetryJobPayload::of(driven.await)
    }

    /// Drive the dead jobs of a queue again, all that can be. Needs `jobs:manage`.
    async fn retry_jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RetryJobsInput,
    ) -> Result<RetryJobsPayload> {
        let driven = async {
            let driven = jobs::retry_queue(ctx.op()?, &input.queue).await?;
            Ok(i32::try_from(driven).unwrap_or(i32::MAX))
        };
        RetryJobsPayload::of::<i32>(driven.await)
    }

    /// Forget a dead job. What it was about stays failed. Needs `jobs:manage`.
    async fn discard_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: DiscardJobInput,
    ) -> Result<DiscardJobPayload> {
        let discarded = async {
            let id = local("Job", "jobId", &input.job_id)?;
            jobs::discard(ctx.op()?, id).await
        };
        DiscardJobPayload::of(discarded.await)
    }
}
