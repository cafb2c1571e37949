//! How the queues of a tenant stand: what waits, since when, how fast it goes and what fails.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{TenantId, job};
use sea_orm::sea_query::{CaseStatement, Expr};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::Queue;
use crate::db::Db;
use crate::error::Result;

/// How far back the pace is measured.
const PACE: TimeDelta = TimeDelta::minutes(15);
/// The latest jobs whose times are looked at: those of a minute, until the rest is forgotten.
const COURSES: u64 = 2_000;

/// How one queue of a tenant stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// Which queue.
    pub queue: Queue,
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
    /// Jobs done of late that are still kept.
    pub done: i64,
    /// Jobs done in a minute, of late; none when none was.
    pub per_minute: Option<f64>,
    /// How long the 95th of a hundred jobs done of late waited from when it was due until its last attempt began.
    pub wait_p95: Option<TimeDelta>,
    /// How long the 95th of a hundred jobs done of late took, from when its last attempt began.
    pub run_p95: Option<TimeDelta>,
}

/// When a job done of late was due, begun and done.
#[derive(FromQueryResult)]
struct Course {
    queue: String,
    run_at: DateTime<Utc>,
    started_at: DateTime<Utc>,
    finished_at: DateTime<Utc>,
}

#[derive(FromQueryResult)]
struct Line {
    queue: String,
    state: job::State,
    jobs: i64,
    delayed: i64,
    failed: i64,
    oldest: Option<DateTime<Utc>>,
    first: Option<DateTime<Utc>>,
}

/// How the queues of a tenant stand, each that there is.
pub async fn standing(db: &Db, tenant: TenantId, now: DateTime<Utc>) -> Result<Vec<Standing>> {
    let tx = db.read_across_tenants("looking at queues").await?;
    let sum = |of: Condition| Expr::expr(CaseStatement::new().case(of, 1).finally(0)).sum();
    let later = Condition::all().add(job::Column::RunAt.gt(now));
    let failed = Condition::all().add(job::Column::LastError.is_not_null());
    let recent = job::Column::State
        .ne(job::State::Done)
        .or(job::Column::FinishedAt.gt(now - PACE));
    let lines: Vec<Line> = job::Entity::find()
        .select_only()
        .column(job::Column::Queue)
        .column(job::Column::State)
        .column_as(job::Column::Id.count(), "jobs")
        .column_as(sum(later), "delayed")
        .column_as(sum(failed), "failed")
        .column_as(job::Column::RunAt.min(), "oldest")
        .column_as(job::Column::FinishedAt.min(), "first")
        .filter(job::Column::TenantId.eq(tenant))
        .filter(recent)
        .group_by(job::Column::Queue)
        .group_by(job::Column::State)
        .into_model()
        .all(&tx)
        .await?;
    let courses: Vec<Course> = job::Entity::find()
        .select_only()
        .columns([
            job::Column::Queue,
            job::Column::RunAt,
            job::Column::StartedAt,
            job::Column::FinishedAt,
        ])
        .filter(job::Column::TenantId.eq(tenant))
        .filter(job::Column::State.eq(job::State::Done))
        .filter(job::Column::FinishedAt.gt(now - PACE))
        .filter(job::Column::StartedAt.is_not_null())
        .order_by_desc(job::Column::FinishedAt)
        .limit(COURSES)
        .into_model()
        .all(&tx)
        .await?;
    let of_each = |queue| of(queue, &lines, &courses, now);
    Ok(Queue::ALL.map(of_each).to_vec())
}

fn of(queue: Queue, lines: &[Line], courses: &[Course], now: DateTime<Utc>) -> Standing {
    let own = || courses.iter().filter(|it| it.queue == queue.as_str());
    let find = |state| {
        let mut own = lines.iter().filter(|line| line.queue == queue.as_str());
        own.find(|line| line.state == state)
    };
    let jobs = |state| find(state).map_or(0, |line| line.jobs);
    let ready = find(job::State::Ready);
    let delayed = ready.map_or(0, |line| line.delayed);
    let waiting = jobs(job::State::Ready) - delayed;
    Standing {
        queue,
        waiting,
        oldest_due_at: ready.and_then(|line| line.oldest).filter(|_| waiting > 0),
        delayed,
        failed_before: ready.map_or(0, |line| line.failed),
        running: jobs(job::State::Running),
        dead: jobs(job::State::Dead),
        done: jobs(job::State::Done),
        wait_p95: p95(own().map(|it| it.started_at - it.run_at)),
        run_p95: p95(own().map(|it| it.finished_at - it.started_at)),
        per_minute: find(job::State::Done).map(|done| pace(done.jobs, done.first, now)),
    }
}

/// What all but a twentieth of them stay within.
fn p95(times: impl Iterator<Item = TimeDelta>) -> Option<TimeDelta> {
    let mut times: Vec<TimeDelta> = times.map(|time| time.max(TimeDelta::zero())).collect();
    times.sort_unstable();
    let at = (times.len() * 95).div_ceil(100);
    times.get(at.checked_sub(1)?).copied()
}

/// Done jobs are kept for a while only, so the pace is that since the first of those that are left.
fn pace(done: i64, first: Option<DateTime<Utc>>, now: DateTime<Utc>) -> f64 {
    let since = first.map_or(PACE, |first| now - first);
    let minutes = since.as_seconds_f64() / 60.0;
    (done as f64 / minutes.max(1.0) * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_a_twentieth_stay_within_the_p95() {
        let seconds = |times: &[i64]| p95(times.iter().map(|n| TimeDelta::seconds(*n)));
        assert_eq!(seconds(&[]), None);
        assert_eq!(seconds(&[3]), Some(TimeDelta::seconds(3)));
        let hundred: Vec<i64> = (1..=100).rev().collect();
        assert_eq!(seconds(&hundred), Some(TimeDelta::seconds(95)));
        // clocks of two processes may disagree a little
        assert_eq!(seconds(&[-1]), Some(TimeDelta::zero()));
    }

    #[test]
    fn the_pace_is_that_since_the_first_that_is_left() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        assert_eq!(pace(100, Some(now - TimeDelta::minutes(4)), now), 25.0);
        assert_eq!(pace(7, Some(now), now), 7.0);
    }
}
