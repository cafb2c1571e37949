//! What probes and load balancers read.

use std::sync::atomic::Ordering;

use crate::support::{Path, TestApp, World};

#[tokio::test]
async fn health_names_the_stores_and_how_they_are_reached() {
    let app = TestApp::start().await;
    let reply = app.anybody().get("/health").await;
    assert_eq!(reply.status, 200);
    let body = reply.json();
    let (database, bus) = stores();
    assert_eq!(body["status"], "ok");
    assert_eq!(body.text("stores.database"), database);
    assert_eq!(body.text("stores.bus"), bus);
    assert_eq!(body["connectModes"]["database"], "always");
    assert_eq!(body["version"], env!("CARGO_PKG_VERSION"));
    assert!(body.number("uptime") >= 0);
    assert_eq!(app.anybody().get("/api/v1/health").await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn the_process_lives_and_has_started() {
    let app = TestApp::start().await;
    let anybody = app.anybody();
    let live = anybody.get("/health/live").await;
    assert_eq!(
        (live.status, live.json()["status"].as_str()),
        (200, Some("ok"))
    );
    let startup = anybody.get("/health/startup").await;
    assert_eq!(startup.status, 200);
    assert_eq!(startup.json().text("checks.migrations"), "ok");
    app.finish().await;
}

#[tokio::test]
async fn ready_tells_of_every_dependency() {
    let app = TestApp::start().await;
    let reply = app.anybody().get("/health/ready").await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let body = reply.json();
    let (database, bus) = stores();
    assert_eq!(body["status"], "ok");
    for (check, mode) in [("database", database), ("redis", bus)] {
        let check = body.path("checks").path(check);
        assert_eq!(check["status"], "ok");
        assert_eq!(check["mode"], mode);
        assert!(check["latencyMs"].as_f64().unwrap() >= 0.0);
    }
    assert_eq!(body.number("checks.queue.pendingJobs"), 0);
    assert_eq!(body.text("checks.queue.status"), "ok");
    assert!(body.get("version").is_some() && body.get("uptime").is_some());
    assert!(body.get("success").is_none(), "health is not enveloped");
    app.finish().await;
}

#[tokio::test]
async fn a_process_that_may_not_serve_says_so() {
    let app = TestApp::start().await;
    let anybody = app.anybody();
    app.app().ready.store(false, Ordering::Relaxed);
    let ready = anybody.get("/health/ready").await;
    assert_eq!(
        (ready.status, ready.json().text("status")),
        (503, "down".to_owned())
    );
    let startup = anybody.get("/health/startup").await;
    assert_eq!(
        (startup.status, startup.json().text("status")),
        (503, "starting".to_owned())
    );
    assert_eq!(anybody.get("/health/live").await.status, 200);
    app.finish().await;
}

fn stores() -> (&'static str, &'static str) {
    match World::current() {
        World::Embedded => ("sqlite", "memory"),
        World::Production(_) => ("postgres", "redis"),
    }
}
