//! Measures what balance promises about speed, and judges nothing: each figure is a table of medians beside a floor.
//!
//! `cargo bench --bench figures -- authenticate|sign_in|pipeline|latency|reads|sockets|fanout|vectors|
//! trivial|hostile|rules|rule_statistics|scale`, all of them but the last without a name. See `benches/README.md`.

#![allow(
    clippy::disallowed_methods,
    reason = "a bench is the outside: it has a clock, an environment, a client and statements of its own"
)]

mod authenticate;
mod books;
mod child;
mod fanout;
mod floor;
mod hostile;
mod latency;
mod pipeline;
mod place;
mod reads;
mod released;
mod rule_statistics;
mod rules;
mod sample;
mod scale;
mod sign_in;
mod sockets;
mod stream;
mod trivial;
mod vectors;

use std::process::ExitCode;

use place::World;

fn main() -> ExitCode {
    drop(rustls::crypto::ring::default_provider().install_default());
    // cargo adds `--bench`
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        match arguments.first().map(String::as_str) {
            // how this program starts itself again, so that a server's processor time is its own
            Some("serve-product") => child::serve_product(&arguments[1..]).await,
            Some("serve-plain") => trivial::serve_plain().await,
            Some("serve-floor") => floor::serve(arguments.get(1).map_or("", String::as_str)).await,
            Some("authenticate") => every_world(authenticate::measure).await,
            Some("sign_in") => every_world(sign_in::measure).await,
            Some("pipeline") => every_world(pipeline::measure).await,
            Some("latency") => every_world(latency::measure).await,
            Some("reads") => every_world(reads::measure).await,
            Some("sockets") => every_world(sockets::measure).await,
            Some("fanout") => every_world(fanout::measure).await,
            Some("vectors") => every_world(vectors::measure).await,
            Some("trivial") => trivial::measure(World::here().remove(0)).await,
            Some("hostile") => hostile::measure(World::here().remove(0)).await,
            Some("rules") => rules::measure(),
            Some("rule_statistics") => every_world(rule_statistics::measure).await,
            // by its name only: what it measures is the memory of this process
            Some("scale") => scale::measure(World::here().remove(0)).await,
            None => {
                every_world(authenticate::measure).await;
                every_world(sign_in::measure).await;
                every_world(pipeline::measure).await;
                every_world(latency::measure).await;
                every_world(reads::measure).await;
                every_world(sockets::measure).await;
                every_world(fanout::measure).await;
                every_world(vectors::measure).await;
                trivial::measure(World::here().remove(0)).await;
                hostile::measure(World::here().remove(0)).await;
                rules::measure();
                every_world(rule_statistics::measure).await;
            }
            Some(other) => {
                eprintln!(
                    "there is no figure called {other}: authenticate, sign_in, pipeline, latency, reads, sockets, fanout, vectors, trivial, hostile, rules, rule_statistics, scale"
                );
                return ExitCode::from(2);
            }
        }
        ExitCode::SUCCESS
    })
}

/// SQLite always, and PostgreSQL with Redis where `tools/with-services.sh` has started them.
async fn every_world<F: Future<Output = ()>>(measure: impl Fn(World) -> F) {
    for world in World::here() {
        measure(world).await;
    }
}
