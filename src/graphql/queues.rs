//! How background work stands, as clients see it.

use async_graphql::{Context, Object, SimpleObject};
use chrono::{DateTime, Utc};

use super::op::Op;
use crate::error::Result;
use crate::jobs;
use crate::queue::Standing;

/// How one queue of the tenant stands.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct QueueStanding {
    /// Its name, such as `records:process`.
    pub name: String,
    /// Jobs that are due and that nobody has begun.
    pub waiting: i64,
    /// Since when the oldest of them is due.
    pub oldest_due_at: Option<DateTime<Utc>>,
    /// Jobs that wait for their time, such as for another attempt.
    pub delayed: i64,
    /// Of those that wait or are delayed, the ones that failed before.
    pub failed_before: i64,
    /// Jobs that a worker holds.
    pub running: i64,
    /// Jobs given up after their last attempt.
    pub dead: i64,
    /// Jobs done over the last 15 minutes that are still kept.
    pub done: i64,
    /// Jobs done in a minute, over the last 15 minutes at most; absent when none was.
    pub per_minute: Option<f64>,
    /// Milliseconds that all but a twentieth of them waited at most, from due to begun; absent when none was done.
    pub wait_p95_ms: Option<i64>,
    /// Milliseconds that all but a twentieth of them took at most, in their last attempt; absent when none was done.
    pub run_p95_ms: Option<i64>,
    /// Attempts before a job is dead.
    pub max_attempts: i32,
}

impl From<Standing> for QueueStanding {
    fn from(standing: Standing) -> Self {
        Self {
            name: standing.queue.as_str().to_owned(),
            waiting: standing.waiting,
            oldest_due_at: standing.oldest_due_at,
            delayed: standing.delayed,
            failed_before: standing.failed_before,
            running: standing.running,
            dead: standing.dead,
            done: standing.done,
            per_minute: standing.per_minute,
            wait_p95_ms: standing.wait_p95.map(|time| time.num_milliseconds()),
            run_p95_ms: standing.run_p95.map(|time| time.num_milliseconds()),
            max_attempts: standing.queue.policy().attempts,
        }
    }
}

/// Questions about background work.
#[derive(Default)]
pub struct QueuesQuery;

#[Object]
impl QueuesQuery {
    /// How the queues of the tenant stand: what waits and since when, how fast it goes, and what fails. `jobs` lists
    /// what is in them. Needs `jobs:manage`.
    async fn queues(&self, ctx: &Context<'_>) -> Result<Vec<QueueStanding>> {
        let standing = jobs::standing(ctx.op()?).await?;
        Ok(standing.into_iter().map(Into::into).collect())
    }
}
