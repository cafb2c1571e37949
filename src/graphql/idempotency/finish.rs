//! A mutation with a key ends, though nobody waits for it any more.

use async_graphql::{Executor, Request, Response, Value, Variables};
use tracing::Instrument;

use super::KEY;
use crate::ctx::Origin;
use crate::graphql::cache::Document;
use crate::graphql::loader::execute;

/// Whether a request may hold an idempotency key: in its text, or in a variable.
pub fn holds_a_key(document: &Document, variables: &Variables) -> bool {
    document.holds_key
        || variables
            .values()
            .any(|value| matches!(value, Value::Object(members) if members.contains_key(KEY)))
}

/// Executes in a task of its own: a client that goes away, or a deadline, does not stop it between the effect and the
/// keeping of its answer. Whoever asks again gets that answer.
pub async fn to_its_end<E: Executor>(executor: E, request: Request) -> Response {
    let work = Origin::carry(async move { execute(&executor, request).await });
    match tokio::spawn(work.in_current_span()).await {
        Ok(response) => response,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}
