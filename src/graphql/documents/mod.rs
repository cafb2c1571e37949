//! Documents that are known before they are sent: validated once, kept by their hash, registered by their client.
//!
//! [`prepare`](prepare()) is the way in for every transport: it finds the document that a request sends or names, and
//! refuses what a strict client has not registered. The `judge` validates apart from execution; the [`Checker`] is the
//! same look at a document before anybody sends it. [`diff`] compares two schemas.

pub mod against;
pub mod automatic;
pub mod check;
pub mod diff;
pub mod id;
pub(super) mod judge;
pub mod manifest;
mod prepare;
pub mod told;
mod values;

pub use check::{Checker, Draft};
pub use id::document_id;
pub use judge::Judge;
pub use prepare::{Who, prepare};
pub use told::Told;
