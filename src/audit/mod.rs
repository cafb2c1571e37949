//! The audit log: every change with who made it, and from where.
//!
//! It is the event log, read backwards and with names. Addresses and user agents are about people, so they lie beside
//! the log (`event_origin`) and not in its chain; see `docs/decisions/0012`.

mod entry;
mod export;
mod filter;
mod list;
mod retention;

pub use entry::{Entry, Who, WhoKind};
pub use export::export;
pub use filter::AuditFilter;
pub use list::{count, list};
pub use retention::prune;
