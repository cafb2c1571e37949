//! Documents are validated as the GraphQL specification has it, where async-graphql's own rules stop.

use reqwest::Method;
use serde_json::{Value, json};

use crate::documents::{client, register};
use crate::support::{Client, Path, TestApp};

/// Documents that the reference implementation refuses, with variables, and what is said of each.
fn wrong() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (
            // a filter that is passed over would answer with everything
            "query Q($day: Date) { records(first: 1, filter: { occuredFrom: $day }) { edges { cursor } } }",
            json!({ "day": "2026-01-01" }),
            "unknown field \"occuredFrom\"",
        ),
        (
            "mutation Q($name: String!) { createCategory(input: { name: $name, kind: EXPENSE, colour: $name }) { errors { message } } }",
            json!({ "name": "Ink" }),
            "unknown field \"colour\"",
        ),
        (
            "mutation Q($name: String!) { createCategory(input: { name: $name }) { errors { message } } }",
            json!({ "name": "Ink" }),
            "\"kind\" (CategoryKind!)",
        ),
        (
            "mutation Q { createCategory(input: { name: \"Ink\", name: \"Paper\", kind: EXPENSE }) { errors { message } } }",
            json!({}),
            "only one input field named \"name\"",
        ),
        (
            "mutation Q($kind: String!) { createCategory(input: { name: \"Ink\", kind: $kind }) { errors { message } } }",
            json!({ "kind": "EXPENSE" }),
            "$kind\" of type String! where CategoryKind! is expected",
        ),
        (
            "mutation Q { createCategory(input: { name: \"Ink\", kind: \"EXPENSE\" }) { errors { message } } }",
            json!({}),
            "no CategoryKind",
        ),
        (
            "query Q($id: ID) { node(id: $id) { id } }",
            json!({ "id": "x" }),
            "$id\" of type ID where ID! is expected",
        ),
        (
            "query Q($size: String) { records(first: $size) { edges { cursor } } }",
            json!({ "size": "1" }),
            "where Int is expected",
        ),
        (
            "query Q { records(first: 1, filter: { accountId: $nobody }) { edges { cursor } } }",
            json!({}),
            "$nobody\" is not defined",
        ),
        (
            "query Q { viewer @include(if: 1) { user { id } } }",
            json!({}),
            "expected type \"Boolean\"",
        ),
    ]
}

async fn categories(owner: &Client) -> usize {
    let told = owner.run("{ categories { id } }", json!({})).await.ok();
    told.list("categories").len()
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_refused_and_nothing_is_done() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let before = categories(&owner).await;
    let mut socket = owner.socket().await;
    for (document, variables, said) in wrong() {
        // what was refused once is refused again
        for _ in 0..2 {
            let refused = owner.run(document, variables.clone()).await;
            assert_eq!(
                refused.error_code(),
                "GRAPHQL_VALIDATION_FAILED",
                "{document}"
            );
            assert_eq!(refused.body.get("data"), None, "{document}");
            let message = refused.body.text("errors[0].message");
            assert!(message.contains(said), "{document}: {message}");
            let place = refused.body.path("errors[0].locations[0].column");
            assert!(place.is_u64(), "{document}");
        }
        let payload = json!({ "query": document, "variables": variables });
        socket
            .send(&json!({ "id": "a", "type": "subscribe", "payload": payload }))
            .await;
        assert_eq!(socket.next().await["type"], "error", "{document}");
    }
    assert_eq!(categories(&owner).await, before);
    app.finish().await;
}

#[tokio::test]
async fn a_variable_may_decide_about_a_type_name_alone() {
    let app = TestApp::start().await;
    let anybody = app.anybody();
    let document = "query Q($yes: Boolean!, $no: Boolean = false) {
        a: __typename @include(if: $yes) b: __typename @include(if: $no)
    }";
    for _ in 0..2 {
        let told = anybody.run(document, json!({ "yes": true })).await.ok();
        assert_eq!(told, json!({ "a": "Query" }));
    }
    let unused = "query Q($yes: Boolean!, $no: Int) { __typename @include(if: $yes) }";
    let refused = anybody.run(unused, json!({ "yes": true })).await;
    assert_eq!(refused.error_code(), "GRAPHQL_VALIDATION_FAILED");
    app.finish().await;
}

#[tokio::test]
async fn a_stream_is_held_to_the_same() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let document = "subscription Q($after: [String!]!) { eventFeed(after: $after) { cursor } }";
    let request = owner
        .request(Method::POST, "/graphql")
        .header("accept", "text/event-stream")
        .json(&json!({ "query": document, "variables": { "after": ["START"] } }));
    let told = owner.send(request).await.text();
    assert!(told.contains("GRAPHQL_VALIDATION_FAILED"), "{told}");
    assert!(told.contains("event: complete"), "{told}");
    app.finish().await;
}

#[tokio::test]
async fn what_does_not_fit_is_not_registered() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let id = client(&owner, "web", "PERMISSIVE").await;
    for (document, ..) in wrong() {
        let told = register(&owner, &id, &[document]).await;
        assert!(!told.list("errors").is_empty(), "{document}: {told}");
    }
    app.finish().await;
}
