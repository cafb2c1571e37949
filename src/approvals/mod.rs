//! The decisions people owe: one approval waits per processed record, until someone approves what is proposed,
//! overrides it, or rejects the record.
//!
//! Whether an approval still waits is part of the UPDATE that decides it, so of two people who decide at once one
//! does and the other is told who was first. Every verb exists for many at once, with an answer for each. A decision
//! is never edited: [`reopen`] keeps it, takes its effect back and lets the record wait again.

mod answer;
mod approve;
mod list;
mod override_category;
mod preview;
mod reject;
mod reopen;

pub use answer::{Answer, MAX_AT_ONCE};
pub use approve::{approve, approve_many};
pub use list::{Filter, count, decisions, find, find_all, list, load, of_record, of_records};
pub use override_category::{Override, RuleFromOverride, override_category, override_many};
pub use preview::{RulePreview, rule_preview};
pub use reject::{reject, reject_many};
pub use reopen::reopen;
