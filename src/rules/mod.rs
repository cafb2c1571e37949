//! A tenant's own rules: what people decided once and do not want to be asked again.
//!
//! A rule is a tree of conditions, what to fill in when it holds, and whether to stop there. Rules are tried in
//! their order, those without a group before those of the [`groups`]; the first to fill a field wins it. [`condition`] is
//! how conditions are written and stored, [`validate`] says what is wrong with one, and [`matching`] runs them and explains
//! why one did not match. People [`create`], [`edit`], [`move_to`], [`enable`], [`disable`] and [`delete`] them, and
//! [`test`](fn@test) one before it counts; the pipeline runs what [`compiled`] reads and notes which rules a record met.
//! [`statistics`](fn@statistics) and [`months`] tell what became of those records, and [`conflicts`](fn@conflicts) which rules get into
//! each other's way.

mod compile;
pub mod condition;
mod conflicts;
mod create;
mod edit;
mod explain;
pub mod groups;
mod index;
mod list;
pub mod matching;
mod met;
mod order;
mod outcome;
mod recount;
mod restore;
mod statistics;
mod towards;
mod trial;
pub mod validate;

pub use compile::{Compiled, compile, compiled, facts};
pub use conflicts::{Conflict, ConflictKind, Conflicts, conflicts};
pub use create::{NewRule, Place, checked_name, create, create_within};
pub use edit::{Changes, delete, delete_within, disable, edit, edit_within, enable, switch_within};
pub use explain::decimal;
pub use list::{find, find_all, list, load};
pub use met::met_by;
pub use order::{Arranged, Destination, arranged, arranged_within, move_to, move_within};
pub use recount::recount;
pub use restore::restore_within;
pub use statistics::{Counts, Hit, Month, Statistics, forget_hits, months, note_hits, statistics};
pub use towards::{Towards, towards};
pub use trial::{
    Candidate, FieldOutcome, RecordTrial, Sampled, Trial, sample, test, test_on, why_not,
};

/// How many rules a tenant may have.
pub const MAX_RULES: usize = 1_000;
