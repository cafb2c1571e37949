//! A tenant's own rules: what people decided once and do not want to be asked again.
//!
//! A rule is a tree of conditions, what to fill in when it holds, and whether to stop there. Rules are tried in
//! their order; the first to fill a field wins it. [`condition`] is how conditions are written and stored,
//! [`validate`] says what is wrong with one, and [`matching`] runs them and explains why one did not match.

pub mod condition;
mod explain;
pub mod matching;
pub mod validate;
