//! A tenant's own rules: what people decided once and do not want to be asked again.
//!
//! A rule is a tree of conditions, what to fill in when it holds, and whether to stop there. Rules are tried in
//! their order; the first to fill a field wins it. [`condition`] is how conditions are written and stored,
//! [`validate`] says what is wrong with one, and [`matching`] runs them and explains why one did not match. People
//! [`create`], [`edit`], [`move_to`], [`enable`], [`disable`] and [`delete`] them, and [`test`](fn@test) one before it counts;
//! the pipeline runs what [`compiled`] reads.

mod compile;
pub mod condition;
mod create;
mod edit;
mod explain;
mod index;
mod list;
pub mod matching;
mod order;
mod trial;
pub mod validate;

pub use compile::{Compiled, compiled, facts};
pub use create::{NewRule, Place, create, create_within};
pub use edit::{Changes, delete, disable, edit, enable};
pub use explain::decimal;
pub use list::{find, find_all, list, load};
pub use order::move_to;
pub use trial::{Sampled, Trial, sample, test, why_not};

/// How many rules a tenant may have.
pub const MAX_RULES: usize = 1_000;
