//! What GraphQL itself costs: a question that reads nothing, as text and as a registered document, beside a handler that
//! answers the same JSON behind the same layers and sign-in. The layers of the floor are measured one by one.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use balance::app::App;
use balance::clock::Clock;
use balance::config::Config;
use balance::db::Operation;
use balance::http::caller::Caller;
use balance::http::{self, Edge};
use balance::throttle::Entrance;
use balance::{run, telemetry};
use serde_json::{Value, json};

use crate::books::Books;
use crate::child::{self, Server};
use crate::place::{Place, World, number};
use crate::reads::load;
use crate::sample::median;

const TRIVIAL: &str = "query Trivial { __typename }";
const CLIENT: &str = "bench";
/// The handler that GraphQL is measured against: behind everything that a GraphQL request is behind.
const FLOOR: usize = 3;

/// Measures in one world: nothing here reaches a database once the caller is known.
pub async fn measure(world: World) {
    let (requests, rounds) = (number("BENCH_REQUESTS", 10_000), number("BENCH_ROUNDS", 5));
    let place = Place::make(world).await;
    println!("\n## trivial: 32 connections, {rounds} rounds of {requests}");
    let app = place.app().await;
    let books = Books::open(&app, "acme").await;
    app.close().await;

    let product = Server::product(&place, "api").await;
    let plain = Server::plain(&place).await;
    let client = reqwest::Client::builder().no_proxy().build();
    let client = client.expect("a client is made");
    let graphql = |body: Value| {
        let request = client.post(format!("http://{}/graphql", product.address));
        let request = request.header("graphql-client-name", CLIENT);
        request.bearer_auth(&books.token).json(&body)
    };
    let id = register(&graphql).await;
    let floor = |path: &str| {
        let request = client.post(format!("http://{}/{path}", plain.address));
        let request = request.header("graphql-client-name", CLIENT);
        request
            .bearer_auth(&books.token)
            .json(&json!({ "query": TRIVIAL }))
    };
    let asked = [
        ("a handler alone", floor("alone"), plain.pid()),
        ("… behind the layers", floor("layered"), plain.pid()),
        ("… and the sign-in", floor("signed-in"), plain.pid()),
        (
            "… a deadline and a turn: the floor",
            floor("in-turn"),
            plain.pid(),
        ),
        (
            "as text",
            graphql(json!({ "query": TRIVIAL })),
            product.pid(),
        ),
        (
            "registered",
            graphql(json!({ "documentId": id })),
            product.pid(),
        ),
    ];
    let mut took: Vec<Vec<f64>> = vec![Vec::new(); asked.len()];
    for round in 0..=rounds {
        for ((_, request, pid), took) in asked.iter().zip(&mut took) {
            let (us, _) = load(request, *pid, requests).await;
            if round > 0 {
                took.push(us);
            }
        }
    }
    println!("\n| | processor time, us | of the floor |\n|---|---|---|");
    for ((name, ..), own) in asked.iter().zip(&took) {
        let ratios: Vec<f64> = own
            .iter()
            .zip(&took[FLOOR])
            .map(|(own, floor)| own / floor)
            .collect();
        println!("| {name} | {:.1} | {:.2} |", median(own), median(&ratios));
    }
    product.stop().await;
    plain.stop().await;
    place.clear().await;
}

/// Makes an app known and registers the question; its id.
async fn register(graphql: &impl Fn(Value) -> reqwest::RequestBuilder) -> String {
    let run = async |query: &str, variables: Value| -> Value {
        let sent = graphql(json!({ "query": query, "variables": variables })).send();
        let answer = sent
            .await
            .expect("the server answers")
            .json::<Value>()
            .await;
        let answer = answer.expect("it answers JSON");
        assert!(answer.get("errors").is_none(), "{answer:#}");
        answer["data"].clone()
    };
    let made = run(
        "mutation($name: String!) { createGraphqlClient(input: { name: $name }) { graphqlClient { id } errors { message } } }",
        json!({ "name": CLIENT }),
    );
    let app = made.await["createGraphqlClient"]["graphqlClient"]["id"].clone();
    let registered = run(
        "mutation($input: RegisterDocumentsInput!) { registerDocuments(input: $input) { errors { message } } }",
        json!({ "input": { "graphqlClientId": app, "documents": [{ "text": TRIVIAL, "id": "trivial" }] } }),
    )
    .await;
    assert_eq!(registered["registerDocuments"]["errors"], json!([]));
    // what was registered counts a second later at the latest
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    "trivial".to_owned()
}

/// Serves the floor: the same answer by handlers with more and more around them.
pub async fn serve_plain() {
    let config = Config::development();
    drop(telemetry::start(&config));
    let app = App::connect(config, Clock::system()).await;
    let app = app.expect("the stores are there");
    let listener = run::listen(&app.handles.config).await;
    let listener = listener.expect("a port is free");
    println!("{}", listener.local_addr().expect("it is bound"));
    let edge = app.edge();
    let alone = Router::new().route("/alone", post(alone));
    let layered = Router::new()
        .route("/layered", post(self::alone))
        .route("/signed-in", post(signed_in))
        .route("/in-turn", post(in_turn));
    let router = http::layered(layered, edge).merge(alone);
    let patience = Duration::from_secs(30);
    child::end_with_parent();
    let served = http::listener::serve(listener, router, patience, app.stopping.clone());
    served.await.expect("it serves");
}

async fn alone(body: Bytes) -> Response {
    let sent: Value = serde_json::from_slice(&body).expect("the body is JSON");
    assert!(sent["query"].is_string());
    Json(json!({ "data": { "__typename": "Query" } })).into_response()
}

/// What every operation is given: a time by which it ends, and its turn among those that run.
async fn in_turn(State(edge): State<Edge>, caller: Caller, body: Bytes) -> Response {
    let handles = Arc::clone(&edge.handles);
    let rates = &handles.config.rates;
    let within = Duration::from_millis(rates.operation_timeout_ms);
    let work = async {
        let entrance = handles.kept.of::<Entrance>();
        let _turn = entrance.enter(rates).await.expect("few wait");
        signed_in(State(edge), caller, body).await
    };
    let done = Operation::scope(&handles.db, within, work).await;
    done.expect("it is done in time")
}

async fn signed_in(State(_): State<Edge>, caller: Caller, body: Bytes) -> Response {
    let ctx = caller.ctx().await.expect("the token is good");
    assert!(ctx.is_some());
    alone(body).await
}
