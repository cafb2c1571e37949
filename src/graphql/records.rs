//! Records, as clients see them.

mod input;
mod payload;
mod prefetch;

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, Enum, ID, Json, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{AccountId, CategoryId, ConnectionId, DecisionId, ImportId, RecordId, record};
pub use input::{
    ImportRecordsInput, ImportRow, MoneyDirection, RecordFilter, RecordOrder,
    RetryFailedRecordsInput,
};
pub use payload::{
    ImportRecordsPayload, ImportRowAnswer, ImportRowStatus, RetryAnswer, RetryFailedRecordsPayload,
};
pub(super) use prefetch::{
    beside, columns, decision_columns, distinct, feed_accounts, feed_connections, is_ordinary,
};
use serde_json::Value;

use super::accounts::Account;
use super::categories::Category;
use super::connections::Connection;
use super::decisions::{Decision, DecisionsOf};
use super::error::payload;
use super::imports::Import;
use super::links::{LinksOf, Refund, Transfer};
use super::loader::{OpLoader, find};
use super::node::{global, local};
use super::op::Op;
use super::page::{self, Asked, as_of, asks, window};
use super::plain::plain;
use super::scalar::{Date, Money};
use super::similar::{SimilarRecord, SimilarTo};
use super::splits::SplitLine;
use crate::error::{Error, Result};
use crate::permission::Permission;
use crate::records;
use crate::tag;

/// How far a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "record::Status")]
pub enum RecordStatus {
    /// Stored, waiting for the pipeline.
    Received,
    /// A decision is proposed.
    Processed,
    /// A person, or earned automation, agreed.
    Approved,
    /// It does not belong in the books.
    Rejected,
    /// The pipeline gave up; it can be retried.
    Failed,
    /// Taken back with its import.
    Voided,
}

/// One movement of money, as received and as understood.
#[derive(Clone, SimpleObject)]
#[graphql(complex, serial)]
pub struct Record {
    /// Opaque global id.
    pub id: ID,
    /// How far it is.
    pub status: RecordStatus,
    /// The local date it happened.
    pub occurred_on: Date,
    /// How much moved: money in is positive, money out negative.
    pub amount: Money,
    /// The text the bank sent.
    pub description: String,
    /// The merchant, normalised.
    pub merchant: String,
    /// Proposed or approved project.
    pub project: Option<String>,
    /// A note set by rule or person.
    pub note: Option<String>,
    /// Tags, in lower case: set by rules, by people and by the files that brought it.
    pub tags: Vec<String>,
    /// Why processing failed.
    pub error: Option<String>,
    /// The source's id of it, or a content key (`v1:…`).
    pub external_id: String,
    /// The row as received.
    pub raw: String,
    /// What the source added.
    pub metadata: Option<Json<Value>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Whether it was filed without a person; see `automation`. `reopenApproval` takes that back.
    pub automatic: bool,
    /// When it was voided.
    pub voided_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    key: RecordId,
    #[graphql(skip)]
    category_id: Option<CategoryId>,
    #[graphql(skip)]
    account_id: Option<AccountId>,
    #[graphql(skip)]
    connection_id: Option<ConnectionId>,
    #[graphql(skip)]
    import_id: Option<ImportId>,
    #[graphql(skip)]
    decision_id: Option<DecisionId>,
}

#[ComplexObject]
impl Record {
    /// The account money moved on.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<Account>> {
        match self.account_id {
            Some(id) => find(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Proposed or approved category.
    async fn category(&self, ctx: &Context<'_>) -> Result<Option<Category>> {
        match self.category_id {
            Some(id) => find(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The connection that delivered it. Needs `connections:read`.
    async fn connection(&self, ctx: &Context<'_>) -> Result<Option<Connection>> {
        match self.connection_id {
            Some(id) => find(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The import that brought it.
    async fn import(&self, ctx: &Context<'_>) -> Result<Option<Import>> {
        match self.import_id {
            Some(id) => find(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The decision in force.
    async fn decision(&self, ctx: &Context<'_>) -> Result<Option<Decision>> {
        match self.decision_id {
            Some(id) => find(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The reasoning of the decision in force as one document: source, model, rationale, confidence and what was
    /// considered.
    async fn reasoning_trace(&self, ctx: &Context<'_>) -> Result<Option<Json<Value>>> {
        let decision = self.decision(ctx).await?;
        Ok(decision.map(|decision| Json(decision.reasoning_trace())))
    }

    /// The approved texts that it resembles most, most alike first, and how each was filed.
    async fn similar_records(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 10, desc = "How many, 1 to 50.")] first: i32,
    ) -> Result<Vec<SimilarRecord>> {
        let asked = SimilarTo::new(self.key, first)?;
        Ok(find(ctx, asked).await?.unwrap_or_default())
    }

    /// The lines it is split into, proposed or approved, when it is filed under several categories. They add up to its
    /// amount; `category` is that of the largest.
    async fn splits(&self, ctx: &Context<'_>) -> Result<Vec<SplitLine>> {
        let open = matches!(
            self.status,
            RecordStatus::Processed | RecordStatus::Approved
        );
        let Some(decision) = self.decision_id.filter(|_| open) else {
            return Ok(Vec::new());
        };
        SplitLine::of(ctx, decision).await
    }

    /// The transfer between own accounts that it is a side of, once confirmed: it counts nowhere in profit and loss.
    async fn transfer(&self, ctx: &Context<'_>) -> Result<Option<Transfer>> {
        let links = find(ctx, LinksOf(self.key)).await?.unwrap_or_default();
        Ok(links.into_iter().find_map(Transfer::of))
    }

    /// The purchase that it is a refund of, once confirmed: it counts where the purchase does.
    async fn refund_of(&self, ctx: &Context<'_>) -> Result<Option<Refund>> {
        let links = find(ctx, LinksOf(self.key)).await?.unwrap_or_default();
        let own = links.into_iter().find(|link| link.in_id == self.key);
        Ok(own.and_then(Refund::of))
    }

    /// What was paid back of it, once confirmed, oldest first.
    async fn refunds(&self, ctx: &Context<'_>) -> Result<Vec<Refund>> {
        let links = find(ctx, LinksOf(self.key)).await?.unwrap_or_default();
        let back = links.into_iter().filter(|link| link.out_id == self.key);
        Ok(back.filter_map(Refund::of).collect())
    }

    /// Everything decided about it, oldest first.
    async fn decisions(&self, ctx: &Context<'_>) -> Result<Vec<Decision>> {
        Ok(find(ctx, DecisionsOf(self.key)).await?.unwrap_or_default())
    }
}

plain!(Record;
    "id" id, "status" status, "occurredOn" occurred_on, "description" description, "merchant" merchant,
    "project" project, "note" note, "tags" tags, "error" error, "externalId" external_id, "raw" raw, "metadata" metadata,
    "createdAt" created_at, "updatedAt" updated_at, "voidedAt" voided_at, "automatic" automatic;
    has "amount" Money: |row| &row.amount;
    names "account" Account, in accounts: |row: &Record| row.account_id,
    "category" Category, in categories: |row: &Record| row.category_id,
    "decision" Decision, in decisions: |row: &Record| row.decision_id,
);

impl From<record::Model> for Record {
    fn from(row: record::Model) -> Self {
        let metadata = row.metadata.as_deref();
        Self {
            id: global("Record", row.id),
            status: row.status.into(),
            occurred_on: Date(row.occurred_on),
            amount: Money::of(row.amount, &row.currency),
            external_id: records::external_id(&row).to_owned(),
            description: row.description,
            merchant: row.merchant_key,
            category_id: row.category_id,
            project: row.project,
            note: row.note,
            tags: tag::read(row.tags.as_deref()),
            error: row.error,
            raw: row.raw,
            metadata: metadata.and_then(|json| serde_json::from_str(json).ok().map(Json)),
            created_at: row.created_at,
            updated_at: row.updated_at,
            automatic: row.automatic,
            voided_at: row.deleted_at,
            key: row.id,
            account_id: row.account_id,
            connection_id: row.connection_id,
            import_id: row.import_id,
            decision_id: row.decision_id,
        }
    }
}

impl Loader<RecordId> for OpLoader {
    type Value = Record;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[RecordId]) -> Result<HashMap<RecordId, Record>, Arc<Error>> {
        let found = records::by_ids(&self.ctx, ids).await.map_err(Arc::new)?;
        Ok(found.into_iter().map(|row| (row.id, row.into())).collect())
    }
}

/// Questions about records.
#[derive(Default)]
pub struct RecordsQuery;

#[Object]
impl RecordsQuery {
    /// One record, voided or not. Needs `records:read`.
    async fn record(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its global id.")] id: ID,
    ) -> Result<Record> {
        let id = local("Record", "id", &id)?;
        Ok(records::load(ctx.op()?, id).await?.into())
    }

    /// The records a filter lets through. Needs `records:read`.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay list")]
    async fn records(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which records; all but the voided ones when left out.")] filter: Option<
            RecordFilter,
        >,
        #[graphql(default, desc = "In which order.")] order_by: RecordOrder,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor to start after.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor to end before.")] before: Option<String>,
    ) -> Result<page::Connection<Record>> {
        let window = window(first, after, last, before)?;
        let filter = filter.unwrap_or_default().read()?;
        let op = ctx.op()?;
        let as_of = as_of(ctx).await?;
        let asked = Asked::of(ctx);
        let none = Asked::default();
        let node = asked.beneath("edges.node").unwrap_or(&none);
        let wanted = columns(node);
        let page = records::list(op, &filter, order_by.into(), &window, &wanted).await?;
        let kin = prefetch::children(ctx, node, &page.rows).await?;
        let mut found = page::Connection::of(page, Record::from).with(kin);
        found.as_of = as_of;
        if asks(ctx, "totalCount") {
            found.total_count = Some(records::count(op, &filter).await? as i64);
        }
        Ok(found)
    }
}

/// What is done with records.
#[derive(Default)]
pub struct RecordsMutation;

#[Object]
impl RecordsMutation {
    /// Store up to 1,000 rows of an account, each once. All or nothing unless said otherwise. Needs `records:import`.
    async fn import_records(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ImportRecordsInput,
    ) -> Result<ImportRecordsPayload> {
        let (op, policy) = (ctx.op()?, input.error_policy);
        let stored = async {
            // who may not is told so, whatever the input looks like
            op.require(Permission::ImportRecords)?;
            let (account, rows, policy) = input.read()?;
            records::import_records(op, account, rows, policy).await
        };
        let (answers, user_errors) = payload(stored.await)?;
        Ok(ImportRecordsPayload::of(
            answers.unwrap_or_default(),
            user_errors,
            policy,
        ))
    }

    /// Send failed records through the pipeline again. Needs `records:void`.
    async fn retry_failed_records(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RetryFailedRecordsInput,
    ) -> Result<RetryFailedRecordsPayload> {
        let op = ctx.op()?;
        op.require(Permission::VoidRecords)?;
        match input.record_ids {
            Some(sent) => RetryFailedRecordsPayload::of(op, &sent, input.error_policy.into()).await,
            None => RetryFailedRecordsPayload::of_all(records::retry_all(op).await),
        }
    }
}
