//! Who may do what, right now: on this node at once, on the others within a second.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Answer, Client, Path, Setup, TestApp};

const TYPE: &str = "{ __typename }";
const WHO: &str = "{ viewer { user { id } role } }";
const INVITATIONS: &str = "{ invitations(first: 1) { edges { cursor } } }";
const CHANGE: &str = "mutation($input: ChangeMemberRoleInput!) {
    changeMemberRole(input: $input) { member { role } errors { message } }
}";
const REMOVE: &str = "mutation($input: RemoveMemberInput!) {
    removeMember(input: $input) { removedUserId errors { message } }
}";

/// How soon a change counts everywhere: a second, and what asking takes.
const SOON: Duration = Duration::from_millis(1_300);

#[tokio::test]
async fn who_asks_again_within_a_second_is_not_looked_up() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    owner.run(TYPE, json!({})).await.ok();
    let before = app.app().handles.db.statements();
    for _ in 0..5 {
        owner.run(TYPE, json!({})).await.ok();
    }
    assert_eq!(app.app().handles.db.statements(), before);
    app.advance(chrono::TimeDelta::seconds(1));
    owner.run(TYPE, json!({})).await.ok();
    assert!(app.app().handles.db.statements() > before);
    app.finish().await;
}

#[tokio::test]
async fn a_new_role_counts_at_the_next_request() {
    let app = two_nodes().await;
    let tenant = app.tenant("acme").await;
    let (owner, member) = (tenant.owner(), tenant.viewer().await);
    let elsewhere = app.another_node().await;
    let there = elsewhere.with_token(member.token.as_deref().unwrap());
    let id = user_id(&member).await;
    let refused = |answer: Answer| answer.error_code();
    assert_eq!(
        refused(member.run(INVITATIONS, json!({})).await),
        "FORBIDDEN"
    );
    assert_eq!(
        refused(there.run(INVITATIONS, json!({})).await),
        "FORBIDDEN"
    );

    change(&owner, &id, "ADMIN").await;
    member.run(INVITATIONS, json!({})).await.ok();
    soon(async || {
        there
            .run(INVITATIONS, json!({}))
            .await
            .body
            .get("errors")
            .is_none()
    })
    .await;

    change(&owner, &id, "REVIEWER").await;
    assert_eq!(
        refused(member.run(INVITATIONS, json!({})).await),
        "FORBIDDEN"
    );
    soon(async || {
        there
            .run(INVITATIONS, json!({}))
            .await
            .body
            .get("errors")
            .is_some()
    })
    .await;
    app.finish().await;
}

#[tokio::test]
async fn who_was_removed_is_out_at_the_next_request() {
    let app = two_nodes().await;
    let tenant = app.tenant("acme").await;
    let (owner, member) = (tenant.owner(), tenant.reviewer().await);
    let elsewhere = app.another_node().await;
    let there = elsewhere.with_token(member.token.as_deref().unwrap());
    let id = user_id(&member).await;
    there.run(TYPE, json!({})).await.ok();
    let input = json!({ "input": { "userId": id } });
    owner.run(REMOVE, input).await.ok();
    let refused = member.run(TYPE, json!({})).await;
    assert_eq!(refused.error_code(), "UNAUTHENTICATED");
    soon(async || {
        there
            .run(TYPE, json!({}))
            .await
            .body
            .get("errors")
            .is_some()
    })
    .await;
    app.finish().await;
}

/// An app whose nodes have clocks that run.
async fn two_nodes() -> TestApp {
    let setup = Setup {
        real_time: true,
        ..Setup::default()
    };
    TestApp::start_with(setup).await
}

async fn user_id(client: &Client) -> Value {
    let viewer = client.run(WHO, json!({})).await.ok();
    viewer.path("viewer.user.id").clone()
}

async fn change(owner: &Client, user: &Value, role: &str) {
    let input = json!({ "input": { "userId": user, "role": role } });
    owner.run(CHANGE, input).await.ok();
}

/// Fails unless it is so within a second.
#[track_caller]
fn soon<F: Future<Output = bool>>(so: impl Fn() -> F) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let started = Instant::now();
        while !so().await {
            assert!(started.elapsed() < SOON, "not within a second: {caller}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
