//! What clients say about tenants and about themselves.

use async_graphql::{ID, InputObject, Json, MaybeUndefined};
use serde_json::Value;

use super::Theme;

/// Another company.
#[derive(InputObject)]
pub struct CreateTenantInput {
    /// What it is called.
    pub tenant_name: String,
    /// ISO 4217 code of the currency its reports default to.
    #[graphql(default = "EUR")]
    pub base_currency: String,
}

/// Where to go.
#[derive(InputObject)]
pub struct SwitchTenantInput {
    /// A tenant of yours.
    pub tenant_id: ID,
}

/// An answer to an invitation, by somebody who is signed in.
#[derive(InputObject)]
pub struct JoinTenantInput {
    /// The token in the link.
    pub token: String,
}

/// A tenant to leave.
#[derive(InputObject)]
pub struct LeaveTenantInput {
    /// A tenant of yours.
    pub tenant_id: ID,
}

/// Who becomes the owner.
#[derive(InputObject)]
pub struct TransferOwnershipInput {
    /// Another member.
    pub user_id: ID,
}

/// An invitation to send again.
#[derive(InputObject)]
pub struct ResendInvitationInput {
    /// Which one.
    pub invitation_id: ID,
}

/// What of the tenant to change; what is left out stays.
#[derive(InputObject)]
pub struct UpdateTenantInput {
    /// What it is called.
    pub tenant_name: Option<String>,
    /// ISO 4217 code of the currency its reports default to.
    pub base_currency: Option<String>,
}

/// A tenant to put on hold.
#[derive(InputObject)]
pub struct SuspendTenantInput {
    /// The tenant you are in, so that it is no other by mistake.
    pub tenant_id: ID,
}

/// A tenant to put back to work.
#[derive(InputObject)]
pub struct ResumeTenantInput {
    /// The tenant you are in, so that it is no other by mistake.
    pub tenant_id: ID,
}

/// Proof that you mean it.
#[derive(InputObject)]
pub struct RequestTenantDeletionInput {
    /// The name of the tenant you are in, typed to confirm.
    pub tenant_name: String,
}

/// A tenant to keep.
#[derive(InputObject)]
pub struct CancelTenantDeletionInput {
    /// The tenant you are in, so that it is no other by mistake.
    pub tenant_id: ID,
}

/// How to ask for an export.
#[derive(InputObject)]
pub struct ExportTenantInput {
    /// A name for this very request, such as a random UUID. Sent again within a day with the same input, it is not carried
    /// out again and answered as the first time.
    pub idempotency_key: Option<String>,
}

/// What of you to change; what is left out stays.
#[derive(InputObject)]
pub struct UpdateProfileInput {
    /// What to call you.
    pub name: Option<String>,
    /// BCP 47 tag of your language, such as `de-AT`; null takes it away.
    pub locale: MaybeUndefined<String>,
    /// IANA name of your time zone, such as `Europe/Vienna`; null takes it away.
    pub time_zone: MaybeUndefined<String>,
}

/// What you like; what is left out stays, null takes it away.
#[derive(InputObject)]
pub struct UpdatePreferencesInput {
    /// Entries on a page, 1 to 100.
    pub page_size: MaybeUndefined<i32>,
    /// How the app looks.
    pub theme: MaybeUndefined<Theme>,
    /// What apps keep for you: a JSON object of at most 4 KB.
    pub app: MaybeUndefined<Json<Value>>,
}

/// Proof that you mean it.
#[derive(InputObject)]
pub struct DeleteMyAccountInput {
    /// Your address, typed to confirm.
    pub email: String,
    /// Your password, if you have one.
    pub password: Option<String>,
}
