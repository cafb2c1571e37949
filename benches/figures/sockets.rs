//! What the released program holds in memory: idle, and for each open subscription.

use std::time::Duration;

use crate::books::Books;
use crate::place::{Place, World, number};
use crate::released::Released;
use crate::sample::rss_kib;
use crate::stream::Stream;

const PROCESSED: &str =
    "subscription { recordProcessed { cursor source record { id status description } } }";

/// Measures one database.
pub async fn measure(world: World) {
    let sockets = number("BENCH_SOCKETS", 1_000);
    let place = Place::make(world).await;
    let app = place.app().await;
    let books = Books::open(&app, "acme").await;
    app.close().await;

    let server = Released::start(&place).await;
    let (pid, address) = (server.pid, server.address.clone());
    tokio::time::sleep(Duration::from_secs(4)).await;
    let idle = rss_kib(pid);

    // the first ones pay for what all share: the schema's caches, the tail of the log, buffers of the allocator
    let mut open = Vec::with_capacity(sockets + 20);
    for _ in 0..20 {
        open.push(Stream::open(&address, &books.token, PROCESSED).await);
    }
    let before = rss_kib(pid);
    for _ in 0..sockets.div_ceil(50) {
        let more = (0..50).map(|_| Stream::open(&address, &books.token, PROCESSED));
        open.extend(futures::future::join_all(more).await);
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = rss_kib(pid);
    let each = (after - before) / (open.len() - 20) as f64;

    println!(
        "\n## sockets, {}: {} subscriptions, each on a socket of its own",
        world.name(),
        open.len() - 20
    );
    println!("\n| | |\n|---|---|");
    println!("| idle | {:.1} MiB |", idle / 1_024.0);
    println!("| with the first 20 | {:.1} MiB |", before / 1_024.0);
    println!("| with all | {:.1} MiB |", after / 1_024.0);
    println!("| each | {each:.1} KiB |");
    drop(open);
    server.stop().await;
    place.clear().await;
}
