//! The way to what is counted in Redis. Once Redis has not answered, nobody waits for it: this process counts by itself,
//! and asks now and then whether it is back. That is after the command timeout of the client, and no sooner: a process
//! that is only busy must not take Redis for gone, for then a client would find a full bucket in each.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fred::error::Error;
use fred::prelude::*;
use sha1::{Digest, Sha1};

use crate::bus::Shared;

/// How often a Redis that was away is asked whether it is back.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// A script that Redis keeps by its hash.
pub(super) struct Script {
    text: &'static str,
    hash: OnceLock<String>,
}

impl Script {
    pub(super) const fn new(text: &'static str) -> Self {
        Self {
            text,
            hash: OnceLock::new(),
        }
    }

    fn hash(&self) -> &str {
        self.hash.get_or_init(|| {
            let hash = Sha1::digest(self.text.as_bytes());
            hash.iter().map(|byte| format!("{byte:02x}")).collect()
        })
    }
}

/// Whether Redis answers, as far as this process knows.
#[derive(Default)]
pub(super) struct Link(Arc<AtomicBool>);

impl Link {
    /// What a script answers; nothing while Redis does not answer.
    pub(super) async fn run(
        &self,
        shared: &Shared,
        script: &Script,
        keys: Vec<String>,
        arguments: Vec<i64>,
    ) -> Option<Vec<i64>> {
        if self.0.load(Ordering::Relaxed) {
            return None;
        }
        let client = &shared.client;
        let known = client.evalsha(script.hash(), keys.clone(), arguments.clone());
        let told = match known.await {
            Err(error) if error.details().contains("NOSCRIPT") => {
                client.eval(script.text, keys, arguments).await
            }
            told => told,
        };
        told.map_err(|error| self.away(shared, &error)).ok()
    }

    /// Says once that Redis is away, and waits for it in the background.
    fn away(&self, shared: &Shared, error: &Error) {
        if self.0.swap(true, Ordering::Relaxed) {
            return;
        }
        tracing::warn!(%error, "Redis does not count; this process counts by itself meanwhile");
        let (away, client) = (Arc::downgrade(&self.0), shared.client.clone());
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(ASK_AGAIN).await;
                let Some(away) = away.upgrade() else { return };
                if client.ping::<String>(None).await.is_ok() {
                    away.store(false, Ordering::Relaxed);
                    tracing::info!("Redis counts again");
                    return;
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_known_by_the_sha_1_of_its_text() {
        let script = Script::new("return 1");
        assert_eq!(script.hash(), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
    }
}
