//! What a simulation supposed, made real, and taken back.
//!
//! [`apply`] puts the supposed rules and the supposed policy in force by the verbs that people use, in one unit of work: all of
//! them, or none when the present is no longer what was simulated. Records follow only where that is asked for, in steps
//! that a worker makes ([`work`]) as the person who applied it and with what that person may do then: those that wait are
//! proposed again by the pipeline, those in the books are filed elsewhere. What is refused or left alone is listed with
//! its reason. [`undo`] takes everything back by events that compensate, and leaves alone what was changed since.

mod apply;
mod backwards;
mod find;
mod forwards;
mod item;
mod place;
mod put_in_force;
mod since;
mod take_back;
mod undo;
mod work;

pub use apply::{Choice, apply};
pub use find::{ItemFilter, by_ids, count, count_items, items, list, load};
pub use undo::undo;
pub use work::{give_up, work};
