//! What clients say to get in, and to let others in.

use async_graphql::{ID, InputObject};

use super::Role;

/// A company and the person who will own it.
#[derive(InputObject)]
pub struct RegisterTenantInput {
    /// What the company is called.
    pub tenant_name: String,
    /// What its owner is called.
    pub name: String,
    /// The owner's address.
    pub email: String,
    /// A new password of at least 10 characters; or the owner's, if the address is known already.
    pub password: String,
    /// ISO 4217 code of the currency its reports default to.
    #[graphql(default = "EUR")]
    pub base_currency: String,
}

/// What someone shows who signs in.
#[derive(InputObject)]
pub struct SignInInput {
    /// Their address.
    pub email: String,
    /// Their password.
    pub password: String,
    /// Into which tenant; without it, the one they have belonged to for longest.
    pub tenant_id: Option<ID>,
}

/// A refresh token to exchange.
#[derive(InputObject)]
pub struct RefreshSessionInput {
    /// The latest refresh token.
    pub refresh_token: String,
}

/// A session to end.
#[derive(InputObject)]
pub struct SignOutInput {
    /// A refresh token of the session.
    pub refresh_token: String,
}

/// Someone to invite.
#[derive(InputObject)]
pub struct AddMemberInput {
    /// Their address.
    pub email: String,
    /// What they become: nothing that brings more than you hold yourself.
    pub role: Role,
    /// The role of the tenant's own, with the role CUSTOM.
    pub custom_role_id: Option<ID>,
}

/// An answer to an invitation.
#[derive(InputObject)]
pub struct AcceptInvitationInput {
    /// The token in the link.
    pub token: String,
    /// What to call them; not read if they are known already.
    #[graphql(default)]
    pub name: String,
    /// A new password of at least 10 characters; or theirs, if they are known already.
    pub password: String,
}

/// A member and their new role.
#[derive(InputObject)]
pub struct ChangeMemberRoleInput {
    /// Who.
    pub user_id: ID,
    /// What they become: nothing that brings more than you hold yourself.
    pub role: Role,
    /// The role of the tenant's own, with the role CUSTOM.
    pub custom_role_id: Option<ID>,
}

/// A member to remove.
#[derive(InputObject)]
pub struct RemoveMemberInput {
    /// Who.
    pub user_id: ID,
}

/// An invitation to take back.
#[derive(InputObject)]
pub struct CancelInvitationInput {
    /// Which one.
    pub invitation_id: ID,
}
