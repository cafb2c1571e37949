//! Vectors as values: which of them can be compared, who makes them, and an index of them in this process.
//!
//! A [`Space`] is a model and a number of dimensions; only vectors of one space are ever compared. Hashed n-grams are
//! always there and cost nothing; a second space comes from an embedding service when one is configured. What is done
//! with them, and where they are stored, is in `processing::neighbours`.

mod asker;
mod index;
mod shelf;

use std::sync::Arc;

pub use asker::Asker;
pub use index::Index;
pub use shelf::{Held, Shelf};

use crate::config::Config;
use crate::outbound::embeddings::{Embedder as _, OpenAi};

/// The model that needs no service: character n-grams and words, hashed (see `processing::ngram`). A change of any part
/// of it needs a new name.
pub const HASHED: &str = "hashed-512-v1";
/// How many numbers its vectors have.
pub const HASHED_DIMENSION: usize = 512;

/// Vectors that can be compared with each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Space {
    /// The model that made them.
    pub model: String,
    /// How many numbers each has.
    pub dimension: usize,
}

impl Space {
    /// Of hashed n-grams.
    pub fn hashed() -> Self {
        Self {
            model: HASHED.to_owned(),
            dimension: HASHED_DIMENSION,
        }
    }

    /// Whether its vectors are made here, of the text alone.
    pub fn is_hashed(&self) -> bool {
        self.model == HASHED
    }
}

/// What a process shares about vectors.
pub struct Vectors {
    asker: Option<Asker>,
    shelf: Shelf,
}

impl Vectors {
    /// With the configured embedding service, or without one.
    pub fn new(config: &Config) -> Self {
        // a service cannot pass its vectors off as ours
        let embedder = OpenAi::configured(config).filter(|embedder| embedder.model() != HASHED);
        Self {
            asker: embedder.map(|embedder| Asker::new(Arc::new(embedder))),
            shelf: Shelf::default(),
        }
    }

    /// Who asks the embedding service, when there is one.
    pub fn asker(&self) -> Option<&Asker> {
        self.asker.as_ref()
    }

    /// The indexes in this process.
    pub fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// The spaces that vectors are kept in.
    pub fn spaces(&self) -> Vec<Space> {
        let embedded = self.asker.as_ref().map(|asker| asker.space().clone());
        std::iter::once(Space::hashed()).chain(embedded).collect()
    }
}
