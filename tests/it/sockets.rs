//! The `graphql-transport-ws` protocol, with its close codes.

use std::time::Duration;

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Path, TestApp};

#[tokio::test]
async fn questions_are_answered_over_the_socket_too() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let mut socket = owner.socket().await;
    socket
        .send(&subscribe("a", "{ viewer { user { email } } }"))
        .await;
    let next = socket.next().await;
    assert_eq!(
        (next.text("type"), next.text("id")),
        ("next".to_owned(), "a".to_owned())
    );
    assert_eq!(
        next.text("payload.data.viewer.user.email"),
        "owner@acme.example"
    );
    assert_eq!(
        socket.next().await,
        json!({ "type": "complete", "id": "a" })
    );
    // the id is free again
    socket.send(&subscribe("a", "{ __typename }")).await;
    assert_eq!(socket.next().await["type"], "next");
    app.finish().await;
}

#[tokio::test]
async fn an_operation_that_is_refused_leaves_the_socket_open() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let mut socket = owner.socket().await;
    for (document, code) in [
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{", "GRAPHQL_PARSE_FAILED"),
    ] {
        socket.send(&subscribe("a", document)).await;
        let error = socket.next().await;
        assert_eq!(error["type"], "error", "{error}");
        assert_eq!(error.text("payload[0].extensions.code"), code);
        assert!(error.path("payload").is_array());
    }
    socket.send(&subscribe("a", "{ __typename }")).await;
    assert_eq!(socket.next().await["type"], "next");
    app.finish().await;
}

#[tokio::test]
async fn a_ping_is_answered_with_what_it_carries() {
    let app = TestApp::start().await;
    let mut socket = app.anybody().bare_socket().await;
    socket
        .send(&json!({ "type": "ping", "payload": { "n": 1 } }))
        .await;
    assert_eq!(
        socket.next().await,
        json!({ "type": "pong", "payload": { "n": 1 } })
    );
    socket.send(&json!({ "type": "ping" })).await;
    assert_eq!(socket.next().await, json!({ "type": "pong" }));
    app.finish().await;
}

#[tokio::test]
async fn who_does_not_introduce_themselves_is_closed() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let bearer = |token: &str| json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {token}") } });
    let good = bearer(owner.token.as_deref().unwrap());
    let query = subscribe("a", "subscription { __typename }");
    let cases: [(&str, Vec<Value>, u16); 9] = [
        ("subscribe before ack", vec![query.clone()], 4401),
        ("no token", vec![json!({ "type": "connection_init" })], 4403),
        ("a bad token", vec![bearer("not.a.token")], 4403),
        (
            "no message of the protocol",
            vec![json!({ "type": "hello" })],
            4400,
        ),
        (
            "an id that is taken",
            vec![good.clone(), events("a"), events("a")],
            4409,
        ),
        (
            "a second introduction",
            vec![good.clone(), good.clone()],
            4429,
        ),
        (
            "a payload that is no object",
            vec![json!({ "type": "connection_init", "payload": "Bearer" })],
            4400,
        ),
        ("an id that is empty", vec![good.clone(), events("")], 4400),
        (
            "an id that every answer would repeat at length",
            vec![good.clone(), events(&"i".repeat(257))],
            4400,
        ),
    ];
    for (what, messages, code) in cases {
        let mut socket = app.anybody().bare_socket().await;
        for message in messages {
            socket.send(&message).await;
        }
        let (closed, reason) = socket.closed().await;
        assert_eq!(closed, code, "{what}: {reason}");
        assert!(reason.len() < 123);
    }
    let mut socket = app.anybody().bare_socket().await;
    socket.send_text("not json").await;
    assert_eq!(socket.closed().await.0, 4400);
    let mut socket = app.anybody().bare_socket().await;
    socket.send_broken_text().await;
    assert_eq!(socket.closed().await.0, 4400);
    let mut socket = app.anybody().bare_socket().await;
    socket.send_text(&" ".repeat(1_100_000)).await;
    assert_eq!(socket.closed().await.0, 4413);
    app.finish().await;
}

#[tokio::test]
async fn a_token_is_read_as_from_a_header() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let token = owner.token.as_deref().unwrap();
    for (name, scheme) in [
        ("Authorization", "Bearer"),
        ("authorization", "bearer"),
        ("AUTHORIZATION", "BEARER"),
    ] {
        let mut socket = app.anybody().bare_socket().await;
        let payload = json!({ name: format!("{scheme} {token}") });
        socket
            .send(&json!({ "type": "connection_init", "payload": payload }))
            .await;
        assert_eq!(socket.next().await["type"], "connection_ack", "{name}");
    }
    app.finish().await;
}

#[tokio::test]
async fn one_operation_too_many_leaves_the_others_alone() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let mut socket = owner.socket().await;
    for n in 0..=100 {
        socket.send(&events(&format!("{n}"))).await;
    }
    let error = socket.next().await;
    assert_eq!(
        (error.text("type"), error.text("id")),
        ("error".to_owned(), "100".to_owned())
    );
    let told = error.path("payload[0].extensions");
    assert_eq!(told["code"], "RATE_LIMITED");
    assert_eq!(told["limit"], "openOperations");
    // one ends, and there is room for another
    socket.send(&json!({ "type": "complete", "id": "7" })).await;
    socket.send(&subscribe("more", "{ __typename }")).await;
    assert_eq!(socket.next().await.text("id"), "more");
    app.finish().await;
}

#[tokio::test]
async fn who_asks_for_a_socket_of_another_kind_is_told_why_not() {
    let app = TestApp::start().await;
    let anybody = app.anybody();
    for (version, protocol, said) in [
        ("13", "graphql-ws", "graphql-transport-ws"),
        ("8", "graphql-transport-ws", "Version"),
    ] {
        let request = anybody
            .request(Method::GET, "/graphql")
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", version)
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("sec-websocket-protocol", protocol);
        let reply = anybody.send(request).await;
        let answer = Answer::of(&reply);
        assert_eq!(
            (reply.status, answer.error_code()),
            (400, "BAD_REQUEST".to_owned())
        );
        let message = answer.body.text("errors[0].message");
        assert!(message.contains(said), "{message}");
    }
    app.finish().await;
}

#[tokio::test]
async fn an_operation_ends_when_its_client_says_so() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let mut socket = owner.socket().await;
    socket.send(&events("a")).await;
    socket.send(&json!({ "type": "complete", "id": "a" })).await;
    // the id is free, so nothing follows under it any more
    socket.send(&subscribe("a", "{ __typename }")).await;
    assert_eq!(socket.next().await.text("payload.data.__typename"), "Query");
    assert_eq!(socket.next().await["type"], "complete");
    assert_eq!(socket.next_within(Duration::from_millis(300)).await, None);
    app.finish().await;
}

#[tokio::test]
async fn a_socket_lives_as_long_as_its_token() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let mut socket = owner.socket().await;
    app.advance(TimeDelta::minutes(16));
    // the clock of this test does not tick: the next message makes the server look at it
    socket.send(&json!({ "type": "ping" })).await;
    assert_eq!(socket.closed().await.0, 4403);
    app.finish().await;
}

#[tokio::test]
async fn a_subscription_has_one_field() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let mut socket = owner.socket().await;
    let two = "subscription { a: eventFeed { cursor } b: eventFeed { cursor } }";
    socket.send(&subscribe("a", two)).await;
    let error = socket.next().await;
    assert_eq!(error["type"], "error", "{error}");
    let code = error.text("payload[0].extensions.code");
    assert_eq!(code, "GRAPHQL_VALIDATION_FAILED");
    // nor may it be left out
    let none = "subscription { eventFeed @skip(if: true) { cursor } }";
    socket.send(&subscribe("b", none)).await;
    assert_eq!(socket.next().await["type"], "error");
    app.finish().await;
}

#[tokio::test]
async fn root_fields_are_answered_in_the_order_of_the_document() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let mut socket = owner.socket().await;
    // the first takes longest
    let document = "{ b: eventFeed(first: 50) { cursor } a: __typename c: eventCursor }";
    socket.send(&subscribe("a", document)).await;
    let next = socket.next_text().await;
    let at = |key: &str| next.find(&format!("\"{key}\":")).expect("it is answered");
    assert!(at("b") < at("a") && at("a") < at("c"), "{next}");
    app.finish().await;
}

#[tokio::test]
async fn a_ping_tells_where_each_stream_stands() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let mut socket = owner.socket().await;
    socket.send(&events("a")).await;
    let begun = socket.standing("a").await;
    tenant.viewer().await;
    let mut last = String::new();
    while let Some(next) = socket.next_within(Duration::from_millis(300)).await {
        last = next.text("payload.data.eventFeed.cursor");
    }
    assert_ne!(last, begun);
    // the next one begins, so the server tells of all
    socket.send(&events("b")).await;
    assert_eq!(socket.standing("a").await, last);
    app.finish().await;
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let mut socket = owner.socket().await;
    app.app().stopping.cancel();
    assert_eq!(socket.closed().await.0, 1001);
    app.finish().await;
}

fn subscribe(id: &str, document: &str) -> Value {
    json!({ "id": id, "type": "subscribe", "payload": { "query": document } })
}

fn events(id: &str) -> Value {
    subscribe(id, "subscription { eventFeed { cursor } }")
}
