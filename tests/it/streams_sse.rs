//! Server-Sent Events as the distinct connections mode of graphql-sse has them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Form, Heard, Path, Reply, Streamed, TestApp};

const FEED: &str =
    "subscription($after: String) { eventFeed(after: $after) { cursor event { sequence kind } } }";
const CREATE: &str = "mutation($code: String!) {
    createCategory(input: { code: $code, name: \"Something\", kind: EXPENSE }) { errors { message } }
}";

async fn make_category(client: &Client, code: &str) {
    client.run(CREATE, json!({ "code": code })).await.ok();
}

/// Asks for a stream and gets a refusal.
async fn refused(client: &Client, method: Method, path: &str, body: &str) -> Reply {
    let request = client
        .request(method, path)
        .header("content-type", "application/json")
        .body(body.to_owned());
    match Streamed::open(Form::Sse, request).await {
        Ok(_) => panic!("{path} {body} was accepted"),
        Err(reply) => reply,
    }
}

#[tokio::test]
async fn events_are_heard_as_they_happen() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let body = json!({ "query": "subscription { eventFeed { cursor event { kind } } }" });
    let request = owner.request(Method::POST, "/graphql").json(&body);
    let request = request.header("accept-encoding", "gzip");
    let mut feed = Streamed::open(Form::Sse, request).await.ok().unwrap();
    assert_eq!(
        feed.header("content-type"),
        "text/event-stream; charset=utf-8"
    );
    assert_eq!(feed.header("cache-control"), "no-cache");
    assert_eq!(feed.header("x-accel-buffering"), "no");
    assert_eq!(feed.header("content-encoding"), "");
    // at once, so that proxies pass the head on; then where the stream stands
    assert_eq!(feed.hear().await, Heard::Beat(None));
    let Heard::Beat(Some(begin)) = feed.hear().await else {
        panic!("the client does not learn where its stream begins");
    };
    make_category(&owner, "7301").await;
    make_category(&owner, "7302").await;
    let first = feed.next().await;
    assert_eq!(first.text("eventFeed.event.kind"), "CATEGORY_CREATED");
    feed.next().await;
    // there is no variable to resume by, so nothing pretends that there is
    assert_eq!(feed.last_id, None);
    drop(feed);

    let mut resumed = owner
        .stream(Form::Sse, FEED, json!({ "after": begin }))
        .await;
    assert_eq!(
        resumed.next().await.path("eventFeed.cursor"),
        first.path("eventFeed.cursor")
    );
    app.finish().await;
}

#[tokio::test]
async fn an_event_source_goes_on_where_it_was_cut() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let get = |last: Option<&str>| {
        let request = owner
            .request(Method::GET, "/graphql")
            .query(&[("query", FEED)]);
        match last {
            Some(last) => request.header("last-event-id", last),
            None => request,
        }
    };
    let opened = Streamed::open(Form::Sse, get(None)).await.ok().unwrap();
    let mut source = opened.settled().await;
    // even before the first event it knows where it stands
    let begin = source.last_id.clone().unwrap();
    make_category(&owner, "7301").await;
    let heard = source.next().await;
    let cursor = heard.text("eventFeed.cursor");
    assert_eq!(source.last_id.as_deref(), Some(cursor.as_str()));
    drop(source);

    make_category(&owner, "7302").await;
    for (last, sequences) in [(cursor.as_str(), 1), (begin.as_str(), 2)] {
        let mut source = Streamed::open(Form::Sse, get(Some(last)))
            .await
            .ok()
            .unwrap();
        let first = heard.path("eventFeed.event.sequence").as_i64().unwrap() + 2 - sequences;
        for sequence in first..first + sequences {
            let next = source.next().await;
            assert_eq!(next.path("eventFeed.event.sequence"), &json!(sequence));
        }
    }
    // what is no cursor is refused, and not taken for the present
    let mut source = Streamed::open(Form::Sse, get(Some("7")))
        .await
        .ok()
        .unwrap();
    let Heard::Next(answer) = source.answer().await else {
        panic!("it is not told");
    };
    assert_eq!(answer.text("errors[0].extensions.code"), "BAD_USER_INPUT");
    app.finish().await;
}

#[tokio::test]
async fn a_question_has_one_answer_and_an_end() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let mut told = owner
        .stream(Form::Sse, "{ viewer { role } __typename }", Value::Null)
        .await;
    let expected = json!({ "viewer": { "role": "OWNER" }, "__typename": "Query" });
    assert_eq!(told.next().await, expected);
    assert_eq!(told.answer().await, Heard::Complete);
    assert_eq!(told.answer().await, Heard::Closed);
    let mut told = owner
        .stream(Form::Sse, CREATE, json!({ "code": "7301" }))
        .await;
    told.next().await;
    assert_eq!(told.answer().await, Heard::Complete);
    // nobody needs to be signed in for what needs no sign-in
    let mut told = app
        .anybody()
        .stream(Form::Sse, "{ __typename }", Value::Null)
        .await;
    assert_eq!(told.next().await, json!({ "__typename": "Query" }));
    app.finish().await;
}

#[tokio::test]
async fn an_operation_that_is_refused_is_told_as_an_event() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    for (document, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        (
            "subscription { a: eventFeed { cursor } b: eventFeed { cursor } }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "subscription($a: Int!) { eventFeed(after: \"START\") { cursor } }",
            "BAD_USER_INPUT",
        ),
        (
            "subscription { eventFeed(after: \"x\") { cursor } }",
            "BAD_USER_INPUT",
        ),
    ] {
        let mut told = owner.stream(Form::Sse, document, Value::Null).await;
        let Heard::Next(answer) = told.answer().await else {
            panic!("{document} is not answered");
        };
        assert_eq!(answer.text("errors[0].extensions.code"), code, "{document}");
        assert!(answer.path("errors[0].extensions.requestId").is_string());
        assert_eq!(told.answer().await, Heard::Complete, "{document}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_request_that_is_refused_has_a_status() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let (get, post) = (Method::GET, Method::POST);
    let feed = json!({ "query": FEED }).to_string();
    let mutation = "/graphql?query=mutation%7BsignOutEverywhere%7D";
    for (client, method, path, body, status, code) in [
        (&owner, &post, "/graphql", "{", 400, "BAD_REQUEST"),
        (&owner, &post, "/graphql", "[]", 400, "BAD_REQUEST"),
        (&owner, &get, mutation, "", 405, "BAD_REQUEST"),
        (
            &app.anybody(),
            &post,
            "/graphql",
            &feed,
            401,
            "UNAUTHENTICATED",
        ),
        (
            &app.anybody().with_token("not.a.token"),
            &post,
            "/graphql",
            &feed,
            401,
            "UNAUTHENTICATED",
        ),
    ] {
        let reply = refused(client, method.clone(), path, body).await;
        assert_eq!(reply.status, status, "{path} {body}: {}", reply.text());
        assert_eq!(reply.json().text("errors[0].extensions.code"), code);
    }
    let form = owner
        .request(Method::POST, "/graphql")
        .header("accept", "text/event-stream")
        .header("content-type", "text/plain");
    assert_eq!(owner.send(form.body(feed)).await.status, 415);
    app.finish().await;
}

#[tokio::test]
async fn a_stream_is_for_those_who_name_it() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let ask = async |accept: &str, document: &str| {
        let request = owner
            .request(Method::POST, "/graphql")
            .header("accept", accept)
            .json(&json!({ "query": document }));
        let response = request.send().await.unwrap();
        let media = response.headers()["content-type"].to_str().unwrap();
        (response.status().as_u16(), media.to_owned())
    };
    let subscription = "subscription { eventFeed { cursor } }";
    let json = "application/json; charset=utf-8".to_owned();
    let events = "text/event-stream; charset=utf-8".to_owned();
    assert_eq!(ask("*/*", subscription).await, (400, json.clone()));
    assert_eq!(
        ask("application/json, text/event-stream", subscription).await,
        (200, events.clone())
    );
    assert_eq!(
        ask("application/json, text/event-stream", "{ __typename }").await,
        (200, json)
    );
    assert_eq!(
        ask("text/event-stream", "{ __typename }").await,
        (200, events)
    );
    app.finish().await;
}

#[tokio::test]
async fn a_browser_follows_with_its_cookies_from_our_own_page_only() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let cookie = format!("balance_access={}", owner.token.as_deref().unwrap());
    let open = async |origin: &str, site: &str| {
        let request = app
            .anybody()
            .request(Method::GET, "/graphql")
            .query(&[("query", FEED)])
            .header("cookie", &cookie)
            .header("origin", origin)
            .header("sec-fetch-site", site);
        Streamed::open(Form::Sse, request).await
    };
    let ours = open("http://app.example", "same-origin").await;
    ours.ok().unwrap().settled().await;
    for (origin, site) in [
        ("http://evil.example", "cross-site"),
        ("http://evil.example", "same-origin"),
        ("http://app.example", "cross-site"),
    ] {
        let reply = open(origin, site).await.err().unwrap();
        assert_eq!(reply.status, 403, "{origin} {site}");
    }
    app.finish().await;
}
