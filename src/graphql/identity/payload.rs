//! What clients are told who came in, or let others in.

use async_graphql::{ID, SimpleObject};

use super::{Invitation, Member, Session};
use crate::graphql::error::UserError;
use crate::graphql::payload::payloads;

payloads! {
    /// A tenant that was made.
    RegisterTenantPayload {
        /// The owner's way in.
        session: Session
    },
    /// Someone who signed in.
    SignInPayload {
        /// Their way in.
        session: Session
    },
    /// A session that goes on.
    RefreshSessionPayload {
        /// The next pair of tokens.
        session: Session
    },
    /// A session that ended.
    SignOutPayload {
        /// Whether the session is over; signing out twice is no error.
        signed_out: bool
    },
    /// Someone who joined.
    AcceptInvitationPayload {
        /// Their way in.
        session: Session
    },
    /// A member with another role.
    ChangeMemberRolePayload {
        /// The member.
        member: Member
    },
    /// A member who was removed.
    RemoveMemberPayload {
        /// Who was removed.
        removed_user_id: ID
    },
    /// An invitation that was taken back.
    CancelInvitationPayload {
        /// Which one.
        cancelled_invitation_id: ID
    },
}

/// Someone who was invited.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct AddMemberPayload {
    /// The invitation.
    pub invitation: Option<Invitation>,
    /// The link to send to them. It is told once; inviting them again makes a new one.
    pub link: Option<String>,
    /// What to put right; empty when it was done.
    #[graphql(name = "errors")]
    pub user_errors: Vec<UserError>,
}
