//! The catalogues of attacks on GraphQL servers: each test of graphql-cop by its name, and what OWASP's GraphQL cheat
//! sheet warns of. Each is refused or bounded, and the server answers a plain question at once afterwards.

use std::fmt::Write;

use balance::config::Environment;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Path, Reply, Setup, TestApp};

/// What a refusal may never hold.
const LEAKS: [&str; 12] = [
    "panicked",
    "stack",
    "backtrace",
    ".rs:",
    "src/",
    "SELECT ",
    "sqlite",
    "postgres",
    "sqlx",
    "sea_orm",
    "/root",
    "Exception",
];

/// As a deployment is set up that strangers reach.
async fn deployed() -> TestApp {
    TestApp::start_with(Setup {
        adjust: |config| config.environment = Environment::Staging,
        ..Setup::default()
    })
    .await
}

/// The server is none the worse, and told nothing it should keep.
async fn unharmed(client: &Client, what: &str, reply: &Reply) {
    assert!(
        reply.status < 500,
        "{what}: {} {}",
        reply.status,
        reply.text()
    );
    for leak in LEAKS {
        assert!(
            !reply.text().contains(leak),
            "{what} tells {leak}: {}",
            reply.text()
        );
    }
    let plain = client.run("{ __typename }", json!({})).await;
    assert_eq!(plain.ok(), json!({ "__typename": "Query" }), "after {what}");
}

fn repeated(part: &str, times: usize) -> String {
    part.repeat(times)
}

#[tokio::test]
async fn graphql_cop_finds_nothing_in_a_document() {
    let app = deployed().await;
    let anybody = app.anybody();
    let mut aliases = String::new();
    (0..101).for_each(|n| write!(aliases, "alias{n}: __typename ").unwrap());
    let circular = |levels: usize| {
        let open = "fields { name type { ".repeat(levels);
        format!(
            "{{ __schema {{ types {{ {open} name {} }} }} }}",
            "} }".repeat(levels)
        )
    };
    let cases = [
        (
            "alias_overloading",
            format!(
                "query cop {{ system {{ {} }} }}",
                aliases.replace("__typename", "version")
            ),
            "aliases",
        ),
        (
            "directive_overloading",
            format!("query cop {{ __typename {} }}", repeated("@aa", 51)),
            "directives",
        ),
        (
            "field_duplication",
            format!("query cop {{ {} }}", repeated("__typename \n", 500)),
            "rootFields",
        ),
        (
            "field_duplication, deeper",
            format!("{{ viewer {{ user {{ {} }} }} }}", repeated("id ", 1_995)),
            "tokens",
        ),
        (
            "circular_query_introspection",
            circular(4),
            "introspectionLists",
        ),
    ];
    for (what, document, limit) in cases {
        let reply = anybody.graphql(&document, json!({})).await;
        let refused = Answer::of(&reply);
        let code = refused.error_code();
        assert!(
            code.starts_with("GRAPHQL_") || code == "COST_LIMIT",
            "{what}: {code}"
        );
        let told = refused.body.path("errors[0].extensions").get("limit");
        if let Some(told) = told {
            assert!(
                told == limit || limit == "introspectionLists",
                "{what}: {told}"
            );
        }
        assert!(
            refused.body.get("data").is_none_or(Value::is_null),
            "{what} was carried out"
        );
        unharmed(&anybody, what, &reply).await;
    }
    // one that is unknown is too many already
    for document in [
        "{ system { version @aa } }",
        "{ __typename @aa }",
        "{ ...T } fragment T on Query { system { __typename @skip(if: false) @skip(if: false) } }",
    ] {
        let unknown = anybody.run(document, json!({})).await;
        assert_eq!(
            unknown.error_code(),
            "GRAPHQL_VALIDATION_FAILED",
            "{document}"
        );
    }

    // field_suggestions
    let reply = anybody
        .graphql("query cop { __schema { directive } }", json!({}))
        .await;
    assert!(!reply.text().contains("Did you mean"), "{}", reply.text());
    unharmed(&anybody, "field_suggestions", &reply).await;
    // unhandled_error_detection
    let reply = anybody.graphql("qwerty cop { abc }", json!({})).await;
    assert_eq!(Answer::of(&reply).error_code(), "GRAPHQL_PARSE_FAILED");
    assert!(
        reply
            .json()
            .path("errors[0].extensions")
            .get("exception")
            .is_none()
    );
    unharmed(&anybody, "unhandled_error_detection", &reply).await;
    // trace_mode
    let reply = anybody.graphql("query cop { __typename }", json!({})).await;
    let extensions = reply.json()["extensions"].clone();
    assert!(extensions.get("tracing").is_none(), "{extensions}");
    app.finish().await;
}

#[tokio::test]
async fn graphql_cop_finds_nothing_in_the_transport() {
    let app = deployed().await;
    let anybody = app.anybody();
    let post = |media: &'static str, body: String| {
        let request = anybody.request(Method::POST, "/graphql");
        request.header("content-type", media).body(body)
    };
    let query = json!({ "query": "query cop { __typename }" });
    let batch = Value::from(vec![query.clone(); 10]).to_string();
    let form = "query=query%20cop%20%7B__typename%7D";
    let cases = [
        ("array_batching", post("application/json", batch), 400),
        (
            "get_based_mutation",
            anybody.request(
                Method::GET,
                "/graphql?query=mutation%20cop%20%7B__typename%7D",
            ),
            405,
        ),
        (
            "post_based_csrf",
            post("application/x-www-form-urlencoded", form.to_owned()),
            415,
        ),
        (
            "post_based_csrf, as text",
            post("text/plain", query.to_string()),
            415,
        ),
        (
            "post_based_csrf, by multipart",
            post("multipart/form-data; boundary=x", query.to_string()),
            415,
        ),
        (
            "operations in a multipart form",
            post("multipart/form-data", form.to_owned()),
            415,
        ),
    ];
    for (what, request, status) in cases {
        let reply = anybody.send(request).await;
        assert_eq!(reply.status, status, "{what}: {}", reply.text());
        assert!(
            reply.json().get("data").is_none_or(Value::is_null),
            "{what} was carried out"
        );
        unharmed(&anybody, what, &reply).await;
    }
    // graphiql: outside development there is none
    for path in [
        "/graphiql",
        "/",
        "/graphiql/session",
        "/playground",
        "/console",
        "/altair",
        "/voyager",
    ] {
        let reply = anybody.get(path).await;
        assert_eq!(reply.status, 404, "{path}");
        unharmed(&anybody, path, &reply).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn what_owasp_warns_of_is_bounded() {
    let app = deployed().await;
    let owner = app.tenant("acme").await.owner();
    let deep = |levels: usize| {
        let down = "category { parent { ".repeat(levels);
        format!(
            "{{ records(first: 1) {{ edges {{ node {{ {down} id {} }} }} }} }}",
            "} }".repeat(levels)
        )
    };
    let sizes = "{ records(first: 100) { edges { node { account { records(first: 100) { edges { node { account { records(first: 100) { edges { node { id } } } } } } } } } } } }";
    let cases = [
        ("depth", deep(6), json!({}), "GRAPHQL_VALIDATION_FAILED"),
        (
            "amount",
            "{ records(first: 99999) { edges { node { id } } } }".to_owned(),
            json!({}),
            "",
        ),
        (
            "amount below nothing",
            "{ records(first: -1) { edges { node { id } } } }".to_owned(),
            json!({}),
            "",
        ),
        (
            "no amount",
            "{ records { edges { node { id } } } }".to_owned(),
            json!({}),
            "",
        ),
        ("amount of amounts", sizes.to_owned(), json!({}), ""),
        (
            "ids without end",
            "query($ids: [ID!]!) { nodes(ids: $ids) { id } }".to_owned(),
            json!({ "ids": vec!["x"; 5_000] }),
            "",
        ),
        (
            "a number that is none",
            "query($n: Int!) { records(first: $n) { edges { node { id } } } }".to_owned(),
            json!({ "n": 1e300 }),
            "",
        ),
        (
            "an object for a text",
            "query($id: ID!) { record(id: $id) { id } }".to_owned(),
            json!({ "id": { "$ne": null } }),
            "",
        ),
        (
            "nesting in a variable",
            "query($id: ID!) { record(id: $id) { id } }".to_owned(),
            json!({ "id": nested(200) }),
            "",
        ),
    ];
    for (what, document, variables, code) in cases {
        let reply = owner.graphql(&document, variables).await;
        let refused = Answer::of(&reply);
        assert!(
            code.is_empty() || refused.error_code() == code,
            "{what}: {}",
            refused.body
        );
        assert!(
            refused.body.list("errors")[0].path("extensions.code") != "INTERNAL",
            "{what}: {}",
            refused.body
        );
        unharmed(&owner, what, &reply).await;
    }
    // injection: what is typed is data, and finds nothing
    for typed in [
        "' OR '1'='1",
        "\"; DROP TABLE record; --",
        "%",
        "_",
        "\\",
        "${jndi:ldap://x}",
        "<script>",
        "\u{0}",
        "{{7*7}}",
        "../../etc/passwd",
    ] {
        let search = "query($text: String!) { records(first: 5, filter: { text: $text }) { edges { node { id } } } }";
        let reply = owner.graphql(search, json!({ "text": typed })).await;
        let code = reply.json().pointer("/errors/0/extensions/code").cloned();
        assert_ne!(code, Some(json!("INTERNAL")), "{typed}");
        unharmed(&owner, typed, &reply).await;
        let reply = owner
            .graphql(
                "query($id: ID!) { record(id: $id) { id } }",
                json!({ "id": typed }),
            )
            .await;
        assert_ne!(
            reply.json().pointer("/errors/0/extensions/code"),
            Some(&json!("INTERNAL")),
            "{typed}"
        );
        unharmed(&owner, typed, &reply).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn guessing_in_one_document_counts_like_guessing_in_many() {
    let app = deployed().await;
    app.tenant("acme").await;
    let mut guesses = String::new();
    for n in 0..12 {
        write!(
            guesses,
            "g{n}: signIn(input: {{ email: \"owner@acme.example\", password: \"guess {n}\" }}) {{ session {{ accessToken }} errors {{ code }} }} "
        )
        .unwrap();
    }
    let reply = app
        .anybody()
        .graphql(&format!("mutation {{ {guesses} }}"), json!({}))
        .await;
    assert!(reply.text().contains("RATE_LIMITED"), "{}", reply.text());
    assert!(
        !reply.text().contains("\"accessToken\":\""),
        "{}",
        reply.text()
    );
    unharmed(&app.anybody(), "guessing", &reply).await;
    app.finish().await;
}

#[tokio::test]
async fn a_socket_bears_whatever_it_is_sent() {
    let app = deployed().await;
    let owner = app.tenant("acme").await.owner();
    let hello = json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {}", owner.token.as_deref().unwrap()) } }).to_string();
    let subscribe =
        |payload: Value| json!({ "id": "a", "type": "subscribe", "payload": payload }).to_string();
    let closed = [
        ("an empty frame", String::new()),
        ("no object", "[1, 2]".to_owned()),
        ("null", "null".to_owned()),
        ("a type that is no text", json!({ "type": 7 }).to_string()),
        (
            "an unknown type",
            json!({ "type": "connection_terminate" }).to_string(),
        ),
        (
            "subscribe without id",
            json!({ "type": "subscribe", "payload": {} }).to_string(),
        ),
        (
            "an id that is no text",
            json!({ "type": "subscribe", "id": {}, "payload": {} }).to_string(),
        ),
        ("brackets without end", "[".repeat(100_000)),
        ("nesting in a payload", subscribe(nested(200))),
    ];
    for (what, frame) in closed {
        let mut socket = app.anybody().bare_socket().await;
        socket.send_text(&hello).await;
        assert_eq!(socket.next().await["type"], "connection_ack");
        socket.send_text(&frame).await;
        let (code, reason) = socket.closed().await;
        assert!((4400..4500).contains(&code), "{what}: {code} {reason}");
        assert!(
            reason.len() < 123 && !LEAKS.iter().any(|leak| reason.contains(leak)),
            "{what}: {reason}"
        );
    }
    // a frame that is too long, and bytes that are no text: the socket ends, the server does not
    for frame in [vec![b'x'; 2 << 20], vec![0xff, 0xfe, 0x00]] {
        let mut socket = app.anybody().bare_socket().await;
        socket.send_text(&hello).await;
        socket.next().await;
        socket.send_bytes(frame).await;
        assert!(socket.ends().await, "it goes on");
    }
    let mut socket = owner.socket().await;
    for payload in [
        json!({}),
        json!("{"),
        json!({ "query": 7 }),
        json!({ "query": "{", "variables": [] }),
        json!({ "query": "{ __typename }", "variables": { "x": nested(60) } }),
    ] {
        socket.send_text(&subscribe(payload)).await;
        let answer = socket.next().await;
        assert!(
            ["error", "next"].contains(&answer.text("type").as_str()),
            "{answer}"
        );
        if answer["type"] == "next" {
            assert_eq!(socket.next().await["type"], "complete");
        }
    }
    let plain = owner.run("{ __typename }", json!({})).await;
    assert_eq!(plain.ok(), json!({ "__typename": "Query" }));
    app.finish().await;
}

/// Lists within lists.
fn nested(levels: usize) -> Value {
    (0..levels).fold(json!("x"), |inner, _| json!([inner]))
}
