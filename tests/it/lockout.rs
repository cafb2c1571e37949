//! Guessing passwords is slow, and tells nobody who has an account.

use balance::config::{Config, Environment};
use chrono::TimeDelta;
use serde_json::json;

use crate::support::{Client, PASSWORD, Path, Reply, Setup, TestApp, World};

const SIGN_IN: &str = "mutation($input: SignInInput!) {
    signIn(input: $input) { session { expiresAt } errors { message } }
}";

/// Loopback is limited outside development only.
fn strict() -> Setup<'static> {
    let adjust = |config: &mut Config| config.environment = Environment::Staging;
    Setup {
        adjust,
        ..Setup::default()
    }
}

#[tokio::test]
async fn failures_make_the_next_attempt_wait_whoever_it_is_about() {
    let app = TestApp::start_with(strict()).await;
    app.tenant("acme").await;
    let anybody = app.anybody();
    let mut told = Vec::new();
    for email in ["owner@acme.example", "nobody@acme.example"] {
        let mut answers = Vec::new();
        for _ in 0..6 {
            answers.push(outcome(
                &sign_in(&anybody, email, "wrong horse battery").await,
            ));
        }
        // the right password must wait as well, or the wait would tell which one it was
        answers.push(outcome(&sign_in(&anybody, email, PASSWORD).await));
        told.push(answers);
    }
    assert_eq!(told[0], told[1]);
    let (last, before) = told[0].split_last().unwrap();
    assert!(before.iter().all(|answer| *answer == (401, String::new())));
    assert_eq!(*last, (429, "5".to_owned()));

    let graphql = json!({ "input": { "email": "OWNER@acme.example", "password": PASSWORD } });
    let reply = anybody.graphql(SIGN_IN, graphql.clone()).await;
    assert_eq!(reply.header("retry-after"), "5");
    let error = reply.json()["errors"][0]["extensions"].clone();
    assert_eq!(
        (error.text("code"), error["retryAfterSeconds"].as_u64()),
        ("RATE_LIMITED".to_owned(), Some(5))
    );

    app.advance(TimeDelta::seconds(5));
    assert_eq!(
        sign_in(&anybody, "owner@acme.example", PASSWORD)
            .await
            .status,
        200
    );
    // and all is forgotten
    assert_eq!(
        sign_in(&anybody, "owner@acme.example", "wrong horse battery")
            .await
            .status,
        401
    );
    assert_eq!(
        sign_in(&anybody, "owner@acme.example", PASSWORD)
            .await
            .status,
        200
    );
    app.finish().await;
}

#[tokio::test]
async fn an_account_is_tried_ten_times_in_a_quarter_of_an_hour_from_one_address() {
    let app = TestApp::start_with(strict()).await;
    app.tenant("acme").await;
    let anybody = app.anybody();
    for _ in 0..10 {
        assert_eq!(
            sign_in(&anybody, "owner@acme.example", PASSWORD)
                .await
                .status,
            200
        );
    }
    let refused = sign_in(&anybody, "owner@acme.example", PASSWORD).await;
    assert_eq!(outcome(&refused), (429, "900".to_owned()));
    assert_eq!(refused.json().text("error.code"), "RATE_LIMITED");
    app.advance(TimeDelta::minutes(15));
    assert_eq!(
        sign_in(&anybody, "owner@acme.example", PASSWORD)
            .await
            .status,
        200
    );
    app.finish().await;
}

#[tokio::test]
async fn other_doors_for_passwords_count_too() {
    let app = TestApp::start_with(strict()).await;
    app.tenant("acme").await;
    let anybody = app.anybody();
    let register = "mutation($input: RegisterTenantInput!) { registerTenant(input: $input) { errors { message } } }";
    let input = json!({ "tenantName": "x", "name": "x", "email": "owner@acme.example", "password": "wrong horse battery" });
    for _ in 0..6 {
        let wrong = anybody.run(register, json!({ "input": input })).await;
        assert_eq!(wrong.user_errors().len(), 1);
    }
    let refused = anybody.run(register, json!({ "input": input })).await;
    assert_eq!(refused.error_code(), "RATE_LIMITED");
    assert_eq!(
        sign_in(&anybody, "owner@acme.example", PASSWORD)
            .await
            .status,
        429
    );
    app.finish().await;
}

#[tokio::test]
async fn nodes_count_together() {
    if !World::is_production() {
        return;
    }
    let app = TestApp::start_with(strict()).await;
    app.tenant("acme").await;
    let nodes = [app.anybody(), app.another_node().await];
    for attempt in 0..6 {
        let node = &nodes[attempt % 2];
        assert_eq!(
            sign_in(node, "owner@acme.example", "wrong horse battery")
                .await
                .status,
            401
        );
    }
    for node in &nodes {
        let refused = sign_in(node, "owner@acme.example", PASSWORD).await;
        assert_eq!(outcome(&refused), (429, "5".to_owned()));
    }
    app.advance(TimeDelta::seconds(5));
    assert_eq!(
        sign_in(&nodes[1], "owner@acme.example", PASSWORD)
            .await
            .status,
        200
    );
    // forgotten on both
    assert_eq!(
        sign_in(&nodes[0], "owner@acme.example", "wrong horse battery")
            .await
            .status,
        401
    );
    for attempt in 0..2 {
        let node = &nodes[attempt % 2];
        assert_eq!(
            sign_in(node, "owner@acme.example", PASSWORD).await.status,
            200
        );
    }
    let refused = sign_in(&nodes[1], "owner@acme.example", PASSWORD).await;
    assert_eq!(outcome(&refused), (429, "895".to_owned()));
    app.finish().await;
}

async fn sign_in(client: &Client, email: &str, password: &str) -> Reply {
    let body = json!({ "email": email, "password": password });
    client.post("/api/v1/auth/sign-in", &body).await
}

fn outcome(reply: &Reply) -> (u16, String) {
    (reply.status, reply.header("retry-after").to_owned())
}
