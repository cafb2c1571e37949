//! Apps that speak GraphQL to a tenant, and the documents each has registered.
//!
//! A *client* is an app under a name. A person's app names itself in a header; the keys of a service account that is
//! bound to a client are that client, whatever they call themselves, so that nobody escapes a strict one by leaving the
//! header out. A strict client is carried out for only what it has registered.
//!
//! Each process remembers the clients of the tenants it serves (`registry`) for a second, counts
//! what they use in memory ([`note`]), and adds it up in the database every few seconds.

mod change;
mod documents;
mod find;
mod registry;
mod usage;

pub use change::{ClientChange, NewClient, archive, create, update};
pub use documents::{Clash, NewDocument, Outcome, register, remove, unused};
pub use find::{
    Deprecated, Refusals, Used, count, count_deprecated, count_documents, deprecated, document_ids,
    documents, find_named, list, load, names, refusals, used,
};
pub use registry::{Client, Hash, client_of};
pub use usage::{Use, keep_writing, note, write};
