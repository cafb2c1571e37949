//! Rules that what people approved suggests, and never makes by itself.
//!
//! [`Habits`] follow how each merchant is filed; where a habit is clear a suggestion is [`note`]d, with the log telling it.
//! A person sees what it [would change](back_test) and [`accept`]s, [`dismiss`]es or [`snooze`]s it. Accepted, it becomes a rule
//! or joins one of the same category, and goes on being watched: a rule that stops holding is retired with notice, and
//! [`restore`]d if that was wrong. One that a person [lets approve by itself](set_self_approval) does so only while its
//! [class](Classes) has earned it, and stops at the first contradiction. `docs/decisions/0023` says why.

mod accept;
mod back_test;
mod classes;
mod clause;
mod find;
mod habits;
mod note;
mod put_off;
mod retire;
mod self_approval;
mod trusted;

pub use accept::{Acceptance, Accepted, accept};
pub use back_test::{BackTest, Difference, back_test, changes, count_changes};
pub use classes::{Class, Classes, Tallies, Tally};
pub use clause::clause;
pub use find::{Filter, count, find_all, list, load, of_rules, status};
pub use habits::{Habit, Habits, Key};
pub use note::{Seen, note};
pub use put_off::{dismiss, restore, snooze};
pub use self_approval::{SelfApproval, self_approval, set_self_approval};
pub use trusted::{Standing, Trusted, standing};
