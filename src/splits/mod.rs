//! One record over several categories: a shop that sold stationery and coffee, a payout less its fee.
//!
//! Whoever splits says in shares how ([`Share`]); [`amounts`] makes amounts of them that add up to the record's, to the
//! last minor unit. The lines belong to a decision and never change; they count while that decision is in force, so
//! reopening, rejecting and overriding a record needs nothing done to them. The category of a split record itself is that
//! of its largest line.

mod line;
mod shares;

pub use line::{
    Line, NewLine, is_not_split, main, of_decisions, postings, require_leaves, resolve, rows, same,
};
pub use shares::{HUNDRED, MAX_LINES, Share, amounts, by_weight, check};
