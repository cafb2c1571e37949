//! Tokens that providers gave for somebody, by OAuth 2.0: kept sealed, refreshed when they lapse, and used.
//!
//! A grant belongs to what it was given for, and carries its id: a linked identity today. It is never shown. Whoever
//! needs something of the provider makes a [`Client`] of it, which refreshes the tokens itself. Many providers replace
//! the refresh token each time and take a second use of the old one for theft, so one process refreshes and the others
//! wait for what it got: `refreshing_until` is the claim, and `revision` says which tokens are replaced.

#![allow(
    clippy::disallowed_methods,
    reason = "the room that owns a table read before a tenant is known"
)]

mod client;
mod store;

pub use client::{Client, revoke};
pub use store::{Standing, check, keep, standings, take, take_of};

pub use crate::outbound::oauth::{Server, Tokens};
