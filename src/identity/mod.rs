//! Who someone is: people, passwords, sessions, memberships and invitations.
//!
//! This room answers one question for all the others: a bearer token becomes a [`Ctx`](crate::ctx::Ctx), or nothing.
//! Its tables are read before a tenant is known, so most of it works without one; whatever happens inside a tenant
//! goes through a unit of work of that tenant, with its event.
//!
//! A person who is not let in learns nothing about who exists: the same answer, after the same work.

#![allow(
    clippy::disallowed_methods,
    reason = "the room that owns the tables read before a tenant is known"
)]

mod authenticate;
pub mod emails;
mod invitations;
mod members;
mod names;
pub mod passwords;
mod people;
mod register;
mod reset;
mod retention;
mod roles;
mod sessions;
mod sign_in;
mod standing;
pub mod tokens;
mod viewer;

pub use crate::ctx::Standing;
pub use authenticate::authenticate;
pub use invitations::{
    Invitation, Invited, accept_invitation, add_member, cancel_invitation, count_invitations,
    list_invitations,
};
pub use members::{Member, change_role, count_members, list_members, remove_member, role_name};
pub use register::{Founder, NewTenant, found, founder};
pub use reset::reset_password;
pub use retention::prune;
pub use roles::permissions_of;
pub use sessions::{SignedIn, enter, refresh, sign_out};
pub use sign_in::{Challenge, Credentials, SignIn, sign_in};
pub use standing::{changed, follow_changes, standing};
pub use viewer::{Company, Person, Viewer, viewer};
