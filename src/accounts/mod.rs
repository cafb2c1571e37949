//! The bank accounts, cards and cash boxes that money moves on.
//!
//! Statements name accounts by number: the number is how a file, an upload and a webhook meet on the same account. An
//! account is put away, never removed, since its records stay.

mod change;
mod find;
mod number;

pub use change::{AccountChange, NewAccount, archive, change, create, restore};
pub use find::{AccountFilter, by_ids, by_numbers, count, list, load, mapping};
pub use number::{NamedAccount, adopt_number, find_or_create_by_number, normal};
