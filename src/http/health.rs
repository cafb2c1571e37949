//! Whether the process lives, may serve, and has started; for people, probes and load balancers. Not enveloped.

mod shapes;

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

pub use self::shapes::{Alive, Readiness, Started, Summary};
use self::shapes::{Check, Checks, ConnectModes, QueueCheck, StartedChecks, Stores};
use super::Edge;
use crate::config::ConnectMode;
use crate::error::Result;
use crate::queue;

/// How long a dependency may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /health`: that it runs, and on which stores.
#[utoipa::path(
    get, path = "/health", operation_id = "health", tag = "system", security(()),
    responses((status = 200, description = "It runs", body = Summary)),
)]
pub async fn summary(State(edge): State<Edge>) -> Json<Summary> {
    let handles = &edge.handles;
    let redis = handles.config.redis_url.as_ref();
    Json(Summary {
        status: "ok",
        stores: Stores {
            database: handles.db.mode(),
            bus: handles.bus.mode(),
            files: "local",
            vectors: handles.db.vector_mode(),
        },
        connect_modes: ConnectModes {
            database: mode(handles.config.database_connect_mode),
            redis: redis.map(|_| mode(handles.config.redis_connect_mode)),
        },
        version: env!("CARGO_PKG_VERSION"),
        uptime: edge.started.elapsed().as_secs(),
    })
}

fn mode(mode: ConnectMode) -> &'static str {
    match mode {
        ConnectMode::Always => "always",
        ConnectMode::Optional => "optional",
    }
}

/// `GET /health/live`: the process runs.
#[utoipa::path(
    get, path = "/health/live", operation_id = "healthLive", tag = "system", security(()),
    responses((status = 200, description = "It runs", body = Alive)),
)]
pub async fn live() -> Json<Alive> {
    Json(Alive { status: "ok" })
}

/// `GET /health/startup`: settings are valid and migrations applied.
#[utoipa::path(
    get, path = "/health/startup", operation_id = "healthStartup", tag = "system", security(()),
    responses(
        (status = 200, description = "It has started", body = Started),
        (status = 503, description = "It waits for the database", body = Started),
    ),
)]
pub async fn startup(State(edge): State<Edge>) -> Response {
    let (code, status, migrations) = match edge.ready.load(Ordering::Relaxed) {
        true => (StatusCode::OK, "ok", "ok"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "starting", "pending"),
    };
    let checks = StartedChecks {
        config: "ok",
        migrations,
    };
    (code, Json(Started { status, checks })).into_response()
}

/// `GET /health/ready`: whether requests would be answered. Without Redis they are, later than usual: `degraded`.
#[utoipa::path(
    get, path = "/health/ready", operation_id = "healthReady", tag = "system", security(()),
    responses(
        (status = 200, description = "Send traffic", body = Readiness),
        (status = 503, description = "Send none", body = Readiness),
    ),
)]
pub async fn ready(State(edge): State<Edge>) -> Response {
    let handles = &edge.handles;
    let (database, redis) =
        tokio::join!(patiently(handles.db.ping()), patiently(handles.bus.ping()));
    let pending = match database {
        Some(_) => patiently(async { queue::depth(&handles.db, None).await }).await,
        None => None,
    };
    let serving =
        database.is_some() && edge.ready.load(Ordering::Relaxed) && !edge.stopping.is_cancelled();
    let status = match (serving, redis.is_some() && pending.is_some()) {
        (false, _) => "down",
        (true, false) => "degraded",
        (true, true) => "ok",
    };
    let up = |answers: bool| if answers { "ok" } else { "down" };
    let check = |answer: Option<Duration>, mode| Check {
        status: up(answer.is_some()),
        latency_ms: answer.map(|latency| (latency.as_secs_f64() * 100_000.0).round() / 100.0),
        mode,
    };
    let body = Readiness {
        status,
        checks: Checks {
            database: check(database, handles.db.mode()),
            redis: check(redis, handles.bus.mode()),
            queue: QueueCheck {
                status: up(pending.is_some()),
                pending_jobs: pending,
            },
        },
        version: env!("CARGO_PKG_VERSION"),
        uptime: edge.started.elapsed().as_secs(),
    };
    let code = if serving {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (code, Json(body)).into_response()
}

async fn patiently<T>(question: impl Future<Output = Result<T>>) -> Option<T> {
    match tokio::time::timeout(PATIENCE, question).await {
        Ok(Ok(answer)) => Some(answer),
        _ => None,
    }
}
