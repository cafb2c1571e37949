//! Parsed documents, kept by the hash of their text.
//!
//! Two generations stand in for an exact least-recently-used order: what is asked for moves to
//! the young one, and when that is full the old one is dropped whole. The bound is in tokens
//! because that is what a syntax tree weighs.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_graphql::{Name, parser::types::ExecutableDocument};

use super::{
    documents::judge::switches, idempotency::KEY, measure::Measured, operation::RootOrder,
};

/// SHA-256 of the text of a document.
pub type Hash = [u8; 32];

/// A parsed document, its weight, and what was found out about it and holds whatever the variables.
#[derive(Debug)]
pub struct Document {
    /// Its syntax tree.
    pub tree: ExecutableDocument,
    /// Its lexical tokens.
    pub tokens: u64,
    /// Whether its text holds the character U+0000, written out or not.
    pub holds_nul: bool,
    /// Whether an idempotency key may be written in it.
    pub holds_key: bool,
    /// The variables that decide whether something is skipped.
    pub switches: Vec<Name>,
    valid: AtomicBool,
    operations: Mutex<Vec<Arc<Operation>>>,
}

/// One operation of a document.
#[derive(Debug)]
pub struct Operation {
    /// The name it was chosen by.
    pub name: Option<String>,
    /// The order of its root fields.
    pub root: RootOrder,
    /// What it asks for, where no variable has a say in it.
    pub measured: Option<Measured>,
}

impl Document {
    /// A document of this text that nobody has looked at yet.
    pub fn new(tree: ExecutableDocument, tokens: u64, text: &str) -> Self {
        Self {
            switches: switches(&tree),
            tree,
            tokens,
            holds_nul: text.contains('\0') || text.contains("\\u0000"),
            holds_key: text.contains(KEY),
            valid: AtomicBool::new(false),
            operations: Mutex::default(),
        }
    }

    /// Whether it has passed validation.
    pub fn is_valid(&self) -> bool {
        self.valid.load(Ordering::Relaxed)
    }

    /// Notes that it has passed validation.
    pub fn passed(&self) {
        self.valid.store(true, Ordering::Relaxed);
    }

    /// What is known of the operation chosen by this name.
    pub fn operation(&self, name: Option<&str>) -> Option<Arc<Operation>> {
        let operations = self.operations();
        let known = operations
            .iter()
            .find(|known| known.name.as_deref() == name);
        known.cloned()
    }

    /// Keeps what was found out about an operation. There are as many as the document has.
    pub fn keep(&self, operation: Operation) -> Arc<Operation> {
        let operation = Arc::new(operation);
        let mut operations = self.operations();
        if !operations.iter().any(|known| known.name == operation.name) {
            operations.push(Arc::clone(&operation));
        }
        operation
    }

    fn operations(&self) -> MutexGuard<'_, Vec<Arc<Operation>>> {
        self.operations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
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
        Arc::new(Document::new(tree, tokens, ""))
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
    fn what_is_known_of_a_document_is_kept_with_it() {
        let document = document(3);
        assert!(!document.is_valid() && document.operation(None).is_none());
        document.passed();
        for _ in 0..2 {
            document.keep(Operation {
                name: None,
                root: RootOrder::default(),
                measured: None,
            });
        }
        assert!(document.is_valid() && document.operation(None).is_some());
        assert!(document.operation(Some("A")).is_none());
        assert_eq!(document.operations().len(), 1);
    }

    #[test]
    fn a_document_larger_than_the_cache_is_not_kept() {
        let documents = Documents::new(10);
        documents.insert([1; 32], document(100));
        assert!(documents.find(&[1; 32]).is_none());
    }
}
