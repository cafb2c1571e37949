//! What clients are told of the decisions they made, one by one and many at a time.

use async_graphql::{ID, SimpleObject};

use super::Approval;
use crate::approvals::Answer;
use crate::error::Result;
use crate::graphql::error::{UserError, payload};
use crate::graphql::node::global;
use crate::graphql::payload::payloads;

payloads! {
    /// A proposal that was accepted.
    ApproveRecordPayload {
        /// The approval.
        approval: Approval
    },
    /// A proposal that was overridden.
    OverrideRecordPayload {
        /// The approval.
        approval: Approval
    },
    /// A record that was rejected.
    RejectRecordPayload {
        /// The approval.
        approval: Approval
    },
    /// An override that was declined.
    DeclineOverridePayload {
        /// The approval that waits now.
        approval: Approval
    },
    /// A decision that was taken back.
    ReopenApprovalPayload {
        /// The approval that waits now.
        approval: Approval
    },
}

/// What became of one of many approvals.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct ApprovalAnswer {
    /// Which one was asked about.
    pub approval_id: ID,
    /// How it stands now; absent when there is no such approval.
    pub approval: Option<Approval>,
    /// Why it was not decided; absent when it was.
    pub error: Option<UserError>,
}

impl ApprovalAnswer {
    fn of(answer: Answer) -> Result<Self> {
        let (approval, error) = match answer.outcome {
            Ok(row) => (Some(row), None),
            Err(error) => (answer.current, Some(UserError::of_one(error)?)),
        };
        Ok(Self {
            approval_id: global("Approval", answer.id),
            approval: approval.map(Into::into),
            error,
        })
    }
}

macro_rules! bulk_payloads {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(SimpleObject)]
        #[graphql(serial)]
        pub struct $name {
            /// An answer for each approval, in the order they were asked about.
            pub answers: Vec<ApprovalAnswer>,
            /// What to put right about the whole; empty when there are answers.
            #[graphql(name = "errors")]
            pub user_errors: Vec<UserError>,
        }

        impl $name {
            pub(super) fn of(outcome: Result<Vec<Answer>>) -> Result<Self> {
                let (answers, user_errors) = payload(outcome)?;
                let answers = answers.unwrap_or_default().into_iter().map(ApprovalAnswer::of);
                Ok(Self { answers: answers.collect::<Result<_>>()?, user_errors })
            }
        }
    )*};
}

bulk_payloads! {
    /// Proposals that were accepted, or why not.
    ApproveRecordsPayload,
    /// Proposals that were overridden, or why not.
    OverrideRecordsPayload,
    /// Records that were rejected, or why not.
    RejectRecordsPayload,
}
