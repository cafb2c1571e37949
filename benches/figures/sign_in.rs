//! What a sign-in costs beside one argon2 verification with the same parameters: everything else should be noise.

use std::time::Instant;

use balance::app::App;
use balance::error::Error;
use balance::identity::{self, Credentials, SignIn, passwords};

use crate::books::Books;
use crate::place::{Place, World, number};
use crate::sample::{cpu_us, median, percentile};

const EMAIL: &str = "owner@acme.example";
const PASSWORD: &str = "correct horse battery staple";

/// What something took: milliseconds of each time, and of the processor altogether.
#[derive(Default)]
struct Taken {
    each: Vec<f64>,
    processor: f64,
}

impl Taken {
    async fn time(&mut self, work: impl Future<Output = ()>) {
        let (started, before) = (Instant::now(), cpu_us(std::process::id()));
        work.await;
        self.each.push(started.elapsed().as_secs_f64() * 1_000.0);
        self.processor += (cpu_us(std::process::id()) - before) / 1_000.0;
    }
}

/// Measures one database. A verification, a sign-in and a refusal take turns, so that all see the same machine.
pub async fn measure(world: World) {
    let times = number("BENCH_SIGN_INS", 200);
    let place = Place::make(world).await;
    println!(
        "\n## sign_in, {}: a password and a session, {times} times in turn",
        world.name()
    );
    let app = place.app().await;
    Books::open(&app, "acme").await;
    let hash = passwords::hash(PASSWORD).await.expect("it is hashed");
    let [mut alone, mut right, mut wrong, mut nobody] = <[Taken; 4]>::default();
    for _ in 0..times {
        let verified = async {
            let verdict = passwords::verify(PASSWORD, Some(&hash)).await;
            assert!(verdict.expect("it is compared").is_right());
        };
        alone.time(verified).await;
        right.time(sign_in(&app, EMAIL, PASSWORD, true)).await;
        wrong
            .time(sign_in(&app, EMAIL, "wrong horse battery", false))
            .await;
        nobody
            .time(sign_in(&app, "nobody@acme.example", PASSWORD, false))
            .await;
    }
    println!("\n| | p50 ms | p95 ms | processor ms each | against argon2, p50 |");
    println!("|---|---|---|---|---|");
    let floor = median(&alone.each);
    for (what, taken) in [
        ("floor: one argon2 verification", &alone),
        ("a sign-in", &right),
        ("a wrong password", &wrong),
        ("an address that nobody has", &nobody),
    ] {
        let (p50, p95) = (median(&taken.each), percentile(&taken.each, 0.95));
        let processor = taken.processor / times as f64;
        println!(
            "| {what} | {p50:.2} | {p95:.2} | {processor:.2} | {:.2} x |",
            p50 / floor
        );
    }
    app.close().await;
    place.clear().await;
}

async fn sign_in(app: &App, email: &str, password: &str, lets_in: bool) {
    let credentials = Credentials {
        email: email.to_owned(),
        password: password.to_owned(),
        ..Credentials::default()
    };
    match identity::sign_in(&app.handles, credentials).await {
        Ok(SignIn::In(_)) => assert!(lets_in, "nobody else is let in"),
        Err(Error::Unauthenticated(_)) => assert!(!lets_in, "the password is right"),
        _ => panic!("a sign-in ends in a session or a refusal"),
    }
}
