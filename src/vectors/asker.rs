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
                if self.breaker.failed(now) {
                    tracing::warn!(%failure, "The embedding service failed repeatedly and is left alone for a minute");
                }
                Err(failure)
            }
        }
    }
}
