//! What clients are told of the records they sent or drove again, one by one.

use async_graphql::{ComplexObject, Context, Enum, ID, SimpleObject};
use entity::RecordId;

use super::Record;
use crate::bulk::{self, Became};
use crate::ctx::Ctx;
use crate::error::Result;
use crate::graphql::bulk::{BulkOutcome, ErrorPolicy, Ids, Told, count};
use crate::graphql::error::{UserError, UserErrorCode, payload};
use crate::graphql::loader::find;
use crate::graphql::node::global;
use crate::records::{self, Retried, RowAnswer};

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ImportRowStatus {
    /// It is a record now.
    New,
    /// It was a record already.
    Duplicate,
    /// It could not be read.
    Refused,
    /// It is good, and was left out because another row is not.
    NotStored,
}

/// The answer to one row.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct ImportRowAnswer {
    /// Its place in the input, from 0.
    pub index: i32,
    /// What became of it.
    pub status: ImportRowStatus,
    /// What to put right in it.
    pub error: Option<UserError>,
    #[graphql(skip)]
    record_id: Option<RecordId>,
}

#[ComplexObject]
impl ImportRowAnswer {
    /// The record it is.
    async fn record(&self, ctx: &Context<'_>) -> Result<Option<Record>> {
        match self.record_id {
            Some(id) => find(ctx, id).await,
            None => Ok(None),
        }
    }
}

impl From<ImportRowStatus> for BulkOutcome {
    fn from(status: ImportRowStatus) -> Self {
        match status {
            ImportRowStatus::New | ImportRowStatus::Duplicate => Self::Done,
            ImportRowStatus::Refused => Self::Failed,
            ImportRowStatus::NotStored => Self::NotDone,
        }
    }
}

impl ImportRowAnswer {
    fn of(index: usize, answer: RowAnswer) -> Self {
        let (status, record_id, error) = match answer {
            RowAnswer::New(record) => (ImportRowStatus::New, Some(record), None),
            RowAnswer::Duplicate(record) => (ImportRowStatus::Duplicate, Some(record), None),
            RowAnswer::NotStored => (ImportRowStatus::NotStored, None, None),
            RowAnswer::Refused { field, message } => {
                let error = UserError {
                    field: Some(format!("rows[{index}].{field}")),
                    message,
                    code: UserErrorCode::BadUserInput,
                };
                (ImportRowStatus::Refused, None, Some(error))
            }
        };
        Self {
            index: i32::try_from(index).unwrap_or(i32::MAX),
            status,
            error,
            record_id,
        }
    }
}

/// The answers to the rows of a call.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct ImportRecordsPayload {
    /// One per row, in order; empty when the call as a whole was not accepted. When `errorPolicy` is IGNORE_FAILED, rows
    /// that could not be read are left out.
    pub rows: Vec<ImportRowAnswer>,
    /// How many rows are records now, or were before.
    pub succeeded: i32,
    /// How many rows could not be read.
    pub failed: i32,
    /// What to put right in the call as a whole.
    #[graphql(name = "errors")]
    pub user_errors: Vec<UserError>,
}

impl ImportRecordsPayload {
    pub(super) fn of(
        answers: Vec<RowAnswer>,
        user_errors: Vec<UserError>,
        policy: ErrorPolicy,
    ) -> Self {
        let rows = answers.into_iter().enumerate();
        let mut rows: Vec<_> = rows
            .map(|(index, answer)| ImportRowAnswer::of(index, answer))
            .collect();
        let (succeeded, failed) = count(rows.iter().map(|row| row.status.into()));
        if policy == ErrorPolicy::IgnoreFailed {
            rows.retain(|row| row.status != ImportRowStatus::Refused);
        }
        Self {
            rows,
            succeeded,
            failed,
            user_errors,
        }
    }
}

/// What became of one of many records that were to be driven again.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct RetryAnswer {
    /// Its place in the input, from 0.
    pub index: i32,
    /// Which one; as it was sent.
    pub record_id: ID,
    /// What became of it.
    pub outcome: BulkOutcome,
    /// Why it was not driven; absent when it was.
    pub error: Option<UserError>,
}

impl RetryAnswer {
    fn of(index: i32, told: Told<RecordId, Retried>, sent: &ID) -> Result<Self> {
        let (outcome, error) = match told {
            Told::Malformed(error) => (BulkOutcome::Failed, Some(error)),
            Told::NotDone(_) => (BulkOutcome::NotDone, None),
            Told::Answer(answer) => match answer.became {
                Became::Done(()) => (BulkOutcome::Done, None),
                Became::NotDone => (BulkOutcome::NotDone, None),
                Became::Refused(error) => (BulkOutcome::Failed, Some(UserError::of_one(error)?)),
            },
        };
        Ok(Self {
            index,
            record_id: sent.clone(),
            outcome,
            error,
        })
    }
}

/// Failed records that were driven again.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct RetryFailedRecordsPayload {
    /// Those that were driven.
    pub record_ids: Vec<ID>,
    /// An answer for each record that was named, in that order; for those that were driven only, when `errorPolicy` is
    /// IGNORE_FAILED. Empty when every failed one was meant.
    pub answers: Vec<RetryAnswer>,
    /// How many were driven.
    pub succeeded: i32,
    /// How many were not, being no failed records of yours.
    pub failed: i32,
    /// What to put right; empty when it was done.
    #[graphql(name = "errors")]
    pub user_errors: Vec<UserError>,
}

impl RetryFailedRecordsPayload {
    /// Drives the records that are named.
    pub(super) async fn of(op: &Ctx, sent: &[ID], policy: bulk::ErrorPolicy) -> Result<Self> {
        let driven = async {
            let ids = Ids::<RecordId>::read("Record", "recordIds", sent, records::MAX_RETRIED)?;
            let answers = records::retry_failed(op, &ids.good(policy), policy).await?;
            let told = ids.with(answers).zip(sent);
            let told = told.map(|((index, told), sent)| RetryAnswer::of(index, told, sent));
            told.collect::<Result<Vec<_>>>()
        };
        let (answers, user_errors) = payload(driven.await)?;
        let mut answers = answers.unwrap_or_default();
        let (succeeded, failed) = count(answers.iter().map(|answer| answer.outcome));
        let driven = answers
            .iter()
            .filter(|answer| answer.outcome == BulkOutcome::Done);
        let record_ids = driven.map(|answer| answer.record_id.clone()).collect();
        if policy == bulk::ErrorPolicy::IgnoreFailed {
            answers.retain(|answer| answer.outcome == BulkOutcome::Done);
        }
        Ok(Self {
            record_ids,
            answers,
            succeeded,
            failed,
            user_errors,
        })
    }

    /// What came of driving every failed record.
    pub(super) fn of_all(driven: Result<Vec<RecordId>>) -> Result<Self> {
        let (driven, user_errors) = payload(driven)?;
        let driven = driven.unwrap_or_default().into_iter();
        let record_ids: Vec<ID> = driven.map(|id| global("Record", id)).collect();
        Ok(Self {
            succeeded: i32::try_from(record_ids.len()).unwrap_or(i32::MAX),
            failed: 0,
            record_ids,
            answers: Vec::new(),
            user_errors,
        })
    }
}
