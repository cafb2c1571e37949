//! What is called outside: one provider per file, each behind a trait so that another can take its place, each with a
//! timeout of its own. Nothing here knows about books, and nothing here is called while a transaction is open.

mod answer;
pub mod breaker;
mod client;
pub mod embeddings;
pub mod keys;
pub mod llm;
pub mod oauth;
pub mod oidc;

pub use client::{client, traced};
