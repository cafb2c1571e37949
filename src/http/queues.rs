//! Figures of the queues for monitors that speak no GraphQL.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::Edge;
use super::caller::Caller;
use super::envelope;
use super::shapes::{Failure, Success};
use crate::jobs;
use crate::queue::Standing;

/// How the queues of the tenant stand.
#[derive(Serialize, ToSchema)]
pub struct Queues {
    /// Each of them, in the order they are worked.
    queues: Vec<QueueFigures>,
}

/// How one queue of the tenant stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueFigures {
    /// Its name.
    #[schema(examples("records:process"))]
    name: String,
    /// Jobs that are due and that nobody has begun.
    #[schema(examples(12))]
    waiting: i64,
    /// Seconds since the oldest of them is due; 0 when none waits.
    #[schema(examples(3.2))]
    oldest_waiting_seconds: f64,
    /// Jobs that wait for their time, such as for another attempt.
    #[schema(examples(1))]
    delayed: i64,
    /// Of those that wait or are delayed, the ones that failed before.
    #[schema(examples(1))]
    failed_before: i64,
    /// Jobs that a worker holds.
    #[schema(examples(2))]
    running: i64,
    /// Jobs given up after their last attempt.
    #[schema(examples(0))]
    dead: i64,
    /// Jobs done over the last 15 minutes that are still kept.
    #[schema(examples(100))]
    done: i64,
    /// Jobs done in a minute, over the last 15 minutes at most; absent when none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples(340.5))]
    per_minute: Option<f64>,
    /// Milliseconds that all but a twentieth of them waited at most, from due to begun; absent when none was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples(41))]
    wait_p95_ms: Option<i64>,
    /// Milliseconds that all but a twentieth of them took at most; absent when none was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples(180))]
    run_p95_ms: Option<i64>,
}

/// `GET /api/v1/queues`: how the queues of the tenant stand. Needs `jobs:manage`.
#[utoipa::path(
    get, path = "/api/v1/queues", operation_id = "queues", tag = "system",
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "Every queue", body = Success<Queues>),
        (status = 403, description = "Who asks may not manage jobs", body = Failure),
    ),
)]
pub async fn figures(State(_): State<Edge>, caller: Caller) -> Response {
    let standing = async { jobs::standing(&caller.signed_in().await?).await };
    match standing.await {
        Ok(standing) => {
            let now = caller.handles.clock.now();
            let figures = standing.iter().map(|queue| of(queue, now));
            let figures = Queues {
                queues: figures.collect(),
            };
            let headers = [(header::CACHE_CONTROL, "no-store")];
            let answer = envelope::success(&caller, StatusCode::OK, figures);
            (headers, answer).into_response()
        }
        Err(error) => envelope::failure(&caller.request_id, &error),
    }
}

fn of(queue: &Standing, now: chrono::DateTime<chrono::Utc>) -> QueueFigures {
    let oldest = queue.oldest_due_at.map_or(0.0, |due| {
        let seconds = (now - due).as_seconds_f64().max(0.0);
        (seconds * 10.0).round() / 10.0
    });
    QueueFigures {
        name: queue.queue.as_str().to_owned(),
        waiting: queue.waiting,
        oldest_waiting_seconds: oldest,
        delayed: queue.delayed,
        failed_before: queue.failed_before,
        running: queue.running,
        dead: queue.dead,
        done: queue.done,
        per_minute: queue.per_minute,
        wait_p95_ms: queue.wait_p95.map(|time| time.num_milliseconds()),
        run_p95_ms: queue.run_p95.map(|time| time.num_milliseconds()),
    }
}
