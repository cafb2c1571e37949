//! The approval queue, as clients see it.

mod input;
mod payload;
mod prefetch;
mod preview;

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, Enum, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{ApprovalId, CategoryId, DecisionId, RecordId, approval, decision};
pub use input::{
    ApprovalFilter, ApproveRecordInput, ApproveRecordsInput, DeclineOverrideInput,
    OverrideRecordInput, OverrideRecordsInput, RejectRecordInput, RejectRecordsInput,
    ReopenApprovalInput, RuleFromOverrideInput,
};
pub use payload::{
    ApprovalAnswer, ApproveRecordPayload, ApproveRecordsPayload, DeclineOverridePayload,
    OverrideRecordPayload, OverrideRecordsPayload, RejectRecordPayload, RejectRecordsPayload,
    ReopenApprovalPayload,
};
pub use preview::RulePreview;
use sea_orm::Iterable;

use super::bulk::Ids;
use super::categories::Category;
use super::condition::{self, RuleConditionInput};
use super::decisions::{Decision, DecisionSource};
use super::loader::{OpLoader, find, load};
use super::node::{global, local};
use super::op::Op;
use super::page::{Asked, Connection, as_of, asks, window};
use super::plain::plain;
use super::records::Record;
use crate::approvals::{self, Override, RuleFromOverride};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// What happened to an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "approval::Status")]
pub enum ApprovalStatus {
    /// Waiting for a person.
    Pending,
    /// The proposal was accepted.
    Approved,
    /// Another category was chosen.
    Overridden,
    /// The record does not belong in the books.
    Rejected,
    /// It was decided and then taken back; another approval took its place.
    Reopened,
    /// Its record was voided, or another proposal took its place.
    Cancelled,
    /// An override was proposed that a second person has to agree to; another approval took its place.
    Escalated,
    /// The override that it proposed was declined; another approval took its place.
    Declined,
}

/// A decision a person owes, or has made, about a record.
#[derive(Clone, SimpleObject)]
#[graphql(complex, serial)]
pub struct Approval {
    /// Opaque global id.
    pub id: ID,
    /// What happened to it so far.
    pub status: ApprovalStatus,
    /// Where the proposal came from.
    pub source: DecisionSource,
    /// How sure the proposal is: an honest chance of being right, 0 to 1.
    pub confidence: f64,
    /// Why a person is to look, if a rule says so; what is flagged never passes without a person.
    pub flag: Option<String>,
    /// What the reviewer said.
    pub comment: Option<String>,
    /// The user who decided.
    pub decided_by_id: Option<ID>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
    /// Whether the proposal was sure enough to pass without a person when it was made; see `automation`. What is proposed anew
    /// while it waits for a person never passes.
    pub passes: bool,
    /// Whether the record entered the books by that, without a person.
    pub automatic: bool,
    /// Whether a person is asked although it was sure enough: drawn for an audit, or taken back.
    pub audit: bool,
    /// Whether an override is proposed that somebody else than `proposedBy` has to agree to.
    pub second_person_needed: bool,
    /// Who proposed the override, as events name them: `user:<uuid>`.
    pub proposed_by: Option<String>,
    /// The approval that this one took the place of: it was reopened, or its override was proposed or declined.
    pub reopened_from_id: Option<ID>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    #[graphql(skip)]
    record_id: RecordId,
    #[graphql(skip)]
    decision_id: DecisionId,
    #[graphql(skip)]
    proposed_category_id: Option<CategoryId>,
    #[graphql(skip)]
    category_id: Option<CategoryId>,
}

plain!(Approval;
    "id" id, "status" status, "source" source, "confidence" confidence, "flag" flag, "comment" comment,
    "decidedById" decided_by_id, "decidedAt" decided_at, "reopenedFromId" reopened_from_id, "proposedBy" proposed_by, "secondPersonNeeded" second_person_needed,
    "createdAt" created_at, "passes" passes, "automatic" automatic, "audit" audit;
    names "record" Record, in records: |row: &Approval| Some(row.record_id),
    "decision" Decision, in decisions: |row: &Approval| Some(row.decision_id),
    "proposedCategory" Category, in categories: |row: &Approval| row.proposed_category_id,
    "category" Category, in categories: |row: &Approval| row.category_id,
);

impl From<approval::Model> for Approval {
    fn from(row: approval::Model) -> Self {
        Self {
            id: global("Approval", row.id),
            status: row.status.into(),
            source: row.source.into(),
            confidence: row.confidence,
            flag: row.flag,
            comment: row.comment,
            decided_by_id: row.decided_by.map(|id| global("User", id)),
            decided_at: row.decided_at,
            second_person_needed: row.proposed_by.is_some()
                && row.status == approval::Status::Pending,
            proposed_by: row.proposed_by,
            passes: row.passes,
            automatic: row.automatic,
            audit: row.audit,
            reopened_from_id: row.reopened_from.map(|id| global("Approval", id)),
            created_at: row.created_at,
            record_id: row.record_id,
            decision_id: row.decision_id,
            proposed_category_id: row.proposed_category_id,
            category_id: row.category_id,
        }
    }
}

#[ComplexObject]
impl Approval {
    /// The record under review.
    async fn record(&self, ctx: &Context<'_>) -> Result<Record> {
        load(ctx, self.record_id, "record").await
    }

    /// What the pipeline decided, and everything it considered.
    async fn decision(&self, ctx: &Context<'_>) -> Result<Decision> {
        load(ctx, self.decision_id, "decision").await
    }

    /// The category that is proposed.
    async fn proposed_category(&self, ctx: &Context<'_>) -> Result<Option<Category>> {
        match self.proposed_category_id {
            Some(id) => find(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The category that was decided.
    async fn category(&self, ctx: &Context<'_>) -> Result<Option<Category>> {
        match self.category_id {
            Some(id) => find(ctx, id).await,
            None => Ok(None),
        }
    }
}

impl Loader<ApprovalId> for OpLoader {
    type Value = Approval;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[ApprovalId]) -> Result<HashMap<ApprovalId, Approval>, Arc<Error>> {
        let rows = approvals::find_all(&self.ctx, ids)
            .await
            .map_err(Arc::new)?;
        Ok(rows.into_iter().map(|row| (row.id, row.into())).collect())
    }
}

impl Loader<DecisionId> for OpLoader {
    type Value = Decision;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[DecisionId]) -> Result<HashMap<DecisionId, Decision>, Arc<Error>> {
        let whole: Vec<_> = decision::Column::iter().collect();
        let rows = approvals::decisions(&self.ctx, ids, &whole)
            .await
            .map_err(Arc::new)?;
        Ok(rows.into_iter().map(|row| (row.id, row.into())).collect())
    }
}

/// Questions about approvals.
#[derive(Default)]
pub struct ApprovalsQuery;

#[Object]
impl ApprovalsQuery {
    /// Approvals, oldest first. Needs `approvals:read`.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn approvals(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which are wanted; all when absent.")] filter: Option<ApprovalFilter>,
        #[graphql(desc = "Newest first instead, as for a history.", default)] newest_first: bool,
        #[graphql(desc = "How many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "How many of the last, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Approval>> {
        let op = ctx.op()?;
        let filter = filter.unwrap_or_default().read()?;
        let window = window(first, after, last, before)?;
        let as_of = as_of(ctx).await?;
        let page = approvals::list(op, &filter, newest_first, &window).await?;
        let asked = Asked::of(ctx);
        let none = Asked::default();
        let node = asked.beneath("edges.node").unwrap_or(&none);
        let kin = prefetch::children(ctx, node, &page.rows).await?;
        let mut connection = Connection::of(page, Approval::from).with(kin);
        connection.as_of = as_of;
        if asks(ctx, "totalCount") {
            let total = approvals::count(op, &filter).await?;
            connection.total_count = Some(i64::try_from(total).unwrap_or(i64::MAX));
        }
        Ok(connection)
    }

    /// An approval. Needs `approvals:read`.
    async fn approval(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which approval.")] id: ID,
    ) -> Result<Option<Approval>> {
        ctx.op()?;
        find(ctx, local::<ApprovalId>("Approval", "id", &id)?).await
    }

    /// What a rule made from overriding an approval would have matched: with the conditions given, or with those that
    /// are suggested. Needs `approvals:read` and `rules:read`.
    async fn rule_from_override_preview(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which approval.")] approval_id: ID,
        #[graphql(desc = "The category it would be overridden with.")] category_id: ID,
        #[graphql(desc = "When the rule would match; suggested when absent.")] conditions: Option<
            RuleConditionInput,
        >,
    ) -> Result<RulePreview> {
        let approval = local("Approval", "approvalId", &approval_id)?;
        let category = local("Category", "categoryId", &category_id)?;
        let conditions = conditions.map(condition::read).transpose()?;
        let preview = approvals::rule_preview(ctx.op()?, approval, category, conditions).await?;
        Ok(preview.into())
    }
}

/// What can be done to approvals.
#[derive(Default)]
pub struct ApprovalsMutation;

#[Object]
impl ApprovalsMutation {
    /// Accept what is proposed: the record enters the books. Needs `approvals:decide`.
    async fn approve_record(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ApproveRecordInput,
    ) -> Result<ApproveRecordPayload> {
        let approved = async {
            let id = local("Approval", "approvalId", &input.approval_id)?;
            approvals::approve(ctx.op()?, id).await
        };
        ApproveRecordPayload::of(approved.await)
    }

    /// Accept many proposals, with an answer for each. Needs `approvals:decide`.
    async fn approve_records(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ApproveRecordsInput,
    ) -> Result<ApproveRecordsPayload> {
        let policy = input.error_policy.into();
        let approved = async {
            let ids = many(&input.approval_ids)?;
            let answers = approvals::approve_many(ctx.op()?, &ids.good(policy), policy).await?;
            Ok((ids, answers))
        };
        ApproveRecordsPayload::of(approved.await, &input.approval_ids, policy)
    }

    /// File a record under another category than is proposed, and make a rule of it if wanted. Above the tenant's ceiling
    /// the answer is an approval that waits for a second person. Needs `approvals:decide`.
    async fn override_record(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: OverrideRecordInput,
    ) -> Result<OverrideRecordPayload> {
        let overridden = async {
            let op = ctx.op()?;
            // who may not is told so, whatever the input looks like
            op.require(Permission::DecideApprovals)?;
            let id = match (&input.approval_id, &input.record_id) {
                (Some(id), None) => local("Approval", "approvalId", id)?,
                (None, Some(id)) => {
                    approvals::of_record(op, local("Record", "recordId", id)?).await?
                }
                _ => {
                    let message = "say which with approvalId or with recordId, not with both";
                    return Err(Error::invalid("approvalId", message));
                }
            };
            let choice = Override {
                category: local("Category", "categoryId", &input.category_id)?,
                project: input.project,
                note: input.note,
                lines: Vec::new(),
            };
            let rule = match input.make_rule {
                Some(rule) => Some(RuleFromOverride {
                    name: rule.name,
                    conditions: rule.conditions.map(condition::read).transpose()?,
                    stop: rule.stop,
                }),
                None => None,
            };
            approvals::override_category(op, id, choice, rule).await
        };
        OverrideRecordPayload::of(overridden.await)
    }

    /// File many records under one category, with an answer for each; those above the tenant's ceiling wait for a second
    /// person. Needs `approvals:decide`.
    async fn override_records(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: OverrideRecordsInput,
    ) -> Result<OverrideRecordsPayload> {
        let policy = input.error_policy.into();
        let overridden = async {
            let ids = many(&input.approval_ids)?;
            let choice = Override {
                category: local("Category", "categoryId", &input.category_id)?,
                project: input.project,
                note: input.note,
                lines: Vec::new(),
            };
            let op = ctx.op()?;
            let answers = approvals::override_many(op, &ids.good(policy), choice, policy).await?;
            Ok((ids, answers))
        };
        OverrideRecordsPayload::of(overridden.await, &input.approval_ids, policy)
    }

    /// Find that a record does not belong in the books. Needs `approvals:decide`.
    async fn reject_record(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RejectRecordInput,
    ) -> Result<RejectRecordPayload> {
        let rejected = async {
            let id = local("Approval", "approvalId", &input.approval_id)?;
            approvals::reject(ctx.op()?, id, input.comment).await
        };
        RejectRecordPayload::of(rejected.await)
    }

    /// Find that many records do not belong in the books, with an answer for each. Needs `approvals:decide`.
    async fn reject_records(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RejectRecordsInput,
    ) -> Result<RejectRecordsPayload> {
        let policy = input.error_policy.into();
        let rejected = async {
            let ids = many(&input.approval_ids)?;
            let (op, good) = (ctx.op()?, ids.good(policy));
            let answers = approvals::reject_many(op, &good, input.comment, policy).await?;
            Ok((ids, answers))
        };
        RejectRecordsPayload::of(rejected.await, &input.approval_ids, policy)
    }

    /// Do not agree to an override that needs a second person, or take your own back: the record waits again, in a new
    /// approval. Needs `approvals:decide`.
    async fn decline_override(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: DeclineOverrideInput,
    ) -> Result<DeclineOverridePayload> {
        let declined = async {
            let id = local("Approval", "approvalId", &input.approval_id)?;
            approvals::decline(ctx.op()?, id, input.comment).await
        };
        DeclineOverridePayload::of(declined.await)
    }

    /// Take a decision back: it is kept, and the record waits again in a new approval. Needs `approvals:decide`.
    async fn reopen_approval(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ReopenApprovalInput,
    ) -> Result<ReopenApprovalPayload> {
        let reopened = async {
            let id = local("Approval", "approvalId", &input.approval_id)?;
            approvals::reopen(ctx.op()?, id).await
        };
        ReopenApprovalPayload::of(reopened.await)
    }
}

fn many(ids: &[ID]) -> Result<Ids<ApprovalId>> {
    Ids::read("Approval", "approvalIds", ids, approvals::MAX_AT_ONCE)
}
