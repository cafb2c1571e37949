//! What it costs to know who calls: token, session and permissions, remembered and not.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::Instant;

use balance::identity;
use sha2::{Digest, Sha256};

use crate::books::Books;
use crate::place::{Place, World, number};
use crate::sample::percentile;

/// Operations timed together: one alone is shorter than the clock is fine.
const TOGETHER: usize = 50;

/// Measures one database. Nothing waits on anything in the warm path, so its time is processor time.
pub async fn measure(world: World) {
    let times = number("BENCH_REQUESTS", 1_500);
    let place = Place::make(world).await;
    println!(
        "\n## authenticate, {}: token, session and permissions, {times} times {TOGETHER}",
        world.name()
    );
    let app = place.app().await;
    let books = Books::open(&app, "acme").await;
    let (handles, token) = (&app.handles, books.token.as_str());

    let floor = RwLock::new(HashMap::from([(
        <[u8; 32]>::from(Sha256::digest(token.as_bytes())),
        Arc::new(books.ctx.tenant()),
    )]));
    let mut least = Vec::new();
    let mut warm = Vec::new();
    for _ in 0..times {
        least.push(
            each(TOGETHER, async || {
                let key: [u8; 32] = Sha256::digest(std::hint::black_box(token).as_bytes()).into();
                let floor = floor.read().expect("nobody panics here");
                std::hint::black_box(floor.get(&key).map(Arc::clone));
            })
            .await,
        );
        warm.push(
            each(TOGETHER, async || {
                let ctx = identity::authenticate(handles, std::hint::black_box(token)).await;
                std::hint::black_box(ctx.expect("they are signed in"));
            })
            .await,
        );
    }
    let mut verified = Vec::new();
    let mut cold = Vec::new();
    for _ in 0..times {
        verified.push(
            each(1, async || {
                let access = identity::tokens::read(handles, token).await;
                std::hint::black_box(access.expect("the token is good"));
            })
            .await,
        );
        handles.standings.forget_all();
        cold.push(
            each(1, async || {
                let ctx = identity::authenticate(handles, token).await;
                std::hint::black_box(ctx.expect("they are signed in"));
            })
            .await,
        );
    }
    println!("\n| | p50 us | p99 us |");
    println!("|---|---|---|");
    for (what, times) in [
        ("floor: a hash of the token and a map", &least),
        ("warm: remembered within the second", &warm),
        ("the signature of the token alone", &verified),
        (
            "looked up: signature, session, membership (waiting included)",
            &cold,
        ),
    ] {
        let (p50, p99) = (percentile(times, 0.5), percentile(times, 0.99));
        println!("| {what} | {p50:.2} | {p99:.2} |");
    }
    println!(
        "\nwarm against its floor: {:.1} x",
        percentile(&warm, 0.5) / percentile(&least, 0.5)
    );
    app.close().await;
    place.clear().await;
}

async fn each(times: usize, act: impl AsyncFn()) -> f64 {
    let started = Instant::now();
    for _ in 0..times {
        act().await;
    }
    started.elapsed().as_secs_f64() * 1_000_000.0 / times as f64
}
