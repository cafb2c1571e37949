//! What every request meets on its way in, before it means anything.

use std::fmt::Write;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Path, Reply, TestApp};

#[tokio::test]
async fn every_answer_keeps_browsers_careful() {
    let app = TestApp::start().await;
    for path in [
        "/health",
        "/graphql?query={__typename}",
        "/api/v1/nowhere",
        "/graphiql",
        "/schema.graphql",
    ] {
        let reply = app.anybody().get(path).await;
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(reply.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(reply.header("x-xss-protection"), "0", "{path}");
        let policy = reply.header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
        // a promise about a whole host that only production may make
        assert_eq!(reply.header("strict-transport-security"), "", "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_request_keeps_the_name_it_came_with() {
    let app = TestApp::start().await;
    let anybody = app.anybody();
    let named = async |name: &str| {
        let request = anybody.request(Method::GET, "/api/v1/nowhere");
        let reply = anybody.send(request.header("x-request-id", name)).await;
        let told = reply.json().text("meta.requestId");
        assert_eq!(told, reply.header("x-request-id"));
        told
    };
    assert_eq!(named("order-66.a_b").await, "order-66.a_b");
    for odd in ["", "two words", "<script>", "a\"b", &"x".repeat(65)] {
        let given = named(odd).await;
        assert_ne!(given, odd);
        assert!(given.len() >= 16, "{given}");
    }
    assert_ne!(named("").await, named("").await);

    let refused = anybody.graphql("{ nothing }", json!({})).await;
    let id = Answer::of(&refused)
        .body
        .text("errors[0].extensions.requestId");
    assert_eq!(id, refused.header("x-request-id"));
    app.finish().await;
}

#[tokio::test]
async fn an_unknown_route_is_told_in_the_envelope() {
    let app = TestApp::start().await;
    for path in ["/api/v1/nowhere", "/api/v3/events", "/nowhere"] {
        assert_envelope(&app.anybody().get(path).await, 404, "NOT_FOUND");
    }
    assert_envelope(
        &app.anybody().get("/api/v1/auth/sign-in").await,
        405,
        "BAD_REQUEST",
    );
    app.finish().await;
}

#[tokio::test]
async fn the_older_events_route_leads_to_the_versioned_one_and_says_when_it_leaves() {
    let app = TestApp::start().await;
    let anybody = app.anybody();
    for (asked, location) in [
        ("/api/events", "/api/v1/events"),
        (
            "/api/events?after=START&first=3",
            "/api/v1/events?after=START&first=3",
        ),
    ] {
        let reply = anybody.get(asked).await;
        assert_eq!((reply.status, reply.header("location")), (308, location));
        // the forms of RFC 9745 and RFC 8594
        assert_eq!(reply.header("deprecation"), "@1795219200");
        assert_eq!(reply.header("sunset"), "Fri, 31 Dec 2027 00:00:00 GMT");
        let link = "</api/v1/events>; rel=\"successor-version\"";
        assert_eq!(reply.header("link"), link);
    }
    let owner = app.tenant("acme").await.owner();
    let followed = owner.get("/api/v1/events?after=START&first=3").await;
    assert_eq!((followed.status, followed.header("deprecation")), (200, ""));
    app.finish().await;
}

#[tokio::test]
async fn the_beta_is_empty_and_says_so() {
    let app = TestApp::start().await;
    let anybody = app.anybody();
    for path in ["/api/v2", "/api/v2/", "/api/v2/events", "/api/v2/a/b?c=d"] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let reply = anybody.send(anybody.request(method, path)).await;
            assert_envelope(&reply, 404, "NOT_FOUND");
            let message = reply.json().text("error.message");
            assert!(message.contains("beta"), "{path}: {message}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn only_the_listed_origins_may_call_from_a_browser() {
    let app = TestApp::start().await;
    let anybody = app.anybody();
    let allowed = async |origin: &str| {
        let preflight = anybody
            .request(Method::OPTIONS, "/graphql")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "content-type,authorization",
            );
        let reply = anybody.send(preflight).await;
        reply.header("access-control-allow-origin").to_owned()
    };
    assert_eq!(allowed("http://app.example").await, "http://app.example");
    assert_eq!(allowed("http://evil.example").await, "");
    app.finish().await;
}

#[tokio::test]
async fn get_changes_nothing() {
    let app = TestApp::start().await;
    let anybody = app.anybody();
    let query = anybody.get("/graphql?query=%7B__typename%7D").await;
    assert_eq!(
        (query.status, &query.json()["data"]),
        (200, &json!({ "__typename": "Query" }))
    );
    let mutation = anybody.get("/graphql?query=mutation%7B__typename%7D").await;
    assert_eq!((mutation.status, mutation.header("allow")), (405, "POST"));
    let delete = anybody
        .send(anybody.request(Method::DELETE, "/graphql"))
        .await;
    assert_eq!(
        (delete.status, delete.header("allow")),
        (405, "GET,HEAD,POST")
    );
    assert_eq!(Answer::of(&delete).error_code(), "BAD_REQUEST");
    let elsewhere = anybody.request(Method::PUT, "/schema.graphql");
    assert_envelope(&anybody.send(elsewhere).await, 405, "BAD_REQUEST");
    app.finish().await;
}

#[tokio::test]
async fn a_body_comes_as_it_is_and_says_what_it_is() {
    let app = TestApp::start().await;
    let anybody = app.anybody();
    let body = json!({ "query": "{ __typename }" }).to_string();
    let post = |path: &str, media: &str| {
        let request = anybody.request(Method::POST, path).body(body.clone());
        request.header("content-type", media.to_owned())
    };
    let json = "application/json";
    let packed = post("/graphql", json).header("content-encoding", "gzip");
    let reply = anybody.send(packed).await;
    assert_eq!(
        (reply.status, reply.header("accept-encoding")),
        (415, "identity")
    );
    assert_eq!(Answer::of(&reply).error_code(), "BAD_REQUEST");
    let plain = post("/graphql", json).header("content-encoding", "identity");
    assert_eq!(anybody.send(plain).await.status, 200);
    for route in ["auth/sign-in", "auth/complete-sign-in", "auth/verify-email"] {
        let route = format!("/api/v1/{route}");
        let packed = post(&route, json).header("content-encoding", "br");
        assert_envelope(&anybody.send(packed).await, 415, "BAD_REQUEST");
        let text = anybody.send(post(&route, "text/plain")).await;
        assert_envelope(&text, 415, "BAD_REQUEST");
        let long = post(&route, json).body(vec![b' '; 10 * 1024 * 1024 + 1]);
        assert_envelope(&anybody.send(long).await, 413, "BAD_REQUEST");
    }
    app.finish().await;
}

#[tokio::test]
async fn what_a_browser_could_send_unasked_is_refused() {
    let app = TestApp::start().await;
    let anybody = app.anybody();
    let body = json!({ "query": "{ __typename }" }).to_string();
    for media in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        let request = anybody.request(Method::POST, "/graphql").body(body.clone());
        let reply = anybody.send(request.header("content-type", media)).await;
        assert_eq!(reply.status, 415, "{media}");
    }
    let unnamed = anybody
        .send(anybody.request(Method::POST, "/graphql").body(body))
        .await;
    assert_eq!(unnamed.status, 415);

    let link = anybody.request(Method::GET, "/graphql?query=%7B__typename%7D");
    let link = anybody
        .send(
            link.header("cookie", "session=1")
                .header("accept", "text/html,*/*"),
        )
        .await;
    assert!((400..500).contains(&link.status), "{}", link.status);
    app.finish().await;
}

#[tokio::test]
async fn the_answer_has_the_form_that_was_asked_for() {
    let app = TestApp::start().await;
    let newer = "application/graphql-response+json";
    let cases = [
        ("{ __typename }", newer, 200, newer),
        (
            "{ __typename }",
            "application/json",
            200,
            "application/json",
        ),
        ("{ __typename }", "*/*", 200, "application/json"),
        ("{ __typename", newer, 400, newer),
        ("{ __typename", "application/json", 200, "application/json"),
        ("{ nothing }", newer, 400, newer),
        ("{ __typename }", "text/html", 406, "application/json"),
    ];
    for (document, accept, status, media) in cases {
        let request = app.anybody().request(Method::POST, "/graphql");
        let request = request
            .header("accept", accept)
            .json(&json!({ "query": document }));
        let reply = app.anybody().send(request).await;
        assert_eq!(
            reply.status,
            status,
            "{document} as {accept}: {}",
            reply.text()
        );
        assert_eq!(
            reply.header("content-type"),
            format!("{media}; charset=utf-8")
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn a_body_that_is_no_request_is_refused_by_name() {
    let app = TestApp::start().await;
    let anybody = app.anybody();
    let batch = json!([{ "query": "{ __typename }" }, { "query": "{ __typename }" }]);
    for body in [
        batch,
        json!("{ __typename }"),
        json!({}),
        json!({ "query": 1 }),
    ] {
        let reply = anybody.post("/graphql", &body).await;
        assert_eq!(reply.status, 400, "{body}");
        assert_eq!(Answer::of(&reply).error_code(), "BAD_REQUEST", "{body}");
    }
    let request = anybody
        .request(Method::POST, "/graphql")
        .header("content-type", "application/json");
    let broken = anybody.send(request.body("{\"query\": ")).await;
    assert_eq!(
        (broken.status, Answer::of(&broken).error_code()),
        (400, "BAD_REQUEST".to_owned())
    );
    app.finish().await;
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let app = TestApp::start().await;
    let anybody = app.anybody();
    let long = json!({ "query": "{ __typename }", "variables": { "x": "x".repeat(1024 * 1024) } });
    let reply = anybody.post("/graphql", &long).await;
    assert_eq!(
        (reply.status, Answer::of(&reply).error_code()),
        (413, "BAD_REQUEST".to_owned())
    );
    let document = format!("{{ __typename }} # {}", "x".repeat(15_000));
    let reply = anybody.graphql(&document, json!({})).await;
    assert_eq!(reply.status, 413);
    assert_eq!(
        reply.json().text("errors[0].extensions.limit"),
        "documentBytes"
    );

    let delivery = anybody.request(Method::POST, "/api/v1/webhooks/somewhere");
    let reply = anybody
        .send(delivery.body(vec![b'x'; 10 * 1024 * 1024 + 1]))
        .await;
    assert_envelope(&reply, 413, "BAD_REQUEST");
    app.finish().await;
}

#[tokio::test]
async fn each_limit_is_told_by_name() {
    let app = TestApp::start().await;
    let anybody = app.anybody();
    let invalid = "GRAPHQL_VALIDATION_FAILED";
    let repeated = |part: &str, times: usize| format!("{{ {} }}", part.repeat(times));
    let mut aliases = String::from("{ system {");
    (0..31).for_each(|n| write!(aliases, " a{n}: version").unwrap());
    let cases = [
        (
            format!("{}{}", "{ a ".repeat(13), "}".repeat(13)),
            "depth",
            invalid,
        ),
        (aliases + " } }", "aliases", invalid),
        (
            format!("{{ __typename {} }}", "@include(if: true) ".repeat(51)),
            "directives",
            invalid,
        ),
        (repeated("__typename ", 21), "rootFields", invalid),
        (repeated("a ", 2_000), "tokens", "GRAPHQL_PARSE_FAILED"),
        (
            format!("{{ a(x: {}", "[".repeat(65)),
            "nesting",
            "GRAPHQL_PARSE_FAILED",
        ),
    ];
    for (document, limit, code) in cases {
        let answer = anybody.run(&document, json!({})).await;
        assert_eq!(answer.body.text("errors[0].extensions.limit"), limit);
        assert_eq!(answer.error_code(), code, "{limit}");
        assert!(
            answer.body.get("data").is_none(),
            "{limit}: nothing was executed"
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn fragments_that_spread_each_other_are_counted_not_followed() {
    let app = TestApp::start().await;
    // 2^26 fields in less than two kilobytes
    let mut bomb = String::from("{ ...F0 }");
    (0..26).for_each(|n| {
        write!(bomb, " fragment F{n} on Query {{ ...F{0} ...F{0} }}", n + 1).unwrap()
    });
    bomb += " fragment F26 on Query { __typename }";
    let started = Instant::now();
    let refused = app.anybody().run(&bomb, json!({})).await;
    assert_eq!(refused.error_code(), "GRAPHQL_VALIDATION_FAILED");
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );

    let circle = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }";
    let refused = app.anybody().run(circle, json!({})).await;
    assert_eq!(refused.error_code(), "GRAPHQL_VALIDATION_FAILED");
    app.finish().await;
}

#[tokio::test]
async fn who_is_not_signed_in_is_told_so() {
    let app = TestApp::start().await;
    let anybody = app.anybody();
    let stranger = anybody.with_token("not.a.token");
    let asked = "{ viewer { user { id } } }";
    for client in [&anybody, &stranger] {
        let answer = client.run(asked, json!({})).await;
        assert_eq!(
            (answer.status, answer.error_code()),
            (401, "UNAUTHENTICATED".to_owned())
        );
        for path in [
            "/api/v1/events",
            "/api/v1/exports/records.csv",
            "/api/v1/exports/reports/x.csv",
        ] {
            let refused = client.get(path).await;
            assert_envelope(&refused, 401, "UNAUTHENTICATED");
            assert_eq!(refused.header("www-authenticate"), "Bearer");
        }
        let refused = client.graphql(asked, json!({})).await;
        assert_eq!(refused.header("www-authenticate"), "Bearer");
    }
    // a token that was good is no better than a bad one once its time is over
    let owner = app.tenant("acme").await.owner();
    owner.run(asked, json!({})).await.ok();
    app.advance(chrono::TimeDelta::minutes(16));
    assert_eq!(
        owner.run(asked, json!({})).await.error_code(),
        "UNAUTHENTICATED"
    );
    app.finish().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_told_in_the_envelope() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    for (path, code) in [
        ("/api/v1/events?first=x", "BAD_REQUEST"),
        ("/api/v1/events?first=501", "BAD_USER_INPUT"),
        ("/api/v1/events?after=x", "BAD_USER_INPUT"),
        ("/api/v1/exports/records.csv?from=x", "BAD_REQUEST"),
        ("/api/v1/exports/records.csv?accountId=x", "BAD_USER_INPUT"),
    ] {
        assert_envelope(&owner.get(path).await, 400, code);
    }
    let wrong = owner.get("/api/v1/events?first=-1").await.json();
    assert_eq!(wrong.text("error.details[0].path"), "first", "{wrong}");
    assert!(
        wrong.text("error.message").starts_with("first: "),
        "{wrong}"
    );
    assert_envelope(
        &owner.get("/api/v1/exports/reports/x.csv").await,
        404,
        "NOT_FOUND",
    );
    app.finish().await;
}

#[tokio::test]
async fn introspection_of_the_usual_tools_passes_the_limits() {
    let app = TestApp::start().await;
    let types = introspect(&app.anybody()).await;
    assert!(types.list("__schema.types").len() > 10);
    app.finish().await;
}

/// The deepest question tools ask: types of arguments of fields of types.
async fn introspect(client: &Client) -> Value {
    let of_type = "ofType { kind name ".repeat(7) + &"}".repeat(7);
    let query = format!(
        "{{ __schema {{ queryType {{ name }} types {{ kind name description \
           fields(includeDeprecated: true) {{ name description args {{ name type {{ kind name {of_type} }} }} \
             type {{ kind name {of_type} }} }} \
           inputFields {{ name type {{ kind name {of_type} }} }} enumValues {{ name }} possibleTypes {{ name }} }} }} }}"
    );
    client.run(&query, json!({})).await.ok()
}

/// Checks the envelope of a failure.
fn assert_envelope(reply: &Reply, status: u16, code: &str) {
    assert_eq!(reply.status, status, "{}", reply.text());
    let body = reply.json();
    assert_eq!(body["success"], false);
    assert_eq!(body.text("error.code"), code, "{body}");
    assert!(!body.text("error.message").is_empty());
    assert!(body.path("error.details").is_array());
    assert!(!body.text("meta.requestId").is_empty());
}
