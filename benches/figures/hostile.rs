//! How soon a document that means harm is refused: the decision alone, before anything is validated or executed. Each is
//! as long as a document may be, 15,000 bytes.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use balance::graphql::message::GraphqlRequest;
use balance::graphql::request::Allowed;

use crate::place::{Place, World, number};
use crate::sample::percentile;

/// As long as a document may be.
const BYTES: usize = 15_000;

/// Measures in one world: no database is reached.
pub async fn measure(world: World) {
    let times = number("BENCH_ROUNDS", 200);
    let place = Place::make(world).await;
    let app = place.app().await;
    let pipeline = Arc::clone(&app.edge().pipeline);
    println!("\n## hostile: documents of {BYTES} bytes, {times} times each; wanted under 2 ms");
    println!("\n| document | decided | p50 ms | p99 ms |\n|---|---|---|---|");
    for (name, text) in documents() {
        let mut took = Vec::with_capacity(times);
        let mut said = String::new();
        for n in 0..times {
            // another text each time, or it would be known already
            let query = Some(format!("{text}#{n}"));
            let sent = GraphqlRequest {
                query,
                ..GraphqlRequest::default()
            };
            let started = Instant::now();
            let outcome = pipeline.prepare(sent, Allowed::POST);
            took.push(started.elapsed().as_secs_f64() * 1_000.0);
            said = match outcome {
                Ok(_) => "accepted".to_owned(),
                Err(refusal) => format!("{:?}", refusal.code),
            };
        }
        let (p50, p99) = (percentile(&took, 0.5), percentile(&took, 0.99));
        println!("| {name} | {said} | {p50:.3} | {p99:.3} |");
    }
    app.close().await;
    place.clear().await;
}

fn documents() -> Vec<(&'static str, String)> {
    vec![
        ("fragments that double, 2^26 fields", doubling()),
        ("as many fragments as fit, each spread twice", chain()),
        (
            "aliases of one field",
            repeat("{", |n| format!("a{n}:__typename "), "}"),
        ),
        (
            "directives on one field",
            repeat("{__typename", |n| format!("@a{n}"), "}"),
        ),
        ("one list in another", nested()),
        ("brackets in brackets", repeat("{", |_| "a{".to_owned(), "")),
        ("lists in a value", repeat("{a(b:", |_| "[".to_owned(), "")),
        (
            "one long string",
            repeat("{a(b:\"", |_| "x".to_owned(), "\")}"),
        ),
        (
            "commas and spaces",
            repeat("{", |_| ", ".to_owned(), "__typename}"),
        ),
    ]
}

fn repeat(open: &str, part: impl Fn(usize) -> String, close: &str) -> String {
    let mut text = open.to_owned();
    for n in 0.. {
        let part = part(n);
        if text.len() + part.len() + close.len() + 8 > BYTES {
            break;
        }
        text.push_str(&part);
    }
    text + close
}

fn doubling() -> String {
    let mut text = "query{...f0}".to_owned();
    for n in 0..26 {
        let next = n + 1;
        write!(text, "fragment f{n} on Query{{...f{next} ...f{next}}}").expect("text takes text");
    }
    text + "fragment f26 on Query{__typename}"
}

fn chain() -> String {
    let mut text = "query{...f0}".to_owned();
    let mut n = 0;
    while text.len() < BYTES - 100 {
        let next = n + 1;
        write!(text, "fragment f{n} on Query{{...f{next} ...f{next}}}").expect("text takes text");
        n = next;
    }
    write!(text, "fragment f{n} on Query{{__typename}}").expect("text takes text");
    text
}

fn nested() -> String {
    let mut text = String::from("{");
    for _ in 0..9 {
        text.push_str("records(first:100){edges{node{decisions{category{");
    }
    text.push_str("id");
    text.push_str(&"}".repeat(9 * 5 + 1));
    text
}
