//! Apollo's multipart protocol for subscriptions.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Form, Heard, Path, Streamed, TestApp};

const FEED: &str =
    "subscription($after: String) { eventFeed(after: $after) { cursor event { sequence kind } } }";
const CREATE: &str = "mutation {
    createCategory(input: { code: \"7301\", name: \"Something\", kind: EXPENSE }) { errors { message } }
}";

#[tokio::test]
async fn events_are_parts_with_a_payload() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let body = json!({ "query": FEED });
    let request = owner.request(Method::POST, "/graphql").json(&body);
    let request = request.header("accept-encoding", "gzip");
    let mut feed = Streamed::open(Form::Multipart, request).await.ok().unwrap();
    assert_eq!(
        feed.header("content-type"),
        "multipart/mixed; boundary=\"graphql\"; subscriptionSpec=1.0"
    );
    assert_eq!(feed.header("cache-control"), "no-cache");
    assert_eq!(feed.header("x-accel-buffering"), "no");
    assert_eq!(feed.header("content-encoding"), "");
    assert_eq!(feed.hear().await, Heard::Beat(None));
    let mut feed = feed.settled().await;
    owner.run(CREATE, json!({})).await.ok();
    let heard = feed.next().await;
    assert_eq!(heard.text("eventFeed.event.kind"), "CATEGORY_CREATED");
    // it stands after what it has told
    assert_eq!(feed.beat().await, heard.text("eventFeed.cursor"));
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_subscription_is_answered_as_json() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let ask = async |accept: &str, document: &str| {
        let request = owner
            .request(Method::POST, "/graphql")
            .header("accept", accept)
            .json(&json!({ "query": document }));
        owner.send(request).await
    };
    let both = Form::Multipart.accept();
    let reply = ask(both, "{ viewer { role } }").await;
    assert_eq!(
        reply.header("content-type"),
        "application/graphql-response+json; charset=utf-8"
    );
    assert_eq!(reply.json().text("data.viewer.role"), "OWNER");
    // what cannot be read is refused like any other request
    for document in [
        "{",
        "subscription { ...f } fragment f on Subscription { eventFeed { cursor } }",
    ] {
        let reply = ask(both, document).await;
        assert_eq!(
            (reply.status, reply.json()["errors"].is_array()),
            (400, true)
        );
    }
    // nothing but streams is accepted
    let alone = "multipart/mixed;subscriptionSpec=1.0";
    assert_eq!(ask(alone, "{ __typename }").await.status, 406);
    // parts of one answer are another protocol
    let deferred = "multipart/mixed;deferSpec=20220824, application/json";
    assert_eq!(ask(deferred, FEED).await.status, 400);
    app.finish().await;
}

#[tokio::test]
async fn an_error_of_the_operation_is_a_payload() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    for (document, code) in [
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        (
            "subscription { eventFeed(after: \"x\") { cursor } }",
            "BAD_USER_INPUT",
        ),
    ] {
        let mut told = owner.stream(Form::Multipart, document, Value::Null).await;
        let Heard::Next(answer) = told.answer().await else {
            panic!("{document} is not answered");
        };
        assert_eq!(answer.text("errors[0].extensions.code"), code);
        assert_eq!(told.answer().await, Heard::Complete);
    }
    let request = app.anybody().request(Method::POST, "/graphql");
    let request = request.json(&json!({ "query": FEED }));
    let reply = Streamed::open(Form::Multipart, request)
        .await
        .err()
        .unwrap();
    assert_eq!(reply.status, 401);
    app.finish().await;
}
