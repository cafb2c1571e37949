//! Redis and PostgreSQL going away under a running app. Production world only, on servers of the tests' own.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Client, Feed, Path, Services, Setup, TestApp, World};

const FEED: &str =
    "subscription($after: String) { recordProcessed(after: $after) { record { id } cursor } }";

#[tokio::test(flavor = "multi_thread")]
async fn redis_away_delays_events_and_loses_none() {
    if !World::is_production() {
        return;
    }
    let services = Services::start().await;
    let app = start(&services).await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let account = owner.make_account("Main").await;
    // the subscriber is on another node: only Redis can wake it
    let elsewhere = app
        .another_node()
        .await
        .with_token(owner.token.as_deref().unwrap());
    let mut feed = elsewhere.subscribe(FEED, json!({})).await;

    let before = work(&app, &owner, &account, 0..20).await;
    assert_eq!(hear(&mut feed, 20).await, before);

    services.stop_redis().await;
    let stopped = Instant::now();
    let mut during = Vec::new();
    for batch in 1..=5 {
        during.extend(work(&app, &owner, &account, batch * 20..batch * 20 + 20).await);
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let ready = elsewhere.get("/health/ready").await;
    assert_eq!(
        (ready.status, ready.json().text("status")),
        (200, "degraded".to_owned())
    );
    assert!(stopped.elapsed() >= Duration::from_secs(10));
    services.start_redis().await;
    assert_eq!(hear(&mut feed, 100).await, during);

    // and it is as before
    let after = work(&app, &owner, &account, 200..220).await;
    assert_eq!(hear(&mut feed, 20).await, after);
    feed.quiet().await;
    app.finish().await;
    services.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_away_is_said_clearly_and_recovered_from() {
    if !World::is_production() {
        return;
    }
    let services = Services::start().await;
    let app = start(&services).await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let account = owner.make_account("Main").await;
    let mut feed = owner.subscribe(FEED, json!({})).await;
    let before = work(&app, &owner, &account, 0..20).await;
    assert_eq!(hear(&mut feed, 20).await, before);

    services.stop_postgres().await;
    for _ in 0..3 {
        let asked = Instant::now();
        let answer = owner.run("{ viewer { user { id } } }", json!({})).await;
        assert_eq!(answer.error_code(), "UPSTREAM", "{:#}", answer.body);
        assert!(
            !answer.body.to_string().contains("127.0.0.1"),
            "no address is told"
        );
        // a request may wait twice for a connection, five seconds each
        assert!(
            asked.elapsed() < Duration::from_secs(15),
            "{:?}",
            asked.elapsed()
        );
        let rest = owner.get("/api/v1/events").await;
        assert!((502..=503).contains(&rest.status), "{}", rest.text());
    }
    let ready = owner.get("/health/ready").await;
    assert_eq!(
        (ready.status, ready.json().text("status")),
        (503, "down".to_owned())
    );
    assert_eq!(owner.get("/health/live").await.status, 200);
    services.start_postgres().await;

    let recovered = Instant::now();
    while owner.get("/health/ready").await.status != 200 {
        assert!(
            recovered.elapsed() < Duration::from_secs(15),
            "it does not recover"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // the subscription lived through it
    let after = work(&app, &owner, &account, 20..40).await;
    assert_eq!(hear(&mut feed, 20).await, after);
    feed.quiet().await;
    app.finish().await;
    services.stop().await;
}

async fn start(services: &Services) -> TestApp {
    TestApp::start_with(Setup {
        services: Some(services),
        real_time: true,
        ..Setup::default()
    })
    .await
}

/// Brings records in and has them processed; their ids, in the order of the log.
async fn work(
    app: &TestApp,
    owner: &Client,
    account: &str,
    numbers: std::ops::Range<usize>,
) -> Vec<String> {
    let start = owner
        .run("{ eventCursor }", json!({}))
        .await
        .ok()
        .text("eventCursor");
    let count = numbers.len();
    owner.import_rows(account, numbers).await;
    app.run_background_work().await;
    let log = "query($after: String!) { eventFeed(after: $after, kinds: [\"PROCESSED\"], first: 100) { events { subject { id } } } }";
    let log = owner.run(log, json!({ "after": start })).await.ok();
    let events = log.list("eventFeed.events").iter();
    let ids: Vec<_> = events.map(|event| event.text("subject.id")).collect();
    assert_eq!(ids.len(), count);
    ids
}

/// The next events of a feed.
async fn hear(feed: &mut Feed, count: usize) -> Vec<String> {
    let mut heard = Vec::new();
    while heard.len() < count {
        // a reconnection to Redis may take a while; the slow timer behind it is what counts
        let next: Option<Value> = feed.next_within(Duration::from_secs(15)).await;
        let next = next.unwrap_or_else(|| panic!("only {} of {count} came", heard.len()));
        heard.push(next.text("recordProcessed.record.id"));
    }
    heard
}
