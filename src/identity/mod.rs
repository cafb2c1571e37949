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

mod account;
mod acting;
mod addresses;
pub mod api_keys;
mod attempts;
mod authenticate;
mod change_password;
mod complete;
mod custom_roles;
mod devices;
pub mod emails;
mod everyone;
mod forget;
mod forgotten;
mod hold;
mod invitations;
mod leave;
pub mod lockout;
mod logs;
mod members;
mod names;
mod notices;
pub mod oauth;
mod one_time;
pub mod passkeys;
pub mod passwords;
mod people;
mod profile;
mod recovery_codes;
mod register;
mod reset;
mod retention;
mod roles;
mod second_factor;
mod service_accounts;
mod sessions;
mod sign_in;
mod signing_keys;
mod standing;
mod switch;
pub mod tokens;
mod totp;
mod traces;
mod viewer;
mod ways_in;

pub use crate::ctx::Standing;
pub use account::delete_my_account;
pub use acting::acting;
pub use addresses::{change_email, request_email_verification, verify_email};
pub use attempts::{count_sign_ins, list_sign_ins};
pub use authenticate::authenticate;
pub use change_password::change_password;
pub use complete::{Completion, complete_sign_in};
pub use custom_roles::{
    MAX_ROLES, archive_role, create_role, grants_of, list_roles, roles_by_ids, update_role,
};
pub use devices::{Device, count_my_sessions, my_sessions, revoke_session, sign_out_everywhere};
pub use everyone::tenants;
pub use forget::forget;
pub use forgotten::{mail_reset_link, request_password_reset, reset_password_by_token};
pub use hold::{held, require_at_work};
pub use invitations::{
    Invitation, Invited, accept_invitation, add_member, cancel_invitation, count_invitations,
    join_tenant, list_invitations, resend_invitation,
};
pub use leave::{leave_tenant, transfer_ownership};
pub use members::{
    Member, change_role, count_members, list_members, owners, remove_member, role_name,
};
pub use people::user_names;
pub use profile::{
    PreferenceChange, Profile, ProfileChange, my_profile, update_preferences, update_profile,
};
pub use register::{Founder, NewTenant, books, found, founder, known_founder};
pub use reset::reset_password;
pub use retention::prune;
pub use roles::{RoleChoice, permissions_of};
pub use second_factor::{
    Enrolment, Proof, SecondFactor, Security, confirm_totp, disable_totp, enrol_totp,
    renew_recovery_codes, security,
};
pub use service_accounts::{
    NewServiceAccount, ServiceAccountChange, archive_service_account, count_service_accounts,
    create_service_account, list_service_accounts, permission_names, service_account_names,
    update_service_account,
};
pub use sessions::{SignedIn, enter, refresh, sign_out};
pub use sign_in::{Challenge, Credentials, SignIn, sign_in};
pub use signing_keys::{
    SigningKey, keep_signing_keys, published_keys, rotate_signing_key, signing_keys,
};
pub use standing::{changed, follow_changes, standing};
pub use switch::{Belonging, count_my_tenants, my_tenants, switch_tenant};
pub use traces::erase as erase_traces;
pub use viewer::{Person, Viewer, viewer};
