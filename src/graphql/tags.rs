//! Tags as clients see them: which there are, and giving them to records.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};
use entity::RecordId;

use super::bulk::{BulkOutcome, ErrorPolicy, Ids, Told, count};
use super::error::{UserError, payload};
use super::loader::find;
use super::op::Op;
use super::page::{Connection, as_of, window};
use super::records::Record;
use crate::bulk::{self, Became};
use crate::ctx::Ctx;
use crate::error::Result;
use crate::permission::Permission;
use crate::records::{self, TagChange, TagUse, Tagged};

/// A tag that records have.
#[derive(Clone, SimpleObject)]
#[graphql(serial)]
pub struct Tag {
    /// The tag, in lower case.
    pub name: String,
    /// How many records have it, of those you see; voided ones do not count.
    pub records: i64,
}

impl From<TagUse> for Tag {
    fn from(used: TagUse) -> Self {
        Self {
            name: used.name,
            records: used.records,
        }
    }
}

/// Records, the tags to give them and those to take away.
#[derive(InputObject)]
pub struct TagRecordsInput {
    /// The records, 1 to 1,000.
    pub record_ids: Vec<ID>,
    /// Tags to add: up to 20, of 1 to 50 characters without commas, semicolons, quotes and backslashes. Kept in lower
    /// case, and each once: one that a record has already changes nothing.
    #[graphql(default)]
    pub add: Vec<String>,
    /// Tags to take away, up to 20; one that a record does not have changes nothing.
    #[graphql(default)]
    pub remove: Vec<String>,
    /// What happens to good ones beside bad ones.
    #[graphql(default_with = "ErrorPolicy::RejectAll")]
    pub error_policy: ErrorPolicy,
}

/// What became of one of many records that were to be tagged.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct TagAnswer {
    /// Its place in the input, from 0.
    pub index: i32,
    /// Which one; as it was sent.
    pub record_id: ID,
    /// What became of it.
    pub outcome: BulkOutcome,
    /// The tags that it did not have before. Take these away, and give back what was `removed`, to undo it.
    pub added: Vec<String>,
    /// The tags that it had before.
    pub removed: Vec<String>,
    /// Why it was not tagged; absent when it was.
    pub error: Option<UserError>,
    #[graphql(skip)]
    key: Option<RecordId>,
}

#[ComplexObject]
impl TagAnswer {
    /// The record as it is now; absent when it was not tagged.
    async fn record(&self, ctx: &Context<'_>) -> Result<Option<Record>> {
        match self.key {
            Some(id) => find(ctx, id).await,
            None => Ok(None),
        }
    }
}

impl TagAnswer {
    fn of(index: i32, told: Told<RecordId, Tagged>, sent: &ID) -> Result<Self> {
        let mut answer = Self {
            index,
            record_id: sent.clone(),
            outcome: BulkOutcome::NotDone,
            added: Vec::new(),
            removed: Vec::new(),
            error: None,
            key: None,
        };
        match told {
            Told::Malformed(error) => {
                answer.outcome = BulkOutcome::Failed;
                answer.error = Some(error);
            }
            Told::NotDone(_) => {}
            Told::Answer(Tagged { record, became }) => match became {
                Became::Done(TagChange { added, removed }) => {
                    answer.outcome = BulkOutcome::Done;
                    answer.added = added;
                    answer.removed = removed;
                    answer.key = Some(record);
                }
                Became::NotDone => {}
                Became::Refused(error) => {
                    answer.outcome = BulkOutcome::Failed;
                    answer.error = Some(UserError::of_one(error)?);
                }
            },
        }
        Ok(answer)
    }
}

/// Records that were tagged.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct TagRecordsPayload {
    /// One per record, in the order sent; for those that were tagged only, when `errorPolicy` is IGNORE_FAILED. Empty when
    /// the call as a whole was not accepted.
    pub answers: Vec<TagAnswer>,
    /// How many have their tags now.
    pub succeeded: i32,
    /// How many were not tagged.
    pub failed: i32,
    /// What to put right in the call as a whole.
    #[graphql(name = "errors")]
    pub user_errors: Vec<UserError>,
}

impl TagRecordsPayload {
    async fn of(op: &Ctx, input: TagRecordsInput) -> Result<Self> {
        let policy: bulk::ErrorPolicy = input.error_policy.into();
        let sent = &input.record_ids;
        let wanted = TagChange {
            added: input.add,
            removed: input.remove,
        };
        let tagged = async {
            let ids = Ids::<RecordId>::read("Record", "recordIds", sent, records::MAX_TAGGED)?;
            let answers = records::tag_many(op, &ids.good(policy), &wanted, policy).await?;
            let told = ids.with(answers).zip(sent);
            let told = told.map(|((index, told), sent)| TagAnswer::of(index, told, sent));
            told.collect::<Result<Vec<_>>>()
        };
        let (answers, user_errors) = payload(tagged.await)?;
        let mut answers = answers.unwrap_or_default();
        let (succeeded, failed) = count(answers.iter().map(|answer| answer.outcome));
        if policy == bulk::ErrorPolicy::IgnoreFailed {
            answers.retain(|answer| answer.outcome == BulkOutcome::Done);
        }
        Ok(Self {
            answers,
            succeeded,
            failed,
            user_errors,
        })
    }
}

/// Questions about tags.
#[derive(Default)]
pub struct TagsQuery;

#[Object]
impl TagsQuery {
    /// The tags of the records that you see, the most used first. Needs `records:read`.
    async fn tags(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A part of the tag, in any letter case; all tags when left out.")]
        text: Option<String>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor to start after.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor to end before.")] before: Option<String>,
    ) -> Result<Connection<Tag>> {
        let window = window(first, after, last, before)?;
        let op = ctx.op()?;
        let as_of = as_of(ctx).await?;
        let (page, count) = records::tags(op, text.as_deref(), &window).await?;
        let mut found = Connection::of(page, Tag::from);
        found.as_of = as_of;
        found.total_count = i64::try_from(count).ok();
        Ok(found)
    }
}

/// What is done with tags.
#[derive(Default)]
pub struct TagsMutation;

#[Object]
impl TagsMutation {
    /// Give records tags, and take others away, all or nothing unless said otherwise. Each answer tells what changed,
    /// which is what undoes it. Tags that rules set can be taken away too. Needs `approvals:decide` and
    /// `records:read`.
    async fn tag_records(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: TagRecordsInput,
    ) -> Result<TagRecordsPayload> {
        let op = ctx.op()?;
        // who may not is told so, whatever the input looks like
        op.require(Permission::DecideApprovals)?;
        TagRecordsPayload::of(op, input).await
    }
}
