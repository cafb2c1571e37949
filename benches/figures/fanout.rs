//! One event to everybody: how long until each of 10,000 subscriptions has it, and what the server holds for them.
//!
//! The server is a process of its own; this one is all its clients, on the same cores.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::books::Books;
use crate::place::{Place, World, number};
use crate::released::Released;
use crate::sample::{percentile, rss_kib};

/// The event alone, and the event with a record read for each subscriber.
const SHAPES: [(&str, &str); 2] = [
    (
        "event",
        "subscription { eventFeed(kinds: [\"INGESTED\"]) { cursor event { sequence kind payload } } }",
    ),
    (
        "record",
        "subscription { recordProcessed { cursor source record { id status description } } }",
    ),
];
const ACCOUNT: &str =
    "mutation { createAccount(input: { name: \"Main\", currency: \"EUR\" }) { account { id } } }";
const IMPORT: &str =
    "mutation($input: ImportRecordsInput!) { importRecords(input: $input) { errors { message } } }";
/// Sockets that are opened at once.
const AT_ONCE: usize = 100;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Measures one database.
pub async fn measure(world: World) {
    let subscriptions = number("BENCH_SUBSCRIPTIONS", 10_000);
    let events = number("BENCH_EVENTS", 10);
    println!(
        "\n## fanout, {}: {events} events in turn to {subscriptions} subscriptions",
        world.name()
    );
    println!(
        "\n| subscriptions | idle MiB | open MiB | after MiB | p50 ms | p99 ms | longest ms |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (shape, document) in SHAPES {
        for each in [50, 1] {
            let row = fan_out(world, document, subscriptions, each, events).await;
            println!("| {shape}, {each} on a socket | {row} |");
        }
    }
}

async fn fan_out(
    world: World,
    document: &str,
    subscriptions: usize,
    each: usize,
    events: usize,
) -> String {
    let place = Place::make(world).await;
    let app = place.app().await;
    let books = Books::open(&app, "acme").await;
    app.close().await;
    let server = Released::start(&place).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let idle = rss_kib(server.pid);

    let (told, mut heard) = mpsc::unbounded_channel();
    let (started, published) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let mut clients = Vec::new();
    let sockets = subscriptions / each;
    for first in (0..sockets).step_by(AT_ONCE) {
        let opening = (first..sockets.min(first + AT_ONCE))
            .map(|_| open(&server.address, &books.token, document, each));
        for (sink, stream) in futures::future::join_all(opening).await {
            let (told, published) = (told.clone(), Arc::clone(&published));
            clients.push(tokio::spawn(listen(sink, stream, started, published, told)));
        }
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let open = rss_kib(server.pid);

    let publisher = Publisher::new(&server.address, &books.token).await;
    let mut took = Vec::with_capacity(events * subscriptions);
    for number in 0..=events {
        let now = started.elapsed().as_nanos() as u64;
        published.store(now, Ordering::SeqCst);
        publisher.publish(number).await;
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        for _ in 0..sockets * each {
            let heard = tokio::time::timeout_at(deadline, heard.recv()).await;
            let late: f64 = heard.expect("everybody hears it").expect("they listen");
            // the first event warms up
            if number > 0 {
                took.push(late);
            }
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let after = rss_kib(server.pid);
    clients.iter().for_each(tokio::task::JoinHandle::abort);
    server.stop().await;
    place.clear().await;
    format!(
        "{:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0}",
        idle / 1_024.0,
        open / 1_024.0,
        after / 1_024.0,
        percentile(&took, 0.5),
        percentile(&took, 0.99),
        percentile(&took, 1.0),
    )
}

/// Opens a socket with subscriptions on it; what is committed after this returns is delivered to each.
async fn open(
    address: &str,
    token: &str,
    document: &str,
    subscriptions: usize,
) -> (SplitSink<Socket, Message>, SplitStream<Socket>) {
    let request = format!("ws://{address}/graphql").into_client_request();
    let mut request = request.expect("it is an address");
    let protocol = HeaderValue::from_static("graphql-transport-ws");
    request
        .headers_mut()
        .insert("sec-websocket-protocol", protocol);
    let config = WebSocketConfig::default()
        .read_buffer_size(2 * 1024)
        .write_buffer_size(1024);
    let opened = connect_async_with_config(request, Some(config), true).await;
    let (mut sink, mut stream) = opened.expect("the server upgrades").0.split();
    let payload = json!({ "Authorization": format!("Bearer {token}") });
    say(
        &mut sink,
        json!({ "type": "connection_init", "payload": payload }),
    )
    .await;
    for id in 0..subscriptions {
        let payload = json!({ "query": document });
        say(
            &mut sink,
            json!({ "id": id.to_string(), "type": "subscribe", "payload": payload }),
        )
        .await;
    }
    loop {
        let message = stream.next().await.expect("the socket is open");
        let Ok(Message::Text(text)) = message else {
            continue;
        };
        let message: Value = serde_json::from_str(&text).expect("messages are JSON");
        let begun = message["payload"]["cursors"].as_object();
        match message["type"].as_str() {
            // the server says where each stream begins once it does
            Some("ping") if begun.is_some_and(|begun| begun.len() == subscriptions) => break,
            Some("ping" | "connection_ack") => {}
            _ => panic!("the subscription was refused: {message}"),
        }
    }
    (sink, stream)
}

/// Notes when each event comes.
async fn listen(
    mut sink: SplitSink<Socket, Message>,
    mut stream: SplitStream<Socket>,
    started: Instant,
    published: Arc<AtomicU64>,
    told: mpsc::UnboundedSender<f64>,
) {
    while let Some(Ok(message)) = stream.next().await {
        let Message::Text(text) = message else {
            continue;
        };
        if text.contains("\"type\":\"next\"") {
            assert!(!text.contains("\"errors\""), "{text}");
            let now = started.elapsed().as_nanos() as u64;
            let late = now.saturating_sub(published.load(Ordering::SeqCst));
            if told.send(late as f64 / 1e6).is_err() {
                return;
            }
        } else {
            say(&mut sink, json!({ "type": "pong" })).await;
        }
    }
}

async fn say(sink: &mut SplitSink<Socket, Message>, message: Value) {
    let sent = sink.send(Message::text(message.to_string())).await;
    sent.expect("the socket is open");
}

/// Hands in one record at a time, which is one event of each kind that is listened to.
struct Publisher {
    http: reqwest::Client,
    url: String,
    token: String,
    account: String,
}

impl Publisher {
    async fn new(address: &str, token: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build();
        let mut publisher = Self {
            http: http.expect("a client is made"),
            url: format!("http://{address}/graphql"),
            token: token.to_owned(),
            account: String::new(),
        };
        let made = publisher.ask(ACCOUNT, Value::Null).await;
        let account = made["data"]["createAccount"]["account"]["id"].as_str();
        publisher.account = account.expect("an account is made").to_owned();
        publisher
    }

    async fn publish(&self, number: usize) {
        let row = json!({
            "externalId": format!("row-{number}"), "occurredOn": "2026-02-27", "amount": "-12.50",
            "currency": "EUR", "description": format!("CARD PAYMENT PAYEE {number}"),
        });
        let input = json!({ "accountId": self.account, "rows": [row] });
        let imported = self.ask(IMPORT, json!({ "input": input })).await;
        let errors = &imported["data"]["importRecords"]["errors"];
        assert_eq!(errors, &json!([]), "{imported}");
    }

    async fn ask(&self, document: &str, variables: Value) -> Value {
        let body = json!({ "query": document, "variables": variables });
        let request = self.http.post(&self.url).bearer_auth(&self.token);
        let answer = request.json(&body).send().await;
        let answer = answer.expect("the server answers").json().await;
        answer.expect("it answers in JSON")
    }
}
