//! Categories: the tenant's chart of accounts, a tree whose leaves records are filed under.
//!
//! [`chart`] is the one a new tenant starts with.

pub mod chart;
