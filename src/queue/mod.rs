//! The job queue: one table, claimed in batches of one tenant.
//!
//! A job is enqueued in the transaction of the business change that wants it (`Tx::enqueue`). A claim counts an
//! attempt and takes a lease; whoever holds the claim completes the job in the transaction of its effect
//! (`Tx::complete`), so a worker that lost its lease can commit nothing. The last failed attempt leaves the job DEAD,
//! where people see it and can drive it again.

#![allow(
    clippy::disallowed_methods,
    reason = "the job table is claimed before a tenant is known"
)]

mod backlog;
mod claim;
mod policy;
mod progress;
mod retention;
mod standing;

pub use backlog::{depth, is_worked};
pub use claim::{Claim, Failure, claim, detail, exhausted, fail, recover, release, renew};
pub use policy::{Policy, Queue};
pub use progress::{Progress, Told};
pub use retention::prune;
pub use standing::{Standing, standing};
