//! What would the pipeline decide if …? A replay on the records of the past, before anything is changed.
//!
//! A [`Hypothesis`] supposes other rules, another target of automation or fewer tiers; [`request`] files it as a
//! simulation, and a worker [`run`]s it. Records are decided twice by the code that decides always
//! ([`replay`](crate::processing::replay)): as things are, and as supposed. What differs is kept, up to a bound; what it
//! comes to is counted ([`Tally`]). While it runs nothing is written but the simulation and its own events, nobody outside is asked, and it
//! can be [`cancel`]led. The latest [`KEPT`] of a tenant are kept.

mod cancel;
mod changes;
mod export;
mod find;
mod history;
mod hypothesis;
mod judge;
mod now;
mod request;
mod rule_changes;
mod run;
mod stand;
mod store;
mod stored;
mod tally;

pub use cancel::cancel;
pub use changes::{ChangeFilter, changes, count_changes};
pub use export::export;
pub use find::{by_ids, count, list, load};
pub use hypothesis::{AutomationChange, Before, Hypothesis, Knowing, Prices, TierChange, beneath};
pub use request::request;
pub use rule_changes::{RuleChange, applied, check_names};
pub use run::run;
pub use stand::{Since, Stand, StoredPolicy, whole_print};
pub use store::give_up;
pub use tally::{Effects, Figures, Flow, Flows, Tally};

/// Simulations of a tenant that are kept.
pub const KEPT: u64 = 20;
/// Changes of a simulation that are kept; all of them are counted.
pub const KEPT_CHANGES: i32 = 10_000;
/// Records a simulation may look at.
pub const MAX_RECORDS: u64 = 200_000;
/// Simulations of a tenant that may wait or run at a time.
pub const MAX_OPEN: u64 = 3;
