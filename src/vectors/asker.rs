//! Asking the embedding service, and leaving it alone when it fails.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Space;
use crate::outbound::breaker::Breaker;
use crate::outbound::embeddings::{Embedder, Failure};
use crate::text::fold;

/// Characters of a text that leave this system, at most.
const MAX_CHARS: usize = 512;

/// Asks an embedder under a breaker.
pub struct Asker {
    embedder: Arc<dyn Embedder>,
    space: Space,
    breaker: Breaker,
}

impl Asker {
    /// Asks this one.
    pub fn new(embedder: Arc<dyn Embedder>) -> Self {
        Self {
            space: Space {
                model: embedder.model().to_owned(),
                dimension: embedder.dimension(),
            },
            embedder,
            breaker: Breaker::default(),
        }
    }

    /// The space its vectors are in.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// One vector of length 1 for each text, in order. What leaves is the folded text, cut to 512 characters, and
    /// nothing else about the record.
    pub async fn embed(
        &self,
        texts: &[&str],
        now: DateTime<Utc>,
    ) -> Result<Vec<Vec<f32>>, Failure> {
        if !self.breaker.allows(now) {
            return Err(Failure::Resting);
        }
        let texts: Vec<String> = texts
            .iter()
            .map(|text| fold(text).chars().take(MAX_CHARS).collect())
            .collect();
        match self.embedder.embed(&texts).await {
            Ok(vectors) => {
                self.breaker.succeeded();
                Ok(vectors)
            }
            Err(failure) => {
                let asks_for = failure.asks_for();
                if asks_for.is_some() {
                    tracing::warn!(%failure, "The embedding service asks to be left alone for a while");
                }
                if self.breaker.failed(now, asks_for) {
                    tracing::warn!(%failure, "The embedding service failed repeatedly and is left alone for a while");
                }
                Err(failure)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::TimeDelta;
    use futures::FutureExt;
    use futures::future::BoxFuture;

    use super::*;

    struct Busy;

    impl Embedder for Busy {
        fn model(&self) -> &str {
            "busy"
        }

        fn dimension(&self) -> usize {
            2
        }

        fn embed<'a>(&'a self, _: &'a [String]) -> BoxFuture<'a, Result<Vec<Vec<f32>>, Failure>> {
            let (status, pause) = (429, Duration::from_secs(120));
            async move { Err(Failure::Busy { status, pause }) }.boxed()
        }
    }

    #[tokio::test]
    async fn a_service_that_asks_for_a_pause_is_left_alone_at_once() {
        let asker = Asker::new(Arc::new(Busy));
        let ask = async |seconds| {
            let now = DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
            asker.embed(&["coffee"], now).await.unwrap_err()
        };
        assert!(matches!(ask(0).await, Failure::Busy { .. }));
        assert_eq!(ask(119).await, Failure::Resting);
        assert!(matches!(ask(120).await, Failure::Busy { .. }));
    }
}
