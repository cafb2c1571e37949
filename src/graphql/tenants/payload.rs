//! What clients are told about tenants and about themselves.

use async_graphql::{ID, SimpleObject};

use super::{Profile, TenantExport, TenantState};
use crate::graphql::error::UserError;
use crate::graphql::identity::{Invitation, Member, Session};
use crate::graphql::payload::payloads;

payloads! {
    /// A tenant that was opened.
    CreateTenantPayload {
        /// Your way into it.
        session: Session
    },
    /// Another tenant to work in.
    SwitchTenantPayload {
        /// Your way into it.
        session: Session
    },
    /// A tenant that was joined.
    JoinTenantPayload {
        /// Your way into it.
        session: Session
    },
    /// An export that was asked for.
    ExportTenantPayload {
        /// The export.
        export: TenantExport
    },
    /// A tenant that was left.
    LeaveTenantPayload {
        /// Which one.
        left_tenant_id: ID
    },
    /// A tenant with another owner.
    TransferOwnershipPayload {
        /// The new owner.
        member: Member
    },
    /// A tenant that was changed.
    UpdateTenantPayload {
        /// The tenant.
        tenant: TenantState
    },
    /// A tenant on hold.
    SuspendTenantPayload {
        /// The tenant.
        tenant: TenantState
    },
    /// A tenant at work.
    ResumeTenantPayload {
        /// The tenant.
        tenant: TenantState
    },
    /// A tenant that will be erased.
    RequestTenantDeletionPayload {
        /// The tenant.
        tenant: TenantState
    },
    /// A tenant that is kept.
    CancelTenantDeletionPayload {
        /// The tenant.
        tenant: TenantState
    },
    /// What you are called now.
    UpdateProfilePayload {
        /// You.
        profile: Profile
    },
    /// What you like now.
    UpdatePreferencesPayload {
        /// You.
        profile: Profile
    },
    /// An account that is gone.
    DeleteMyAccountPayload {
        /// Whether it is gone.
        deleted: bool
    },
}

/// An invitation that was sent again.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct ResendInvitationPayload {
    /// The invitation.
    pub invitation: Option<Invitation>,
    /// The new link. It is told once.
    pub link: Option<String>,
    /// What to put right; empty when it was done.
    #[graphql(name = "errors")]
    pub user_errors: Vec<UserError>,
}
