//! A company to look at: what a first start in development shows instead of an empty screen.
//!
//! [`statement`] writes the bank and card statements of a small design studio, the same for the same seed, with
//! the noise real banks add. [`payees`] is who the studio deals with, [`random`] where its chances come from.

mod company;
mod feed;
pub mod payees;
pub mod random;
pub mod statement;

pub use company::{Access, Session, greeting, open, session};
pub use feed::feed;
