//! Documents known before they are sent: validated once, kept by their hash, registered by their client.

use std::sync::Arc;

use async_graphql::{Executor, Schema, Variables};
use balance::ctx::{Actor, Ctx};
use balance::graphql::limits::Limits;
use balance::graphql::loader::loader;
use balance::graphql::message::GraphqlRequest;
use balance::graphql::request::{Allowed, Pipeline};
use balance::graphql::schema::{Mutation, Query, Subscription};
use balance::graphql::status::to_json;
use balance::permission::Permissions;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::imports::account;
use crate::plain::selection;
use crate::support::{Answer, Client, Path, Reply, TestApp};

/// What a pipeline answers the owner of a tenant, as bytes.
async fn answer<E: Executor>(pipeline: &Pipeline<E>, ctx: &Ctx, text: &str) -> String {
    let sent = GraphqlRequest {
        query: Some(text.to_owned()),
        variables: Variables::from_json(json!({ "yes": true, "size": 3 })),
        ..GraphqlRequest::default()
    };
    let mut prepared = match pipeline.prepare(sent, Allowed::POST) {
        Ok(prepared) => prepared,
        Err(refusal) => return refusal.to_string(),
    };
    let ctx = Arc::new(ctx.again());
    prepared.request = prepared.request.data(Arc::clone(&ctx)).data(loader(&ctx));
    let response = pipeline.execute(prepared, "req-1").await;
    ctx.refresh().await;
    String::from_utf8(to_json(&response).unwrap()).unwrap()
}

#[tokio::test]
async fn a_document_that_passed_is_answered_as_if_it_were_validated_each_time() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let account = account(&owner, "Main").await;
    owner.import_rows(&account, 0..7).await;
    app.run_background_work().await;

    let inside = app.app();
    let strict = Schema::build(
        Query::default(),
        Mutation::default(),
        Subscription::default(),
    )
    .data(Arc::clone(&inside.handles))
    .data(inside.tails.clone())
    .finish();
    let sdl = strict.sdl();
    let strict = Pipeline::new(strict, &sdl, Limits::default())
        .unwrap()
        .with_suggestions(true);
    let fast = std::sync::Arc::clone(&inside.edge().pipeline);
    let user = Actor::User(inside_user(&owner).await);
    let ctx = Ctx::new(
        Arc::clone(&inside.handles),
        user,
        tenant.local_id(),
        Permissions::all(),
    );

    let mut random = StdRng::seed_from_u64(16);
    let mut refused = 0;
    for round in 0..80 {
        let (list, kind) = [("records", "Record"), ("approvals", "Approval")][round % 2];
        let mut inside = selection(kind, 2, &mut random);
        // what is wrong with a document is told the second time as the first
        match random.random_range(0..8) {
            0 => inside += " nothingLikeThat",
            1 => inside += " id(of: 1)",
            2 => inside += " ... on Money { amount }",
            3 => inside += " ...Nowhere",
            4 => inside += " id @skip(if: \"no\")",
            5 => inside += " id @include(if: $size)",
            _ => {}
        }
        let text = format!(
            "query($yes: Boolean = false, $size: Int!) {{ {list}(first: $size) {{ edges {{ node {{ {inside} }} }} totalCount @skip(if: $yes) }} }}"
        );
        let expected = answer(&strict, &ctx, &text).await;
        refused += usize::from(!expected.starts_with("{\"data\""));
        for time in ["first", "second", "third"] {
            let told = answer(fast.as_ref(), &ctx, &text).await;
            assert_eq!(told, expected, "the {time} time: {text}");
        }
    }
    assert!((20..70).contains(&refused), "{refused} were refused");
    app.finish().await;
}

async fn inside_user(owner: &Client) -> entity::UserId {
    let viewer = owner
        .run("{ viewer { user { id } } }", json!({}))
        .await
        .ok();
    let id = viewer.text("viewer.user.id").into();
    balance::graphql::node::local("User", "id", &id).unwrap()
}

#[tokio::test]
async fn a_socket_is_told_what_is_wrong_with_a_document_each_time() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let mut socket = owner.socket().await;
    for id in ["1", "2"] {
        let payload = json!({ "query": "subscription { eventFeed { nothingLikeThat } }" });
        let ask = json!({ "id": id, "type": "subscribe", "payload": payload });
        socket.send(&ask).await;
        let told = socket.next().await;
        assert_eq!(told["type"], "error", "{told}");
        assert_eq!(
            told.text("payload[0].extensions.code"),
            "GRAPHQL_VALIDATION_FAILED"
        );
    }
    app.finish().await;
}

pub const CREATE: &str = "mutation($input: CreateGraphqlClientInput!) {
    createGraphqlClient(input: $input) { graphqlClient { id name mode } errors { field message code } }
}";
pub const UPDATE: &str = "mutation($input: UpdateGraphqlClientInput!) {
    updateGraphqlClient(input: $input) { graphqlClient { id name mode cacheSeconds } errors { field message code } }
}";
pub const REGISTER: &str = "mutation($input: RegisterDocumentsInput!) {
    registerDocuments(input: $input) {
        results { status documentId graphqlDocumentId cost errors { message } } errors { field message code }
    }
}";
pub const CODES: &str = "query Codes { categories { code } }";
pub const RULES: &str = "query Rules { rules { id } }";

pub fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn document_id(text: &str) -> String {
    format!("sha256:{}", sha256(text))
}

pub fn persisted(text: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": sha256(text) } })
}

/// A client of this name that may send what `mode` says; its id.
pub async fn client(owner: &Client, name: &str, mode: &str) -> String {
    let input = json!({ "name": name, "mode": mode });
    let made = owner.run(CREATE, json!({ "input": input })).await.ok();
    made.text("createGraphqlClient.graphqlClient.id")
}

pub async fn register(owner: &Client, client: &str, texts: &[&str]) -> Value {
    let documents: Vec<_> = texts.iter().map(|text| json!({ "text": text })).collect();
    let input = json!({ "graphqlClientId": client, "documents": documents });
    let answer = owner.run(REGISTER, json!({ "input": input })).await;
    answer.body["data"]["registerDocuments"].clone()
}

/// Sends a body as the app of this name.
pub async fn send(from: &Client, app: Option<&str>, body: &Value) -> Reply {
    let request = from.request(Method::POST, "/graphql").json(body);
    let request = match app {
        Some(app) => request.header("graphql-client-name", app),
        None => request,
    };
    from.send(request).await
}

pub async fn code(from: &Client, app: Option<&str>, body: &Value) -> String {
    let answer = Answer::of(&send(from, app, body).await);
    match answer.body.get("errors") {
        None => "data".to_owned(),
        Some(_) => answer.error_code(),
    }
}

/// Sends parameters by GET as the app of this name.
pub async fn get(from: &Client, app: &str, parameters: &[(&str, &str)]) -> Reply {
    let request = from.request(Method::GET, "/graphql").query(parameters);
    from.send(request.header("apollographql-client-name", app))
        .await
}

#[tokio::test]
async fn a_document_is_sent_once_and_named_from_then_on() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let (owner, nobody) = (tenant.owner(), app.anybody());
    let by_hash = json!({ "extensions": persisted(CODES) });
    let missed = send(&owner, None, &by_hash).await;
    assert_eq!(missed.status, 200, "under application/json");
    let missed = missed.json();
    assert_eq!(missed.text("errors[0].message"), "PersistedQueryNotFound");
    assert_eq!(
        missed.text("errors[0].extensions.code"),
        "PERSISTED_QUERY_NOT_FOUND"
    );
    let request = owner.request(Method::POST, "/graphql").json(&by_hash);
    let request = request.header("accept", "application/graphql-response+json");
    assert_eq!(owner.send(request).await.status, 400);

    let both = json!({ "query": CODES, "extensions": persisted(CODES) });
    assert_eq!(code(&owner, None, &both).await, "data");
    let first = Answer::of(&send(&owner, None, &by_hash).await).ok();
    assert!(!first.list("categories").is_empty());
    let extensions = persisted(CODES).to_string();
    let got = get(&owner, "none", &[("extensions", &extensions)]).await;
    assert_eq!(got.json()["data"], first);
    let mut socket = owner.socket().await;
    let ask = json!({ "id": "1", "type": "subscribe", "payload": by_hash });
    socket.send(&ask).await;
    assert_eq!(socket.next().await["payload"]["data"], first);

    // nobody else is served from it
    let strangers = app.tenant("globex").await.owner();
    assert_eq!(
        code(&strangers, None, &by_hash).await,
        "PERSISTED_QUERY_NOT_FOUND"
    );
    assert_eq!(
        code(&nobody, None, &by_hash).await,
        "PERSISTED_QUERY_NOT_FOUND"
    );
    client(&owner, "web", "PERMISSIVE").await;
    assert_eq!(
        code(&owner, Some("web"), &by_hash).await,
        "PERSISTED_QUERY_NOT_FOUND"
    );
    // it is no documentId: those are registered
    let named = json!({ "documentId": document_id(CODES) });
    assert_eq!(
        code(&owner, None, &named).await,
        "PERSISTED_QUERY_NOT_FOUND"
    );

    for wrong in [
        json!({ "query": RULES, "extensions": persisted(CODES) }),
        json!({ "extensions": { "persistedQuery": { "version": 2, "sha256Hash": sha256(CODES) } } }),
        json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "no" } } }),
        json!({ "query": CODES, "documentId": document_id(CODES) }),
        json!({ "documentId": "md5:abc" }),
    ] {
        assert_eq!(code(&owner, None, &wrong).await, "BAD_REQUEST", "{wrong}");
    }
    // what is refused as text is refused by its hash
    let broken = "{ nothingLikeThat }";
    let both = json!({ "query": broken, "extensions": persisted(broken) });
    for body in [both, json!({ "extensions": persisted(broken) })] {
        assert_eq!(code(&owner, None, &body).await, "GRAPHQL_VALIDATION_FAILED");
    }
    app.finish().await;
}

#[tokio::test]
async fn an_answer_to_a_get_may_be_kept_as_long_as_its_client_says() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let id = client(&owner, "web", "PERMISSIVE").await;
    let touch = "mutation Touch { signOutEverywhere(input: {}) { errors { message } } }";
    let open = "query Open { system { version } }";
    register(&owner, &id, &[CODES, open]).await;
    let cache = async |text: &str| {
        let id = document_id(text);
        let reply = get(&owner, "web", &[("documentId", &id)]).await;
        (
            reply.header("cache-control").to_owned(),
            reply.header("vary").to_owned(),
        )
    };
    let (kept, vary) = cache(CODES).await;
    assert_eq!(kept, "private, no-cache");
    assert!(vary.contains("authorization"), "{vary}");
    let input = json!({ "graphqlClientId": id, "cacheSeconds": 60 });
    owner.run(UPDATE, json!({ "input": input })).await.ok();
    assert_eq!(cache(CODES).await.0, "private, max-age=60");
    assert_eq!(cache(open).await.0, "public, max-age=10");
    let shared = get(&owner, "web", &[("documentId", &document_id(open))]).await;
    assert_eq!(
        shared.json().get("extensions"),
        None,
        "others may be given it: it tells nothing of whoever asked"
    );
    let mixed = "query Mixed { system { version } categories { code } }";
    register(&owner, &id, &[mixed]).await;
    assert_eq!(cache(mixed).await.0, "private, max-age=60");
    assert_eq!(cache(touch).await.0, "no-store", "it is not registered");
    // text, and a POST, are kept by nobody
    let text = get(&owner, "web", &[("query", CODES)]).await;
    assert_eq!(text.header("cache-control"), "no-store");
    let post = send(
        &owner,
        Some("web"),
        &json!({ "documentId": document_id(CODES) }),
    )
    .await;
    assert_eq!(post.header("cache-control"), "no-store");
    app.finish().await;
}

#[tokio::test]
async fn deprecated_members_are_told_and_counted() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    client(&owner, "web", "PERMISSIVE").await;
    let old = "query Old { records(first: 1) { edges { node { decision { categoryId } } } } }";
    for (name, times) in [(Some("web"), 2), (None, 1)] {
        for _ in 0..times {
            let told = send(&owner, name, &json!({ "query": old })).await;
            assert_eq!(told.header("x-deprecated-members"), "Decision.categoryId");
            assert_eq!(told.header("deprecation"), "@1795219200");
            assert_eq!(told.header("sunset"), "Wed, 30 Jun 2027 23:59:59 GMT");
        }
    }
    let current = send(&owner, None, &json!({ "query": CODES })).await;
    assert_eq!(current.header("deprecation"), "");
    // whoever would take a stream too has asked once, and is told the same
    let either = owner
        .request(Method::POST, "/graphql")
        .header("accept", "text/event-stream, application/json")
        .header("graphql-client-name", "web")
        .json(&json!({ "query": old }));
    let either = owner.send(either).await;
    assert_eq!(
        either.header("content-type"),
        "application/json; charset=utf-8"
    );
    assert_eq!(either.header("x-deprecated-members"), "Decision.categoryId");
    // a stream is told before its first answer
    let follow = "subscription { recordProcessed { record { decision { categoryId } } } }";
    let stream = owner
        .request(Method::POST, "/graphql")
        .header("accept", "text/event-stream")
        .json(&json!({ "query": follow }));
    let stream = stream.send().await.unwrap();
    assert_eq!(
        stream.headers()["x-deprecated-members"],
        "Decision.categoryId"
    );
    assert_eq!(stream.headers()["deprecation"], "@1795219200");
    drop(stream);

    balance::clients::write(&app.app().handles).await.unwrap();
    let usage = "{ deprecatedUsage(first: 10) { totalCount edges { node { member clientName graphqlClientId useCount } } } }";
    let told = owner.run(usage, json!({})).await.ok();
    let counted: Vec<_> = told
        .list("deprecatedUsage.edges")
        .iter()
        .map(|edge| {
            assert_eq!(edge.text("node.member"), "Decision.categoryId");
            (
                edge.path("node.clientName").clone(),
                edge.path("node.useCount").clone(),
            )
        })
        .collect();
    assert_eq!(counted, [(Value::Null, json!(2)), (json!("web"), json!(3))]);
    app.finish().await;
}
