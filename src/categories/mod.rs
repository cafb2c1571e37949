//! Categories: the tenant's chart of accounts, a tree whose leaves records are filed under.
//!
//! A chart is small (a thousand nodes at most), so it is always read whole and decided about in memory: [`tree`] knows
//! what may stand where. [`chart`] is the one a new tenant starts with.

mod change;
pub mod chart;
mod find;
mod plant;
pub mod tree;

pub use change::{Change, NewCategory, archive, change, create, restore};
pub use find::{by_ids, list, load};
pub use plant::plant;

/// The most categories a chart may have.
pub const MAX: usize = 1_000;
