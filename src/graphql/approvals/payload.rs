//! What clients are told of the decisions they made, one by one and many at a time.

use async_graphql::{ID, SimpleObject};
use entity::ApprovalId;

use super::Approval;
use crate::approvals::Answer;
use crate::bulk::{Became, ErrorPolicy};
use crate::error::Result;
use crate::graphql::bulk::{BulkOutcome, Ids, Told, count};
use crate::graphql::error::{UserError, payload};
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
    /// Its place in the input, from 0.
    pub index: i32,
    /// Which one was asked about; as it was sent when it is no id of an approval.
    pub approval_id: ID,
    /// What became of it.
    pub outcome: BulkOutcome,
    /// How it stands now; absent when there is no such approval, or nothing was done to any.
    pub approval: Option<Approval>,
    /// Why it was not decided; absent when it was.
    pub error: Option<UserError>,
}

impl ApprovalAnswer {
    fn of(index: i32, told: Told<ApprovalId, Answer>, sent: &ID) -> Result<Self> {
        let (outcome, approval, error) = match told {
            Told::Malformed(error) => (BulkOutcome::Failed, None, Some(error)),
            Told::NotDone(_) => (BulkOutcome::NotDone, None, None),
            Told::Answer(answer) => match answer.became {
                Became::Done(row) => (BulkOutcome::Done, Some(row), None),
                Became::NotDone => (BulkOutcome::NotDone, None, None),
                Became::Refused(error) => {
                    let error = UserError::of_one(error)?;
                    (BulkOutcome::Failed, answer.current, Some(error))
                }
            },
        };
        Ok(Self {
            index,
            approval_id: sent.clone(),
            outcome,
            approval: approval.map(Into::into),
            error,
        })
    }
}

/// The ids of a call, and the answers to those that are some.
type Asked = (Ids<ApprovalId>, Vec<Answer>);

macro_rules! bulk_payloads {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(SimpleObject)]
        #[graphql(serial)]
        pub struct $name {
            /// An answer for each approval, in the order they were asked about; for those that were done only, when
            /// `errorPolicy` is IGNORE_FAILED.
            pub answers: Vec<ApprovalAnswer>,
            /// How many were done.
            pub succeeded: i32,
            /// How many could not be done.
            pub failed: i32,
            /// What to put right about the whole; empty when there are answers.
            #[graphql(name = "errors")]
            pub user_errors: Vec<UserError>,
        }

        impl $name {
            pub(super) fn of(outcome: Result<Asked>, sent: &[ID], policy: ErrorPolicy) -> Result<Self> {
                let (asked, user_errors) = payload(outcome)?;
                let (answers, (succeeded, failed)) = answers(asked, sent, policy)?;
                Ok(Self { answers, succeeded, failed, user_errors })
            }
        }
    )*};
}

fn answers(
    asked: Option<Asked>,
    sent: &[ID],
    policy: ErrorPolicy,
) -> Result<(Vec<ApprovalAnswer>, (i32, i32))> {
    let Some((ids, answers)) = asked else {
        return Ok((Vec::new(), (0, 0)));
    };
    let told = ids.with(answers).zip(sent);
    let told = told.map(|((index, told), sent)| ApprovalAnswer::of(index, told, sent));
    let mut told = told.collect::<Result<Vec<_>>>()?;
    let counts = count(told.iter().map(|answer| answer.outcome));
    if policy == ErrorPolicy::IgnoreFailed {
        told.retain(|answer| answer.outcome == BulkOutcome::Done);
    }
    Ok((told, counts))
}

bulk_payloads! {
    /// Proposals that were accepted, or why not.
    ApproveRecordsPayload,
    /// Proposals that were overridden, or why not.
    OverrideRecordsPayload,
    /// Records that were rejected, or why not.
    RejectRecordsPayload,
}
