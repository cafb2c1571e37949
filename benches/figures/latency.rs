//! From a signed webhook to the message on a subscription, against the time of three fsyncs: the delivery, its record
//! and its decision are three commits, and each must be on disk before the next begins.

use std::time::Instant;

use balance::connections::{self, NewConnection};
use balance::graphql::node::global;
use balance::integrations::webhook::sign;
use serde_json::json;

use crate::books::{self, Books};
use crate::child::Server;
use crate::place::{Place, World, number};
use crate::sample::{disk, fsync, ms, percentile};
use crate::stream::Stream;

const PROCESSED: &str = "subscription { recordProcessed { cursor source record { id externalId status description } category { name } } }";
/// Deliveries before the clock counts.
const WARM_UP: usize = 20;

/// Measures one database.
pub async fn measure(world: World) {
    let deliveries = number("BENCH_DELIVERIES", 300);
    let place = Place::make(world).await;
    println!(
        "\n## latency, {}: a signed POST to a message, {deliveries} in turn",
        world.name()
    );

    let app = place.app().await;
    let books = Books::open(&app, "acme").await;
    books.remember(&app).await;
    let new = NewConnection {
        name: "Bank".to_owned(),
        account: Some(books.account),
    };
    let made = connections::create(&books.ctx, new)
        .await
        .expect("a connection is made");
    app.close().await;

    let server = Server::product(&place, "api,worker").await;
    let mut stream = Stream::open(&server.address, &books.token, PROCESSED).await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client is made");
    let id = global("Connection", made.connection.id);
    let url = format!("http://{}/api/v1/webhooks/{}", server.address, id.as_str());

    let (mut answered, mut told) = (Vec::new(), Vec::new());
    for n in 0..WARM_UP + deliveries {
        let webhook = format!("message-{n}");
        let description = match n % 5 {
            0 | 1 => books::ruled(n, 9),
            2 | 3 => books::known(n * 13, 9),
            _ => books::unseen(n, 9),
        };
        let body = json!({ "type": "transactions.created", "data": [{
            "externalId": webhook, "occurredOn": books::day(n), "amount": books::amount(n), "currency": "EUR",
            "description": description,
        }] });
        let body = body.to_string();
        let at = app.handles.clock.now().timestamp();
        let signature =
            sign(&made.secret, &webhook, at, body.as_bytes()).expect("the secret signs");
        let started = Instant::now();
        let answer = client
            .post(&url)
            .header("content-type", "application/json")
            .header("webhook-id", &webhook)
            .header("webhook-timestamp", at)
            .header("webhook-signature", signature)
            .body(body)
            .send();
        let answer = answer.await.expect("the server answers");
        assert_eq!(answer.status(), 202, "the delivery is kept");
        let kept = started.elapsed();
        let event = stream.next().await;
        let took = started.elapsed();
        assert_eq!(event["recordProcessed"]["record"]["externalId"], webhook);
        if n >= WARM_UP {
            answered.push(ms(kept));
            told.push(ms(took));
        }
    }
    let three = 3.0 * fsync(place.folder());
    println!("disk: {}", disk(place.folder()));
    println!("\n| | p50 ms | p95 ms |\n|---|---|---|");
    println!(
        "| POST to 202 | {:.1} | {:.1} |",
        percentile(&answered, 0.5),
        percentile(&answered, 0.95)
    );
    println!(
        "| POST to message | {:.1} | {:.1} |",
        percentile(&told, 0.5),
        percentile(&told, 0.95)
    );
    println!("| three fsyncs | {three:.1} | |");
    println!(
        "| beyond three fsyncs | {:.1} | {:.1} |",
        percentile(&told, 0.5) - three,
        percentile(&told, 0.95) - three
    );
    server.stop().await;
    place.clear().await;
}
