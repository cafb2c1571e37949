//! Suggested rules, as clients see them.

mod back_test;
mod input;
mod self_approval;

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, Enum, ID, Json, Object, SimpleObject};
pub use back_test::{BackTest, BackTestDifference};
use chrono::{DateTime, Utc};
use entity::rule_suggestion::{self, Kind, Status};
use entity::{CategoryId, RuleId, RuleSuggestionId};
pub use input::{
    AcceptRuleSuggestionInput, AcceptRuleSuggestionPayload, DismissRuleSuggestionInput,
    DismissRuleSuggestionPayload, RestoreRuleSuggestionInput, RestoreRuleSuggestionPayload,
    RuleSuggestionFilter, SetRuleSelfApprovalInput, SetRuleSelfApprovalPayload,
    SnoozeRuleSuggestionInput, SnoozeRuleSuggestionPayload,
};
pub use self_approval::{OfRule, RuleSelfApproval};
use serde_json::Value;

use super::accounts::Account;
use super::categories::Category;
use super::condition;
use super::error::payload;
use super::loader::{OpLoader, find, load};
use super::node::{global, local};
use super::op::Op;
use super::page::{Connection, as_of, asks, window};
use super::plain::Plain;
use super::records::Record;
use super::rules::Rule;
use crate::error::{Error, Result};
use crate::{rules, suggestions};

/// What a suggested rule goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Kind")]
pub enum RuleSuggestionKind {
    /// The merchant, wherever the money moved.
    Merchant,
    /// The merchant on one account.
    MerchantAccount,
}

/// What became of a suggested rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Status")]
pub enum RuleSuggestionStatus {
    /// Waiting for a person.
    Open,
    /// A rule was made of it, or extended by it.
    Accepted,
    /// It is not wanted, and does not come again.
    Dismissed,
    /// It waits, and is not shown until some moment.
    Snoozed,
    /// What people approved since speaks against it; the rule it was in goes on without it, or is disabled.
    Retired,
}

/// A rule that approvals suggest.
#[derive(Clone, SimpleObject)]
#[graphql(complex, serial)]
pub struct RuleSuggestion {
    /// Opaque global id.
    pub id: ID,
    /// What it goes by.
    pub kind: RuleSuggestionKind,
    /// What became of it.
    pub status: RuleSuggestionStatus,
    /// The merchant, normalised.
    pub merchant: String,
    /// When the rule would match, in the form of `RuleConditionInput`.
    pub conditions: Json<Value>,
    /// Approvals of its category for what it goes by.
    pub support: i32,
    /// How many of the latest approvals in a row are of its category.
    pub confirmations_in_a_row: i32,
    /// Approvals of other categories for what it goes by.
    pub contradictions: i32,
    /// Since it was accepted, how many of the latest 20 approvals it was about; fewer while there are fewer.
    pub checked: i32,
    /// Of those, the ones of its category. Below nine of ten it is retired.
    pub confirmed: i32,
    /// Until when it is not shown.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// When somebody decided about it last, or when it was retired.
    pub decided_at: Option<DateTime<Utc>>,
    /// The user who decided about it last.
    pub decided_by_id: Option<ID>,
    /// When it was suggested first.
    pub created_at: DateTime<Utc>,
    #[graphql(skip)]
    row: Arc<rule_suggestion::Model>,
}

impl Plain for RuleSuggestion {}

impl RuleSuggestion {
    fn of(row: rule_suggestion::Model, now: DateTime<Utc>) -> Self {
        Self {
            id: global("RuleSuggestion", row.id),
            kind: row.kind.into(),
            status: suggestions::status(&row, now).into(),
            merchant: row.merchant_key.clone(),
            conditions: condition::show(suggestions::clause(&row)),
            support: row.support,
            confirmations_in_a_row: row.in_a_row,
            contradictions: row.contradictions,
            checked: row.checked,
            confirmed: row.confirmed,
            snoozed_until: row.snoozed_until,
            decided_at: row.decided_at,
            decided_by_id: row.decided_by.map(|id| global("User", id)),
            created_at: row.created_at,
            row: Arc::new(row),
        }
    }
}

#[ComplexObject]
impl RuleSuggestion {
    /// The category it would propose.
    async fn category(&self, ctx: &Context<'_>) -> Result<Category> {
        load::<CategoryId, _>(ctx, self.row.category_id, "category").await
    }

    /// The account it goes by, if it goes by one.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<Account>> {
        match self.row.account_id {
            Some(id) => find(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The rule it is in, or was in.
    async fn rule(&self, ctx: &Context<'_>) -> Result<Option<Rule>> {
        match self.row.rule_id {
            Some(id) => find::<RuleId, _>(ctx, id).await,
            None => Ok(None),
        }
    }

    /// What it would have done with the records that are there. Needs `records:read`.
    async fn back_test(&self, ctx: &Context<'_>) -> Result<BackTest> {
        let key = back_test::Tested(Arc::clone(&self.row));
        load(ctx, key, "suggestion").await
    }

    /// Whether it approves by itself, and why or why not.
    async fn self_approval(&self, ctx: &Context<'_>) -> Result<RuleSelfApproval> {
        let key = self_approval::Judged(Arc::clone(&self.row));
        load(ctx, key, "suggestion").await
    }
}

impl Loader<RuleSuggestionId> for OpLoader {
    type Value = RuleSuggestion;
    type Error = Arc<Error>;

    async fn load(
        &self,
        ids: &[RuleSuggestionId],
    ) -> Result<HashMap<RuleSuggestionId, RuleSuggestion>, Arc<Error>> {
        let found = suggestions::find_all(&self.ctx, ids).await;
        let rows = found.map_err(Arc::new)?;
        let shown = |row: rule_suggestion::Model| (row.id, RuleSuggestion::of(row, self.ctx.now()));
        Ok(rows.into_iter().map(shown).collect())
    }
}

/// Questions about suggested rules.
#[derive(Default)]
pub struct SuggestionsQuery;

#[Object]
impl SuggestionsQuery {
    /// Rules that approvals suggest, newest first. Needs `rules:read`.
    async fn rule_suggestions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which are wanted; all when absent.")] filter: Option<
            RuleSuggestionFilter,
        >,
        #[graphql(desc = "How many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "How many of the last, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<RuleSuggestion>> {
        let op = ctx.op()?;
        let filter = filter.unwrap_or_default().read()?;
        let window = window(first, after, last, before)?;
        let as_of = as_of(ctx).await?;
        let page = suggestions::list(op, &filter, &window).await?;
        let now = op.now();
        let mut found = Connection::of(page, |row| RuleSuggestion::of(row, now));
        found.as_of = as_of;
        if asks(ctx, "totalCount") {
            let total = suggestions::count(op, &filter).await?;
            found.total_count = Some(i64::try_from(total).unwrap_or(i64::MAX));
        }
        Ok(found)
    }

    /// A suggested rule. Needs `rules:read`.
    async fn rule_suggestion(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which suggestion.")] id: ID,
    ) -> Result<Option<RuleSuggestion>> {
        ctx.op()?;
        find(ctx, local::<RuleSuggestionId>("RuleSuggestion", "id", &id)?).await
    }

    /// The very records a suggested rule would have filed elsewhere than they are, or than is proposed for them, newest
    /// first. Needs `rules:read` and `records:read`.
    async fn rule_suggestion_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which suggestion.")] rule_suggestion_id: ID,
        #[graphql(desc = "How many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "How many of the last, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Record>> {
        let id = local("RuleSuggestion", "ruleSuggestionId", &rule_suggestion_id)?;
        let window = window(first, after, last, before)?;
        let op = ctx.op()?;
        let as_of = as_of(ctx).await?;
        let page = suggestions::changes(op, id, &window).await?;
        let mut found = Connection::of(page, Record::from);
        found.as_of = as_of;
        if asks(ctx, "totalCount") {
            found.total_count = Some(suggestions::count_changes(op, id).await? as i64);
        }
        Ok(found)
    }
}

/// What can be done with suggested rules.
#[derive(Default)]
pub struct SuggestionsMutation;

#[Object]
impl SuggestionsMutation {
    /// Make a suggestion a rule. As it stands it joins a rule of the same kind and category where there is one; a name,
    /// conditions or `stop` of your own, or `apart`, make it a rule of its own. It counts for records that are processed
    /// from now on. Letting it approve by itself needs `approvals:decide` for all records besides, and a person. Needs
    /// `rules:write`.
    async fn accept_rule_suggestion(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: AcceptRuleSuggestionInput,
    ) -> Result<AcceptRuleSuggestionPayload> {
        let op = ctx.op()?;
        let accepted = async {
            let (id, how) = input.read()?;
            suggestions::accept(op, id, how).await
        };
        let (accepted, user_errors) = payload(accepted.await)?;
        let (mut suggestion, mut rule, mut extended) = (None, None, None);
        if let Some(done) = accepted {
            suggestion = Some(RuleSuggestion::of(done.suggestion, op.now()));
            rule = Some(Rule::from(done.rule));
            extended = Some(done.extended);
        }
        Ok(AcceptRuleSuggestionPayload {
            suggestion,
            rule,
            extended,
            user_errors,
        })
    }

    /// Refuse a suggestion for good: the same category is not suggested for the same merchant again, unless it is
    /// restored. Needs `rules:write`.
    async fn dismiss_rule_suggestion(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: DismissRuleSuggestionInput,
    ) -> Result<DismissRuleSuggestionPayload> {
        let op = ctx.op()?;
        let done = async {
            let id = local(
                "RuleSuggestion",
                "ruleSuggestionId",
                &input.rule_suggestion_id,
            )?;
            let row = suggestions::dismiss(op, id).await?;
            Ok(RuleSuggestion::of(row, op.now()))
        };
        DismissRuleSuggestionPayload::of(done.await)
    }

    /// Put a suggestion off until some moment, at most 366 days ahead. Needs `rules:write`.
    async fn snooze_rule_suggestion(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: SnoozeRuleSuggestionInput,
    ) -> Result<SnoozeRuleSuggestionPayload> {
        let op = ctx.op()?;
        let done = async {
            let id = local(
                "RuleSuggestion",
                "ruleSuggestionId",
                &input.rule_suggestion_id,
            )?;
            let row = suggestions::snooze(op, id, input.until).await?;
            Ok(RuleSuggestion::of(row, op.now()))
        };
        SnoozeRuleSuggestionPayload::of(done.await)
    }

    /// Undo it: what was dismissed or put off waits again, and what was retired is in force again. Needs `rules:write`.
    async fn restore_rule_suggestion(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RestoreRuleSuggestionInput,
    ) -> Result<RestoreRuleSuggestionPayload> {
        let op = ctx.op()?;
        let done = async {
            let id = local(
                "RuleSuggestion",
                "ruleSuggestionId",
                &input.rule_suggestion_id,
            )?;
            let row = suggestions::restore(op, id).await?;
            Ok(RuleSuggestion::of(row, op.now()))
        };
        RestoreRuleSuggestionPayload::of(done.await)
    }

    /// Let a rule that was made of suggestions approve by itself as soon as its class has earned it, or not any more. It
    /// does so only while the tenant's automation is on, a share of it is still audited, and the first contradiction stops
    /// it. For people only. Needs `rules:write` and `approvals:decide`.
    async fn set_rule_self_approval(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: SetRuleSelfApprovalInput,
    ) -> Result<SetRuleSelfApprovalPayload> {
        let op = ctx.op()?;
        let done = async {
            let id = local("Rule", "ruleId", &input.rule_id)?;
            suggestions::set_self_approval(op, id, input.on).await?;
            rules::load(op, id).await
        };
        SetRuleSelfApprovalPayload::of(done.await)
    }
}
