//! The way to what is counted in Redis. While Redis does not answer, nobody waits for it: this process counts by itself,
//! and asks now and then whether it is back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fred::prelude::*;
use sha1::{Digest, Sha1};

use crate::bus::Shared;

/// How long a count may take: longer, and this process had better count by itself.
const PATIENCE: Duration = Duration::from_millis(250);
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
        let asked = async {
            let known = shared
                .client
                .evalsha(script.hash(), keys.clone(), arguments.clone());
            match known.await {
                Err(error) if error.details().contains("NOSCRIPT") => {
                    shared.client.eval(script.text, keys, arguments).await
                }
                told => told,
            }
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(told)) => Some(told),
            Ok(Err(error)) => self.away(shared, &error.to_string()),
            Err(_) => self.away(shared, "it takes too long"),
        }
    }

    /// Says once that Redis is away, and waits for it in the background.
    fn away(&self, shared: &Shared, why: &str) -> Option<Vec<i64>> {
        if self.0.swap(true, Ordering::Relaxed) {
            return None;
        }
        tracing::warn!(
            error = why,
            "Redis does not count; this process counts by itself meanwhile"
        );
        let (away, client) = (Arc::downgrade(&self.0), shared.client.clone());
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(ASK_AGAIN).await;
                let Some(away) = away.upgrade() else { return };
                let answer = tokio::time::timeout(PATIENCE, client.ping::<String>(None)).await;
                if matches!(answer, Ok(Ok(_))) {
                    away.store(false, Ordering::Relaxed);
                    tracing::info!("Redis counts again");
                    return;
                }
            }
        });
        None
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
