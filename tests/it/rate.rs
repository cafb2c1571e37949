//! What operations cost, and that nobody spends more than they have, also by asking often at once.

use std::time::{Duration, Instant};

use balance::config::{Allowance, Config, Environment, Quota};
use chrono::TimeDelta;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Path, Reply, Services, Setup, TestApp, World};

const WHO: &str = "{ viewer { user { id } } }";
/// Costs 1 and asks nobody: what is counted then is the counting.
const LEAST: &str = "{ __typename }";
/// Costs 10: who has spent what they had cannot ask it for a while.
const DEAR: &str =
    "{ viewer { a: user { id } b: user { id } c: user { id } d: user { id } e: user { id }
    f: user { id } g: user { id } h: user { id } i: user { id } } }";
const MEDIA: &str = "application/graphql-response+json";
const FEED: &str = "subscription($after: String) { recordProcessed(after: $after) {
    cursor
    a: record { id category { id } } b: record { id category { id } } c: record { id category { id } }
    d: record { id category { id } } e: record { id category { id } } f: record { id category { id } }
} }";

/// Loopback is limited outside development only.
fn limited(adjust: fn(&mut Config)) -> Setup<'static> {
    Setup {
        adjust,
        ..Setup::default()
    }
}

fn strict(config: &mut Config) {
    config.environment = Environment::Staging;
    config.rates.cost_client = allowance(200, 1);
}

fn small_tenant(config: &mut Config) {
    strict(config);
    // less than any of its people has
    config.rates.cost_tenant = allowance(190, 1);
}

const fn allowance(points: u32, per_second: u32) -> Allowance {
    Allowance { points, per_second }
}

#[tokio::test]
async fn an_answer_tells_what_it_cost() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let account = owner.make_account("Main").await;
    owner.import_rows(&account, 0..3).await;
    let query = "{ records(first: 50) { totalCount edges { node { id account { id } } } } }";
    let answer = owner.run(query, json!({})).await;
    // 1 for the page, 10 for counting, 1 for its edges, and 2 for each record with its account
    let expected = json!({
        "requestedQueryCost": 112,
        "actualQueryCost": 18,
        // nobody waits on their own machine
        "throttleStatus": { "maximumAvailable": 20_000, "currentlyAvailable": 20_000, "restoreRate": 1_000 },
    });
    assert_eq!(*answer.body.path("extensions.cost"), expected);
    // a row that is not written as JSON at once counts the same
    let slow = "{ records(first: 50) { totalCount edges { cursor ... on RecordEdge { node { id account { id } } } } } }";
    let answer = owner.run(slow, json!({})).await;
    assert_eq!(*answer.body.path("extensions.cost"), expected);
    // nothing is free
    let least = app.anybody().run("{ __typename }", json!({})).await;
    assert_eq!(costs(&least.body), (1, 1));
    let failed = owner.run("{ nothing }", json!({})).await;
    assert_eq!(costs(&failed.body).1, 1);
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn what_was_not_used_comes_back() {
    let app = TestApp::start_with(limited(strict)).await;
    let owner = app.tenant("acme").await.owner();
    let empty = "{ records(first: 100) { edges { node { id } } } }";
    let answer = owner.run(empty, json!({})).await;
    assert_eq!(costs(&answer.body), (102, 2));
    assert_eq!(left(&answer.body), 198);
    // it could not be asked for again otherwise
    let answer = owner.run(empty, json!({})).await;
    assert!(left(&answer.body) >= 196, "{}", answer.body);
    app.finish().await;
}

#[tokio::test]
async fn who_has_spent_everything_is_told_when_to_come_back() {
    let app = TestApp::start_with(limited(strict)).await;
    let tenant = app.tenant("acme").await;
    let (owner, reviewer) = (tenant.owner(), tenant.reviewer().await);
    spend(&owner).await;
    let strict = owner
        .send(asking(&owner, DEAR).header("accept", MEDIA))
        .await;
    assert_eq!(strict.status, 429);
    let error = strict.json().path("errors[0].extensions").clone();
    let seconds = error.number("retryAfterSeconds");
    assert_eq!(error.text("code"), "RATE_LIMITED");
    assert_eq!(strict.header("retry-after"), seconds.to_string());
    assert!((7..=10).contains(&seconds), "{seconds}");
    assert_eq!(costs(&strict.json()), (10, 0));
    // older clients read it from the body
    let older = owner.graphql(DEAR, json!({})).await;
    assert_eq!((older.status, code(&older)), (200, "RATE_LIMITED".into()));
    // somebody else of the tenant has a bucket of their own
    reviewer.run(WHO, json!({})).await.ok();
    wait(&app, 10).await;
    owner.run(DEAR, json!({})).await.ok();
    app.finish().await;
}

#[tokio::test]
async fn a_program_pays_for_itself() {
    let app = TestApp::start_with(limited(strict)).await;
    let owner = app.tenant("acme").await.owner();
    let create =
        "mutation($input: CreateServiceAccountInput!) { createServiceAccount(input: $input) {
        serviceAccount { id } errors { message } } }";
    let input = json!({ "name": "sync", "permissions": ["records:read"] });
    let made = owner.run(create, json!({ "input": input })).await.ok();
    let account = made.text("createServiceAccount.serviceAccount.id");
    let create = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { key errors { message } } }";
    let mut programs = Vec::new();
    for name in ["one", "two"] {
        let input = json!({ "serviceAccountId": account, "name": name });
        let key = owner.run(create, json!({ "input": input })).await.ok();
        programs.push(owner.with_token(&key.text("createApiKey.key")));
    }
    let own = "{ records(first: 1) { edges { node { id } } } }";
    spend(&owner).await;
    let before = programs[0].run(own, json!({})).await;
    assert_eq!(left(&before.body), 198);
    // its keys are one client
    let other = programs[1].run(own, json!({})).await;
    assert!(left(&other.body) < 198, "{}", other.body);
    app.finish().await;
}

#[tokio::test]
async fn nobody_signed_in_pays_by_address() {
    let app = TestApp::start_with(limited(|config| {
        strict(config);
        config.trust_proxy = 1;
        config.rates.cost_anonymous = allowance(8, 1);
    }))
    .await;
    let anybody = app.anybody();
    let query = "{ __schema { a: queryType { name } b: queryType { name } c: queryType { name } d: queryType { name } } }";
    let ask = async |address: &str| {
        let request = asking(&anybody, query).header("x-forwarded-for", address);
        code(&anybody.send(request.header("accept", MEDIA)).await)
    };
    let mut spent = 0;
    while ask("203.0.113.7").await.is_empty() {
        spent += 1;
        assert!(spent < 50, "there is no end to it");
    }
    assert!(spent >= 1, "{spent}");
    assert_eq!(ask("203.0.113.8").await, "");
    // who has one address of IPv6 has the next as well
    while ask("2001:db8::1").await.is_empty() {}
    assert_eq!(ask("2001:db8::2").await, "RATE_LIMITED");
    assert_eq!(ask("2001:db8:0:1::2").await, "");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_more_by_asking_at_once() {
    let app = TestApp::start_with(limited(small_tenant)).await;
    let tenant = app.tenant("acme").await;
    let people = [
        tenant.owner(),
        tenant.reviewer().await,
        tenant.viewer().await,
    ];
    // one process counts for itself, several together when there is Redis
    let elsewhere = match World::is_production() {
        true => app.another_node().await,
        false => app.anybody(),
    };
    let (began, first) = (Instant::now(), people[0].run(LEAST, json!({})).await);
    let before = left(&first.body);
    let asked = (0..400).map(|number: usize| {
        let person = &people[number % 3];
        let there = elsewhere.with_token(person.token.as_deref().unwrap());
        let who = if number.is_multiple_of(2) {
            person.clone()
        } else {
            there
        };
        async move {
            let answer = who.run(LEAST, json!({})).await;
            match answer.body.get("errors") {
                None => costs(&answer.body).1,
                Some(_) => {
                    assert_eq!(answer.error_code(), "RATE_LIMITED", "{}", answer.body);
                    0
                }
            }
        }
    });
    let spent: i64 = join_all(asked).await.iter().sum();
    // what Redis gave back meanwhile goes by its own clock
    let back = match World::is_production() {
        true => i64::try_from(began.elapsed().as_secs()).unwrap() + 1,
        false => 0,
    };
    assert!(spent <= before + back, "{spent} of {before}");
    assert!(spent >= before, "{spent} of {before}");
    app.finish().await;
}

#[tokio::test]
async fn operations_on_a_socket_pay_too() {
    let app = TestApp::start_with(limited(strict)).await;
    let owner = app.tenant("acme").await.owner();
    let mut socket = owner.socket().await;
    let subscribe = |id: &str, query: &str| json!({ "id": id, "type": "subscribe", "payload": { "query": query } });
    socket.send(&subscribe("1", WHO)).await;
    let answer = socket.next().await;
    assert_eq!(costs(&answer["payload"]), (2, 2));
    assert_eq!(left(&answer["payload"]), 198);
    assert_eq!(socket.next().await["type"], "complete");
    // a subscription pays when it begins: 1 and 6 records with their categories
    socket.send(&subscribe("2", FEED)).await;
    socket.send(&subscribe("3", WHO)).await;
    let answer = socket.next().await;
    assert_eq!(answer["id"], "3", "{answer}");
    let rest = left(&answer["payload"]);
    assert!((183..=185).contains(&rest), "{rest}");
    assert_eq!(socket.next().await["type"], "complete");
    spend(&owner).await;
    socket.send(&subscribe("4", DEAR)).await;
    let refused = socket.next().await;
    assert_eq!(refused["type"], "error");
    let error = refused.path("payload[0].extensions");
    assert_eq!(error.text("code"), "RATE_LIMITED");
    assert!(error.number("retryAfterSeconds") >= 1);
    app.finish().await;
}

#[tokio::test]
async fn a_dear_event_waits_and_none_is_lost() {
    let app = TestApp::start_with(limited(|config| {
        config.environment = Environment::Staging;
        config.rates.cost_client = allowance(60, 20);
        config.rates.cost_anonymous = allowance(2_000, 1_000);
    }))
    .await;
    let tenant = app.tenant("acme").await;
    let (owner, reviewer) = (tenant.owner(), tenant.reviewer().await);
    wait(&app, 3).await;
    let account = owner.make_account("Main").await;
    wait(&app, 3).await;
    let mut feed = reviewer.subscribe(FEED, json!({})).await;
    let wanted = owner.import_rows(&account, 0..20).await;
    app.run_background_work().await;
    // each costs 1 and 6 records with or without their categories, and 10 of that are free
    let mut heard = Vec::new();
    while let Some(event) = feed.next_within(Duration::from_millis(1_500)).await {
        heard.push(event.text("recordProcessed.a.id"));
        if World::is_production() && heard.len() == wanted.len() {
            break;
        }
    }
    if !World::is_production() {
        // this clock stands still, and nothing comes back
        assert!((13..=16).contains(&heard.len()), "{}", heard.len());
        app.advance(TimeDelta::seconds(5));
        while heard.len() < wanted.len() {
            heard.push(feed.next().await.text("recordProcessed.a.id"));
        }
    }
    heard.sort();
    let mut wanted = wanted;
    wanted.sort();
    assert_eq!(heard, wanted);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_each_process_counts_by_itself() {
    if !World::is_production() {
        return;
    }
    let services = Services::start().await;
    let app = TestApp::start_with(Setup {
        services: Some(&services),
        real_time: true,
        ..limited(strict)
    })
    .await;
    let owner = app.tenant("acme").await.owner();
    let there = app.another_node().await;
    let there = there.with_token(owner.token.as_deref().unwrap());
    spend(&owner).await;
    assert_eq!(
        there.run(DEAR, json!({})).await.error_code(),
        "RATE_LIMITED"
    );
    services.stop_redis().await;
    // a bucket each, full and bounded
    assert!(spend(&owner).await >= 190);
    assert!(spend(&there).await >= 190);
    services.start_redis().await;
    let recovered = Instant::now();
    // together again: what one spends, the other lacks
    loop {
        spend(&owner).await;
        let answer = there.run(DEAR, json!({})).await;
        if answer.body.get("errors").is_some() && spend(&owner).await < 10 {
            let again = there.run(DEAR, json!({})).await;
            if again.body.get("errors").is_some() {
                break;
            }
        }
        assert!(
            recovered.elapsed() < Duration::from_secs(20),
            "it does not recover"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    app.finish().await;
    services.stop().await;
}

#[tokio::test]
async fn rest_calls_of_nobody_are_counted_by_address() {
    let app = TestApp::start_with(limited(|config| {
        config.environment = Environment::Staging;
        config.trust_proxy = 1;
        config.rates.rate_anonymous = Quota {
            attempts: 3,
            within: TimeDelta::minutes(15),
        };
    }))
    .await;
    let owner = app.tenant("acme").await.owner();
    let call = async |who: &Client, path: &str, address: &str| {
        let request = who.request(Method::GET, path);
        who.send(request.header("x-forwarded-for", address)).await
    };
    let (anybody, forged) = (app.anybody(), app.anybody().with_token("not.a.token"));
    for (who, status, rest) in [(&anybody, 401, 2), (&forged, 401, 1), (&anybody, 401, 0)] {
        let reply = call(who, "/api/v1/events", "203.0.113.7").await;
        assert_eq!(reply.status, status, "{}", reply.text());
        assert_eq!(reply.header("ratelimit-policy"), r#""anonymous";q=3;w=900"#);
        assert_eq!(
            reply.header("ratelimit"),
            format!(r#""anonymous";r={rest};t=900"#)
        );
    }
    for who in [&anybody, &forged] {
        let refused = call(who, "/api/v1/events", "203.0.113.7").await;
        assert_eq!(refused.status, 429);
        assert_eq!(refused.json().text("error.code"), "RATE_LIMITED");
        assert_eq!(refused.header("retry-after"), "900");
        assert_eq!(refused.header("ratelimit"), r#""anonymous";r=0;t=900"#);
        assert_eq!(refused.header("x-ratelimit-limit"), "");
    }
    // attempts to sign in are of a class of their own besides
    let wrong = json!({ "email": "owner@acme.example", "password": "not the password" });
    let sign_in = anybody.request(Method::POST, "/api/v1/auth/sign-in");
    let sign_in = sign_in
        .header("x-forwarded-for", "203.0.113.9")
        .json(&wrong);
    let reply = anybody.send(sign_in).await;
    assert_eq!(reply.status, 401);
    let policy = r#""anonymous";q=3;w=900, "sign-in";q=10;w=900"#;
    assert_eq!(reply.header("ratelimit-policy"), policy);
    let left = r#""anonymous";r=2;t=900, "sign-in";r=9;t=900"#;
    assert_eq!(reply.header("ratelimit"), left);
    // somebody else, somebody signed in, and what is exempt
    let other = call(&anybody, "/api/v1/events", "203.0.113.8").await;
    assert_eq!(other.status, 401);
    let signed_in = call(&owner, "/api/v1/events", "203.0.113.7").await;
    assert_eq!((signed_in.status, signed_in.header("ratelimit")), (200, ""));
    for (path, status) in [
        ("/health", 200),
        ("/api/v1/health", 200),
        ("/graphql?query=%7B__typename%7D", 200),
        ("/api/v1/webhooks/unknown", 405),
    ] {
        let reply = call(&anybody, path, "203.0.113.7").await;
        assert_eq!(reply.status, status, "{path}: {}", reply.text());
    }
    app.advance(TimeDelta::minutes(15));
    let later = call(&anybody, "/api/v1/events", "203.0.113.7").await;
    assert_eq!(later.status, 401);
    app.finish().await;
}

/// Asks until nothing is left; how much that was.
async fn spend(who: &Client) -> i64 {
    let mut spent = 0;
    for query in [DEAR, WHO] {
        for _ in 0..100 {
            let answer = who.run(query, json!({})).await;
            if answer.body.get("errors").is_some() {
                break;
            }
            spent += costs(&answer.body).1;
        }
    }
    spent
}

/// Lets points come back: Redis goes by its own clock.
async fn wait(app: &TestApp, seconds: i64) {
    app.advance(TimeDelta::seconds(seconds));
    if World::is_production() {
        tokio::time::sleep(Duration::from_secs(seconds.unsigned_abs())).await;
    }
}

fn asking(who: &Client, query: &str) -> reqwest::RequestBuilder {
    let request = who.request(Method::POST, "/graphql");
    request.json(&json!({ "query": query }))
}

/// The code of an answer, empty when nothing went wrong.
fn code(reply: &Reply) -> String {
    let code = reply.json();
    let code = &code["errors"][0]["extensions"]["code"];
    code.as_str().unwrap_or_default().to_owned()
}

/// Requested and actual cost.
fn costs(body: &Value) -> (i64, i64) {
    let cost = body.path("extensions.cost");
    (
        cost.number("requestedQueryCost"),
        cost.number("actualQueryCost"),
    )
}

fn left(body: &Value) -> i64 {
    body.number("extensions.cost.throttleStatus.currentlyAvailable")
}
