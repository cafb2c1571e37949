//! A list of 50 records with account, category and decision, as the product answers it and as two statements and a
//! serializer do. Processor time is the server's own, database excluded on PostgreSQL and included on SQLite.

use std::sync::Arc;
use std::time::{Duration, Instant};

use balance::worker;
use serde_json::{Value, json};

use crate::books::{self, Books};
use crate::child::Server;
use crate::place::{Place, World, number};
use crate::sample::{cpu_us, median};

/// Connections that ask at once.
const CONNECTIONS: usize = 32;
const LIST: &str = "query List { records(first: 50) { edges { node {
    id status occurredOn amount { amount currency } description merchant
    account { id name } category { id code name } decision { id source confidence rationale }
} } } }";
const TRIVIAL: &str = "{ __typename }";

/// Measures one database.
pub async fn measure(world: World) {
    let (requests, rounds) = (number("BENCH_REQUESTS", 1_500), number("BENCH_ROUNDS", 3));
    let place = Place::make(world).await;
    println!(
        "\n## reads, {}: 50 records with 3 relations, {CONNECTIONS} connections, {rounds} rounds of {requests}",
        world.name()
    );
    let app = place.app().await;
    let books = Books::open(&app, "acme").await;
    books.remember(&app).await;
    books
        .bring(
            (0..1_000)
                .map(|n| books::row(&books::known(n * 13, 1), n))
                .collect(),
        )
        .await;
    worker::drain(&app).await.expect("they are decided");
    app.close().await;
    place.analyze().await;

    let mut product = Server::product(&place, "api").await;
    let floor = Server::floor(&place, &books.ctx.tenant().to_string()).await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client is made");
    let graphql = |document: &str| {
        let request = client.post(format!("http://{}/graphql", product.address));
        request
            .bearer_auth(&books.token)
            .json(&json!({ "query": document }))
    };
    let (list, trivial) = (graphql(LIST), graphql(TRIVIAL));
    let least = client.get(format!(
        "http://{}/records/{}",
        floor.address,
        books.ctx.tenant()
    ));
    same(&list, &least).await;

    let (mut ours, mut theirs, mut small, mut ratios) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut statements = 0.0;
    println!(
        "\n| round | product us | floor us | ratio | `{{ __typename }}` us | product req/s | floor req/s |"
    );
    println!("|---|---|---|---|---|---|---|");
    for round in 0..=rounds {
        let before = product.statements().await;
        let (us, rate) = load(&list, product.pid(), requests).await;
        statements = (product.statements().await - before) as f64 / requests as f64;
        let (floor_us, floor_rate) = load(&least, floor.pid(), requests).await;
        let (trivial_us, _) = load(&trivial, product.pid(), requests).await;
        if round == 0 {
            continue; // warm-up
        }
        let ratio = us / floor_us;
        println!(
            "| {round} | {us:.0} | {floor_us:.0} | {ratio:.2} | {trivial_us:.0} | {rate:.0} | {floor_rate:.0} |"
        );
        ours.push(us);
        theirs.push(floor_us);
        small.push(trivial_us);
        ratios.push(ratio);
    }
    println!(
        "\nmedian: {:.0} us against {:.0} us, ratio {:.2}; signed-in `{{ __typename }}` {:.0} us; \
         {statements:.2} statements a request",
        median(&ours),
        median(&theirs),
        median(&ratios),
        median(&small)
    );
    product.stop().await;
    floor.stop().await;
    place.clear().await;
}

/// Both answer the same records, or the comparison means nothing.
async fn same(list: &reqwest::RequestBuilder, least: &reqwest::RequestBuilder) {
    let ours: Value = body(list).await;
    let theirs: Value = body(least).await;
    let edges = ours["data"]["records"]["edges"].as_array().cloned();
    let edges = edges.unwrap_or_else(|| panic!("the product answers a list: {ours}"));
    let plain: Vec<&Value> = edges
        .iter()
        .map(|edge| &edge["node"]["description"])
        .collect();
    let other = theirs["data"]["records"]["edges"].as_array().cloned();
    let other = other.unwrap_or_else(|| panic!("the floor answers a list: {theirs}"));
    let other: Vec<&Value> = other
        .iter()
        .map(|edge| &edge["node"]["description"])
        .collect();
    assert_eq!(plain.len(), 50, "a page is full");
    assert_eq!(plain, other, "both answer the same records");
    println!(
        "bytes: {} by the product, {} by the floor",
        ours.to_string().len(),
        theirs.to_string().len()
    );
}

async fn body(request: &reqwest::RequestBuilder) -> Value {
    let request = request.try_clone().expect("the body is text");
    let answer = request.send().await.expect("the server answers");
    answer.json().await.expect("it answers JSON")
}

/// Sends a request many times over many connections; processor time of the server for each, and requests a second.
pub async fn load(request: &reqwest::RequestBuilder, pid: u32, requests: usize) -> (f64, f64) {
    let left = Arc::new(std::sync::atomic::AtomicUsize::new(requests));
    let (cpu, started) = (cpu_us(pid), Instant::now());
    let senders = (0..CONNECTIONS).map(|_| {
        let request = request.try_clone().expect("the body is text");
        let left = Arc::clone(&left);
        tokio::spawn(async move {
            let one_more = |n: usize| n.checked_sub(1);
            use std::sync::atomic::Ordering::Relaxed;
            while left.fetch_update(Relaxed, Relaxed, one_more).is_ok() {
                let again = request.try_clone().expect("the body is text");
                let answer = again.send().await.expect("the server answers");
                assert_eq!(answer.status(), 200);
                answer.bytes().await.expect("the answer is complete");
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.expect("every request is answered");
    }
    let took = started.elapsed();
    // the last of its work is after the last answer
    tokio::time::sleep(Duration::from_millis(50)).await;
    let each = (cpu_us(pid) - cpu) / requests as f64;
    (each, requests as f64 / took.as_secs_f64())
}
