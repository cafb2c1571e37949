//! The order in which requests pass what stands before every route (src/http/mod.rs), as it shows from outside.

use balance::config::{Config, Environment};
use reqwest::Method;
use serde_json::json;

use crate::support::{Client, Path, Reply, Setup, TestApp, logs};

const OURS: &str = "http://app.example";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

async fn question(client: &Client, origin: &str, method: &str, name: &str) -> Reply {
    let request = client
        .request(Method::OPTIONS, "/api/v1/auth/sign-in")
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header("access-control-request-headers", "content-type")
        .header("x-request-id", name);
    client.send(request).await
}

/// The log line of a request.
fn line(name: &str) -> String {
    let (logs, named) = (logs(), format!("request.id={name}"));
    let of_it = |line: &&str| {
        let rest = line.split_once(&named).map(|(_, rest)| rest);
        rest.is_some_and(|rest| rest.starts_with(['}', ' '])) && line.contains("duration_ms")
    };
    let mut lines = logs.lines().filter(of_it);
    let line = lines
        .next()
        .unwrap_or_else(|| panic!("{name} is not in the log"));
    assert_eq!(lines.next(), None, "one line for each request");
    line.to_owned()
}

#[tokio::test]
async fn a_question_beforehand_is_guarded_named_and_logged_whatever_the_answer() {
    let app = TestApp::start().await;
    let anybody = app.anybody();
    for (origin, name, allowed) in [
        (OURS, "asked-by-ours", OURS),
        ("http://evil.example", "asked-by-evil", ""),
    ] {
        let reply = question(&anybody, origin, "POST", name).await;
        assert_eq!(reply.status, 204);
        assert_eq!(reply.header("access-control-allow-origin"), allowed);
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("x-request-id"), name);
        let line = line(name);
        assert!(line.contains("OPTIONS /api/v1/auth/sign-in 204"), "{line}");
    }
    // the methods that routes have, and no others
    let reply = question(&anybody, OURS, "PUT", "methods").await;
    assert_eq!(
        reply.header("access-control-allow-methods"),
        "GET,POST,PUT,OPTIONS"
    );
    assert_eq!(reply.header("access-control-allow-credentials"), "true");
    app.finish().await;
}

#[tokio::test]
async fn what_is_refused_is_guarded_shared_named_compressed_and_logged() {
    let adjust = |config: &mut Config| config.environment = Environment::Staging;
    let app = TestApp::start_with(Setup {
        adjust,
        ..Setup::default()
    })
    .await;
    app.tenant("acme").await;
    let anybody = app.anybody();
    let wrong = json!({ "email": "owner@acme.example", "password": "not the password" });
    let too_often = || {
        anybody
            .request(Method::POST, "/api/v1/auth/sign-in")
            .json(&wrong)
    };
    for _ in 0..10 {
        anybody.send(too_often()).await;
    }
    let long = anybody.request(Method::POST, "/api/v1/auth/sign-in");
    let long = long
        .header("content-type", "application/json")
        .body(vec![b' '; 11 << 20]);
    let refused = [
        (
            "nowhere",
            anybody.request(Method::GET, "/api/v1/nowhere"),
            404,
        ),
        ("too-often", too_often(), 429),
        ("too-long", long, 413),
        (
            "unreadable",
            anybody.request(Method::GET, "/api/v1/events?first=x"),
            400,
        ),
        (
            "nobody",
            anybody.request(Method::GET, "/api/v1/events"),
            401,
        ),
        (
            "wrong-method",
            anybody.request(Method::PUT, "/api/v1/events"),
            405,
        ),
    ];
    for (name, request, status) in refused {
        let request = request
            .header("x-request-id", name)
            .header("origin", OURS)
            .header("accept-encoding", "gzip");
        let reply = anybody.send(request).await;
        assert_eq!(reply.status, status, "{name}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{name}");
        assert_eq!(reply.header("access-control-allow-origin"), OURS, "{name}");
        assert_eq!(reply.header("x-request-id"), name);
        assert_eq!(reply.header("content-encoding"), "gzip", "{name}");
        assert!(reply.body.starts_with(&[0x1f, 0x8b]), "{name}");
        let line = line(name);
        assert!(line.contains(&format!(" {status}")), "{line}");
        if status == 429 {
            assert!(!reply.header("retry-after").is_empty());
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_trace_of_the_gateway_is_in_the_log() {
    let app = TestApp::start().await;
    let anybody = app.anybody();
    let parents = [
        ("traced", format!("00-{TRACE}-b7ad6b7169203331-01"), true),
        ("forged", format!("00-{TRACE}-<script>-01"), false),
    ];
    for (name, parent, believed) in parents {
        let request = anybody.request(Method::GET, "/api/v1/nowhere");
        let request = request
            .header("x-request-id", name)
            .header("traceparent", parent);
        anybody.send(request).await;
        assert_eq!(line(name).contains(TRACE), believed, "{name}");
    }
    app.finish().await;
}

#[tokio::test]
async fn sockets_are_opened_by_the_origins_that_may_call() {
    let app = TestApp::start().await;
    let anybody = app.anybody();
    for (origin, opens) in [
        (OURS, true),
        ("http://127.0.0.1:4000", true),
        ("http://evil.example", false),
        ("null", false),
    ] {
        let opened = anybody.socket_with(&[("origin", origin)]).await;
        assert_eq!(opened.err(), (!opens).then_some(403), "{origin}");
    }
    // with a bearer as without: what a page may not read, it may not follow
    let owner = app.tenant("acme").await.owner();
    let bearer = format!("Bearer {}", owner.token.as_deref().unwrap());
    let foreign = [
        ("origin", "http://evil.example"),
        ("authorization", bearer.as_str()),
    ];
    assert_eq!(owner.socket_with(&foreign).await.err(), Some(403));
    // programs name no origin
    let answer = owner.socket().await;
    drop(answer);
    let asked = owner
        .run("{ viewer { user { email } } }", json!({}))
        .await
        .ok();
    assert_eq!(asked.text("viewer.user.email"), "owner@acme.example");
    app.finish().await;
}
