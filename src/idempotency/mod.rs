//! The same request twice, carried out once.
//!
//! A client that does not know whether its mutation arrived sends it again under the same idempotency key. The key is
//! stored with the effect (`ctx`); here are its two other halves: the answer, kept sealed beside it, and telling that
//! answer again. A key is known in its tenant, for its mutation, to the one who used it.

mod answer;
mod claim;
mod retention;

pub use answer::{Earlier, earlier, keep};
pub use claim::claim;
pub use retention::prune;
