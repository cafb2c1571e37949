//! Which mutations of a request were answered from before.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Name, Response, Value};

/// Collects the response keys of mutations that were not carried out again. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Replayed(Arc<Mutex<Vec<Name>>>);

impl Replayed {
    /// Notes one.
    pub fn add(&self, key: Name) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.push(key);
    }

    /// Names them in the answer: `extensions.replayed` is a list of paths, as those of errors are.
    pub fn tell(&self, response: &mut Response) {
        let keys = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if !keys.is_empty() {
            let path = |key: Name| Value::List(vec![Value::String(key.to_string())]);
            let paths = keys.into_iter().map(path).collect();
            response
                .extensions
                .insert("replayed".to_owned(), Value::List(paths));
        }
    }
}
