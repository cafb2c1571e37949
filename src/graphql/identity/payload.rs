//! What clients are told who came in, or let others in.

use async_graphql::{ID, SimpleObject};
use chrono::{DateTime, Utc};

use super::{Invitation, Member, Session};
use crate::error::Result;
use crate::graphql::error::{UserError, payload};
use crate::graphql::payload::payloads;
use crate::identity::{Challenge, SignIn};

payloads! {
    /// A tenant that was made.
    RegisterTenantPayload {
        /// The owner's way in.
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

/// Someone who signed in, or is halfway.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct SignInPayload {
    /// Their way in; absent while a second factor is owed.
    pub session: Option<Session>,
    /// What to show together with the second factor; absent when none is owed.
    pub challenge: Option<SignInChallenge>,
    /// What to put right; empty when it was done.
    #[graphql(name = "errors")]
    pub user_errors: Vec<UserError>,
}

impl SignInPayload {
    pub(in crate::graphql) fn of(outcome: Result<SignIn>) -> Result<Self> {
        let (done, user_errors) = payload(outcome)?;
        let (session, challenge) = match done {
            Some(SignIn::In(signed_in)) => (Some(signed_in.into()), None),
            Some(SignIn::SecondFactor(challenge)) => (None, Some(challenge.into())),
            None => (None, None),
        };
        Ok(Self {
            session,
            challenge,
            user_errors,
        })
    }
}

/// One factor was right, and another is owed.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct SignInChallenge {
    /// To show with the second factor; good once.
    pub token: String,
    /// When it stops being good.
    pub expires_at: DateTime<Utc>,
}

impl From<Challenge> for SignInChallenge {
    fn from(challenge: Challenge) -> Self {
        Self {
            token: challenge.token,
            expires_at: challenge.expires_at,
        }
    }
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
