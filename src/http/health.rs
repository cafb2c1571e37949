//! Whether the process lives, may serve, and has started; for people, probes and load balancers. Not enveloped.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Edge;
use crate::config::ConnectMode;
use crate::error::Result;
use crate::queue;

/// How long a dependency may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /health`: that it runs, and on which stores.
pub async fn summary(State(edge): State<Edge>) -> Json<Value> {
    let handles = &edge.handles;
    Json(json!({
        "status": "ok",
        "stores": { "database": handles.db.mode(), "bus": handles.bus.mode(), "files": "local", "vectors": handles.db.vector_mode() },
        "connectModes": {
            "database": mode(handles.config.database_connect_mode),
            "redis": handles.config.redis_url.as_ref().map(|_| mode(handles.config.redis_connect_mode)),
        },
        "version": env!("CARGO_PKG_VERSION"),
        "uptime": edge.started.elapsed().as_secs(),
    }))
}

fn mode(mode: ConnectMode) -> &'static str {
    match mode {
        ConnectMode::Always => "always",
        ConnectMode::Optional => "optional",
    }
}

/// `GET /health/live`: the process runs.
pub async fn live() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// `GET /health/startup`: settings are valid and migrations applied.
pub async fn startup(State(edge): State<Edge>) -> Response {
    if edge.ready.load(Ordering::Relaxed) {
        Json(json!({ "status": "ok", "checks": { "config": "ok", "migrations": "ok" } }))
            .into_response()
    } else {
        let body =
            json!({ "status": "starting", "checks": { "config": "ok", "migrations": "pending" } });
        (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
    }
}

/// `GET /health/ready`: whether requests would be answered. Without Redis they are, later than usual: `degraded`.
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
    let check = |answer: Option<Duration>, mode: &str| {
        json!({
            "status": if answer.is_some() { "ok" } else { "down" },
            "latencyMs": answer.map(|latency| (latency.as_secs_f64() * 100_000.0).round() / 100.0),
            "mode": mode,
        })
    };
    let body = json!({
        "status": status,
        "checks": {
            "database": check(database, handles.db.mode()),
            "redis": check(redis, handles.bus.mode()),
            "queue": { "status": if pending.is_some() { "ok" } else { "down" }, "pendingJobs": pending },
        },
        "version": env!("CARGO_PKG_VERSION"),
        "uptime": edge.started.elapsed().as_secs(),
    });
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
