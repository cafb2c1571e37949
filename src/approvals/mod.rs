//! The decisions people owe: one approval waits per processed record, until someone approves what is proposed,
//! overrides it, or rejects the record.
//!
//! Whether an approval still waits is part of the UPDATE that decides it, so of two people who decide at once one
//! does and the other is told who was first. Every verb exists for many at once, with an answer for each. A decision
//! is never edited: [`reopen`] keeps it, takes its effect back and lets the record wait again.
//!
//! An override above the tenant's ceiling decides nothing by itself: it becomes a proposal of the person, in an approval
//! of its own, that somebody else approves or [`decline`]s. What an approval proposes never changes, so whoever approves
//! it approves what they saw; where the pipeline has something better to propose, it [`withdraw`]s the one that waits.

mod answer;
mod approve;
mod can;
mod decline;
mod list;
mod override_category;
mod plan;
mod preview;
mod propose_again;
mod refile;
mod reject;
mod reopen;
mod reopen_automatic;
mod split;
mod standing;
mod withdraw;

pub use answer::{Answer, MAX_AT_ONCE};
pub use approve::{approve, approve_many};
pub use can::{About, can};
pub use decline::decline;
pub use list::{Filter, count, decisions, find, find_all, list, load, of_record, of_records};
pub use override_category::{Override, RuleFromOverride, override_category, override_many};
pub use preview::{RulePreview, rule_preview};
pub use propose_again::{Restore, Waiting, propose_again, restore_proposals};
pub use refile::{FileBack, Refile, file_back, refile};
pub use reject::{reject, reject_many};
pub use reopen::reopen;
pub use reopen_automatic::reopen_automatic;
pub use split::{Split, split};
pub use standing::{Refusal, Standing};
pub use withdraw::withdraw;
