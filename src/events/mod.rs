//! The reading side of the event log: pages of it, a live tail, and the proof that nobody changed it.
//!
//! Every reader does the same: it holds a [`Cursor`] and reads on from there. A wake-up only says that reading is
//! worth it; one that is lost costs a tick of a slow timer, never an event. [`Tails`] reads the log of a tenant once
//! for all its followers of the process.

mod cursor;
mod feed;
mod json;
mod read;
mod ring;
mod tail;
mod tails;
mod verify;

pub use cursor::Cursor;
pub use feed::{FeedPage, Filter, MAX, feed, head};
pub use json::to_json;
pub use tails::{Delivery, Following, Tails, may_follow};
pub use verify::{Problem, Verdict, verify};
