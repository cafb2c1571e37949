//! Parsed documents, kept by the hash of their text.
//!
//! Two generations stand in for an exact least-recently-used order: what is asked for moves to
//! the young one, and when that is full the old one is dropped whole. The bound is in tokens
//! because that is what a syntax tree weighs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_graphql::parser::types::ExecutableDocument;

/// SHA-256 of the text of a document.
pub type Hash = [u8; 32];

/// A parsed document and its weight.
#[derive(Debug)]
pub struct Document {
    /// Its syntax tree.
    pub tree: ExecutableDocument,
    /// Its lexical tokens.
    pub tokens: u64,
}

/// The documents seen lately.
#[derive(Debug)]
pub struct Documents {
    generations: Mutex<Generations>,
    /// Tokens one generation may hold.
    capacity: u64,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Hash, Arc<Document>>,
    old: HashMap<Hash, Arc<Document>>,
    young_tokens: u64,
}

impl Documents {
    /// Keeps documents of at most `tokens` in all.
    pub fn new(tokens: u64) -> Self {
        Self {
            generations: Mutex::default(),
            capacity: tokens / 2,
        }
    }

    /// The document of that hash, if it is still kept.
    pub fn find(&self, hash: &Hash) -> Option<Arc<Document>> {
        let mut generations = self.lock();
        if let Some(found) = generations.young.get(hash) {
            return Some(Arc::clone(found));
        }
        let found = generations.old.remove(hash)?;
        generations.insert(*hash, Arc::clone(&found), self.capacity);
        Some(found)
    }

    /// Keeps a document.
    pub fn insert(&self, hash: Hash, document: Arc<Document>) {
        self.lock().insert(hash, document, self.capacity);
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        // a panic elsewhere leaves at worst a document less
        self.generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn insert(&mut self, hash: Hash, document: Arc<Document>, capacity: u64) {
        // even an empty document takes a place
        let weight = document.tokens.saturating_add(1);
        if self.young_tokens.saturating_add(weight) > capacity {
            self.old = std::mem::take(&mut self.young);
            self.young_tokens = 0;
        }
        if weight <= capacity && self.young.insert(hash, document).is_none() {
            self.young_tokens += weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn document(tokens: u64) -> Arc<Document> {
        let tree = parse_query("{ a }").unwrap();
        Arc::new(Document { tree, tokens })
    }

    #[test]
    fn what_is_used_stays_and_what_is_not_goes() {
        let documents = Documents::new(80);
        documents.insert([0; 32], document(9));
        for n in 1..20 {
            documents.insert([n; 32], document(9));
            assert!(documents.find(&[0; 32]).is_some(), "after {n}");
        }
        assert!(documents.find(&[1; 32]).is_none());
        let generations = documents.lock();
        assert!(generations.young.len() + generations.old.len() <= 8);
    }

    #[test]
    fn a_document_larger_than_the_cache_is_not_kept() {
        let documents = Documents::new(10);
        documents.insert([1; 32], document(100));
        assert!(documents.find(&[1; 32]).is_none());
    }
}
