//! The tenant's rules, as clients see them.

mod groups;
mod input;
mod insight;
mod payload;
mod trial;

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, ID, Json, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{CategoryId, RuleGroupId, RuleId, rule};
pub use groups::{
    CreateRuleGroupInput, CreateRuleGroupPayload, DeleteRuleGroupInput, DeleteRuleGroupPayload,
    MoveRuleGroupInput, MoveRuleGroupPayload, RuleGroup, RuleGroupsMutation, RuleGroupsQuery,
    UpdateRuleGroupInput, UpdateRuleGroupPayload,
};
pub use input::{
    CreateRuleInput, DeleteRuleInput, DisableRuleInput, EnableRuleInput, MoveRuleInput,
    RuleActionsInput, UpdateRuleInput,
};
use insight::{MonthsOf, StatisticsOf};
pub use insight::{
    RuleConflict, RuleConflictKind, RuleConflicts, RuleCounts, RuleField, RuleMonth,
    RuleMonthCounts, RuleStatistics,
};
pub use payload::{
    CreateRulePayload, DeleteRulePayload, DisableRulePayload, EnableRulePayload, MoveRulePayload,
    UpdateRulePayload,
};
use serde_json::Value;
pub use trial::{RuleFieldOutcome, RuleRecordTest, RuleTest, TestRuleInput, TestRulePayload};

use super::categories::Category;
use super::condition;
use super::loader::{OpLoader, find};
use super::node::{global, local, local_opt};
use super::op::Op;
use super::page::asks;
use super::splits::RuleSplitLine;
use super::suggestions::{OfRule, RuleSelfApproval};
use crate::categories;
use crate::error::{Error, Result};
use crate::rules::{self, condition::Actions};

/// A rule: when it matches, and what it fills in.
#[derive(Clone, SimpleObject)]
#[graphql(complex, serial)]
pub struct Rule {
    /// Opaque global id.
    pub id: ID,
    /// What people call it.
    pub name: String,
    /// Its place in its group, or among the rules without one, from 1. Those are tried first, then each group in its order.
    /// The first rule to fill a field wins it.
    pub position: i32,
    /// When it matches, in the form of `RuleConditionInput`.
    pub conditions: Json<Value>,
    /// The project it files under.
    pub project: Option<String>,
    /// The note it leaves.
    pub note: Option<String>,
    /// The tags it sets, beside those of other rules.
    pub tags: Vec<String>,
    /// Why a person is to look at what it matches, which then never passes without one.
    pub flag: Option<String>,
    /// Whether later rules are skipped once it matched.
    pub stop: bool,
    /// Whether it only watches: it is tried and counted, and decides nothing. What it would have done is in the
    /// `considered` of decisions and in `statistics`.
    pub shadow: bool,
    /// Whether it is tried, unless its group is switched off.
    pub enabled: bool,
    /// The override it was made from.
    pub approval_id: Option<ID>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was removed; decisions still name it.
    pub deleted_at: Option<DateTime<Utc>>,
    /// The lines it splits records into, in place of a category.
    pub split: Vec<RuleSplitLine>,
    #[graphql(skip)]
    key: RuleId,
    #[graphql(skip)]
    category_id: Option<CategoryId>,
    #[graphql(skip)]
    group_id: Option<RuleGroupId>,
}

impl From<rule::Model> for Rule {
    fn from(row: rule::Model) -> Self {
        let actions: Actions = serde_json::from_str(&row.actions).unwrap_or_default();
        // one that a later version wrote shows as it is stored
        let conditions = match serde_json::from_str(&row.conditions) {
            Ok(stored) => condition::show(stored),
            Err(_) => Json(serde_json::from_str(&row.conditions).unwrap_or_default()),
        };
        Self {
            id: global("Rule", row.id),
            name: row.name,
            position: row.position,
            conditions,
            project: actions.project,
            note: actions.note,
            tags: actions.tags,
            flag: actions.flag,
            stop: row.stop,
            shadow: row.shadow,
            enabled: row.disabled_at.is_none(),
            approval_id: row.approval_id.map(|id| global("Approval", id)),
            created_at: row.created_at,
            updated_at: row.updated_at,
            deleted_at: row.deleted_at,
            key: row.id,
            category_id: actions.category.map(CategoryId),
            split: actions
                .split
                .into_iter()
                .flatten()
                .map(Into::into)
                .collect(),
            group_id: row.group_id,
        }
    }
}

#[ComplexObject]
impl Rule {
    /// The category it proposes.
    async fn category(&self, ctx: &Context<'_>) -> Result<Option<Category>> {
        match self.category_id {
            Some(id) => find(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The group it belongs to.
    async fn group(&self, ctx: &Context<'_>) -> Result<Option<RuleGroup>> {
        match self.group_id {
            Some(id) => find(ctx, id).await,
            None => Ok(None),
        }
    }

    /// What became of the records that it met, of those you may see. Needs `records:read`.
    async fn statistics(&self, ctx: &Context<'_>) -> Result<Option<RuleStatistics>> {
        let found = find(ctx, StatisticsOf(self.key)).await?;
        Ok(Some(found.unwrap_or_default()))
    }

    /// What became of the records that it met, month by month, the oldest first; months without one are left out. It
    /// shows when a rule that used to be right began to be wrong. Needs `records:read` for all records.
    async fn monthly_statistics(&self, ctx: &Context<'_>) -> Result<Vec<RuleMonth>> {
        let found = find(ctx, MonthsOf(self.key)).await?;
        Ok(found.unwrap_or_default())
    }

    /// Whether what it proposes enters the books by itself; null for a rule that was not made of suggestions.
    async fn self_approval(&self, ctx: &Context<'_>) -> Result<Option<RuleSelfApproval>> {
        find(ctx, OfRule(self.key)).await
    }
}

impl Loader<RuleId> for OpLoader {
    type Value = Rule;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[RuleId]) -> Result<HashMap<RuleId, Rule>, Arc<Error>> {
        let rows = rules::find_all(&self.ctx, ids).await.map_err(Arc::new)?;
        Ok(rows.into_iter().map(|row| (row.id, row.into())).collect())
    }
}

/// Questions about the rules.
#[derive(Default)]
pub struct RulesQuery;

#[Object]
impl RulesQuery {
    /// The rules in the order they are tried. There are at most 1,000, so they come in one piece. Needs `rules:read`.
    async fn rules(&self, ctx: &Context<'_>) -> Result<Vec<Rule>> {
        let op = ctx.op()?;
        let rules: Vec<Rule> = rules::list(op).await?.into_iter().map(Into::into).collect();
        if asks(ctx, "category") {
            let ids: Vec<CategoryId> = rules.iter().filter_map(|rule| rule.category_id).collect();
            let found = categories::by_ids(op, &ids).await?;
            let found = found.into_iter().map(|row| (row.id, Category::from(row)));
            ctx.loader()?.feed_many(found).await;
        }
        Ok(rules)
    }

    /// A rule, also one that was removed. Needs `rules:read`.
    async fn rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which rule.")] id: ID,
    ) -> Result<Option<Rule>> {
        ctx.op()?;
        find(ctx, local::<RuleId>("Rule", "id", &id)?).await
    }

    /// Rules that get into each other's way on the latest 2,000 records that you may see: those that fill a field
    /// differently, and those that never do anything. Needs `rules:read` and `records:read`.
    async fn rule_conflicts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those that this rule is part of.")] rule_id: Option<ID>,
    ) -> Result<RuleConflicts> {
        let rule = local_opt("Rule", "ruleId", rule_id.as_ref())?;
        Ok(rules::conflicts(ctx.op()?, rule).await?.into())
    }

    /// The first clause of a rule that a record does not meet, in words; null when the rule matches it. Needs
    /// `rules:read` and `records:read`.
    async fn why_not_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which rule.")] rule_id: ID,
        #[graphql(desc = "Which record.")] record_id: ID,
    ) -> Result<Option<String>> {
        let rule = local("Rule", "ruleId", &rule_id)?;
        let record = local("Record", "recordId", &record_id)?;
        rules::why_not(ctx.op()?, rule, record).await
    }
}

/// What can be done to the rules.
#[derive(Default)]
pub struct RulesMutation;

#[Object]
impl RulesMutation {
    /// Make a rule. It counts for records that are processed from now on. Needs `rules:write`.
    async fn create_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: CreateRuleInput,
    ) -> Result<CreateRulePayload> {
        let made = async { rules::create(ctx.op()?, input.read()?).await };
        CreateRulePayload::of(made.await)
    }

    /// Change a rule. What it decided before stays decided. Needs `rules:write`.
    async fn update_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: UpdateRuleInput,
    ) -> Result<UpdateRulePayload> {
        let changed = async {
            let id = local("Rule", "ruleId", &input.rule_id)?;
            rules::edit(ctx.op()?, id, input.read()?).await
        };
        UpdateRulePayload::of(changed.await)
    }

    /// Move a rule within its group, to another, or out of any. Needs `rules:write`.
    async fn move_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: MoveRuleInput,
    ) -> Result<MoveRulePayload> {
        let moved = async {
            let id = local("Rule", "ruleId", &input.rule_id)?;
            rules::move_to(ctx.op()?, id, input.read()?).await
        };
        MoveRulePayload::of(moved.await)
    }

    /// Switch a rule on. Needs `rules:write`.
    async fn enable_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: EnableRuleInput,
    ) -> Result<EnableRulePayload> {
        let enabled =
            async { rules::enable(ctx.op()?, local("Rule", "ruleId", &input.rule_id)?).await };
        EnableRulePayload::of(enabled.await)
    }

    /// Switch a rule off; it keeps its place. Needs `rules:write`.
    async fn disable_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: DisableRuleInput,
    ) -> Result<DisableRulePayload> {
        let disabled =
            async { rules::disable(ctx.op()?, local("Rule", "ruleId", &input.rule_id)?).await };
        DisableRulePayload::of(disabled.await)
    }

    /// Remove a rule; the ones behind it move up. Needs `rules:write`.
    async fn delete_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: DeleteRuleInput,
    ) -> Result<DeleteRulePayload> {
        let deleted =
            async { rules::delete(ctx.op()?, local("Rule", "ruleId", &input.rule_id)?).await };
        DeleteRulePayload::of(deleted.await)
    }

    /// Try a rule on the latest records, or on one; nothing is stored. Needs `rules:read` and `records:read`.
    async fn test_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: TestRuleInput,
    ) -> Result<TestRulePayload> {
        trial::run(ctx.op()?, input).await
    }
}
