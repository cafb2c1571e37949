//! The language model of a tenant: whether its records may be shown to one, how many tokens it may use, what it used and
//! what that cost.
//!
//! Nothing leaves before the tenant has said so, to a language model or to an embedding service. Tokens are reserved before a question is asked, by the most that it can
//! take, and given back once the answer tells what it took; so a budget holds however many workers ask at once. Asking
//! itself is the business of `processing`.

mod budget;
mod policy;
mod usage;

pub use budget::{Refused, Reserved, Used, reserve, settle};
pub use policy::{Change, Limits, Policy, limits, set, standing, standing_within};
pub use usage::{MAX_DAYS, Spent, hits, spent, usage};
