//! What may pass without a person, and what that is worth.
//!
//! A tenant sets how much of what passes is to be right, and not how sure a proposal must be: the [`bar`] of each source
//! follows from what people said of its earlier proposals, and falls when they begin to disagree. Nothing passes until a
//! tenant asks for it; until then what would pass is only told. Of what would pass a share is shown to a person all the
//! same, and a person who takes one back counts as much: these are the outcomes that keep a bar, since what passed by
//! itself proves nothing and teaches nothing.

pub mod bar;
mod earned;
mod outcomes;
mod policy;
mod report;

pub use bar::{Bar, Bars, Outcome, Outcomes};
pub use earned::{Earned, Gate, Passage, Settings};
pub use outcomes::{latest, of};
pub use policy::{Change, Policy, policy_in, policy_within, set, set_within, standing};
pub use report::{BINS, Bin, Counted, Report, report};
