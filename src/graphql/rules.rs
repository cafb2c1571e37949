//! The tenant's rules, as clients see them.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, ID, InputObject, Json, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{CategoryId, RuleId, rule};
use serde_json::Value;

use super::categories::Category;
use super::condition::{self, RuleConditionInput};
use super::error::{UserError, payload};
use super::loader::{OpLoader, find};
use super::node::{global, local, local_opt};
use super::op::Op;
use super::page::asks;
use super::payload::payloads;
use super::records::Record;
use super::splits::{RuleSplitLine, RuleSplitLineInput};
use crate::categories;
use crate::error::{Error, Result};
use crate::rules::{self, NewRule, Place, condition::Actions};

/// A rule: when it matches, and what it fills in.
#[derive(Clone, SimpleObject)]
#[graphql(complex, serial)]
pub struct Rule {
    /// Opaque global id.
    pub id: ID,
    /// What people call it.
    pub name: String,
    /// Its place in the order, from 1. The first rule to fill a field wins it.
    pub position: i32,
    /// When it matches, in the form of `RuleConditionInput`.
    pub conditions: Json<Value>,
    /// The project it files under.
    pub project: Option<String>,
    /// The note it leaves.
    pub note: Option<String>,
    /// Whether later rules are skipped once it matched.
    pub stop: bool,
    /// Whether it is tried.
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
    category_id: Option<CategoryId>,
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
            stop: row.stop,
            enabled: row.disabled_at.is_none(),
            approval_id: row.approval_id.map(|id| global("Approval", id)),
            created_at: row.created_at,
            updated_at: row.updated_at,
            deleted_at: row.deleted_at,
            category_id: actions.category.map(CategoryId),
            split: actions
                .split
                .into_iter()
                .flatten()
                .map(Into::into)
                .collect(),
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
}

impl Loader<RuleId> for OpLoader {
    type Value = Rule;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[RuleId]) -> Result<HashMap<RuleId, Rule>, Arc<Error>> {
        let rows = rules::find_all(&self.ctx, ids).await.map_err(Arc::new)?;
        Ok(rows.into_iter().map(|row| (row.id, row.into())).collect())
    }
}

/// What a rule would have matched among the latest records.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct RuleTest {
    /// How many records were looked at, latest first; at most 500.
    pub sampled: i32,
    /// How many of them it matches.
    pub matches: i32,
    /// Of those, the approved ones in another category than it would propose.
    pub contradictions: i32,
    /// The records it matches, latest first.
    pub records: Vec<Record>,
}

impl From<rules::Trial> for RuleTest {
    fn from(trial: rules::Trial) -> Self {
        let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        Self {
            sampled: count(trial.sampled),
            matches: count(trial.records.len()),
            contradictions: count(trial.contradictions),
            records: trial.records.into_iter().map(Into::into).collect(),
        }
    }
}

/// What a rule fills in; at least one field.
#[derive(InputObject, Default)]
pub struct RuleActionsInput {
    /// The category to propose.
    pub category_id: Option<ID>,
    /// The project to file it under.
    pub project: Option<String>,
    /// A note to leave on it.
    pub note: Option<String>,
    /// The lines to split it into, in place of a category: 2 to 20, all by percent or all by amount. Percents add up to
    /// 100, or to less beside one line that takes the rest; beside amounts one line takes the rest.
    pub split: Option<Vec<RuleSplitLineInput>>,
}

impl RuleActionsInput {
    fn read(self) -> Result<Actions> {
        let category: Option<CategoryId> =
            local_opt("Category", "actions.categoryId", self.category_id.as_ref())?;
        Ok(Actions {
            category: category.map(|id| id.0),
            project: self.project,
            note: self.note,
            split: match self.split {
                Some(lines) => {
                    let lines = lines.into_iter().map(RuleSplitLineInput::read);
                    Some(lines.collect::<Result<_>>()?)
                }
                None => None,
            },
        })
    }
}

/// A rule to make.
#[derive(InputObject)]
pub struct CreateRuleInput {
    /// What to call it: 1 to 100 characters.
    pub name: String,
    /// When it matches.
    pub conditions: RuleConditionInput,
    /// What it fills in.
    pub actions: RuleActionsInput,
    /// Whether later rules are skipped once it matched.
    #[graphql(default)]
    pub stop: bool,
    /// Its place in the order, from 1; after all others when absent.
    pub position: Option<i32>,
}

/// What to change about a rule. What is absent stays.
#[derive(InputObject)]
pub struct UpdateRuleInput {
    /// Which rule.
    pub rule_id: ID,
    /// Another name.
    pub name: Option<String>,
    /// Other conditions, all of them.
    pub conditions: Option<RuleConditionInput>,
    /// Other actions, all of them.
    pub actions: Option<RuleActionsInput>,
    /// Whether later rules are skipped once it matched.
    pub stop: Option<bool>,
}

/// A rule to move.
#[derive(InputObject)]
pub struct MoveRuleInput {
    /// Which rule.
    pub rule_id: ID,
    /// Its new place in the order, from 1; the ones between make room.
    pub position: i32,
}

/// A rule to switch on.
#[derive(InputObject)]
pub struct EnableRuleInput {
    /// Which rule.
    pub rule_id: ID,
}

/// A rule to switch off.
#[derive(InputObject)]
pub struct DisableRuleInput {
    /// Which rule.
    pub rule_id: ID,
}

/// A rule to remove.
#[derive(InputObject)]
pub struct DeleteRuleInput {
    /// Which rule.
    pub rule_id: ID,
}

/// A rule to try, without storing it.
#[derive(InputObject)]
pub struct TestRuleInput {
    /// When it matches.
    pub conditions: RuleConditionInput,
    /// What it would fill in.
    pub actions: RuleActionsInput,
}

payloads! {
    /// A rule that was made.
    CreateRulePayload {
        /// The rule.
        rule: Rule
    },
    /// A rule that was changed.
    UpdateRulePayload {
        /// The rule.
        rule: Rule
    },
    /// A rule that was moved.
    MoveRulePayload {
        /// The rule.
        rule: Rule
    },
    /// A rule that was switched on.
    EnableRulePayload {
        /// The rule.
        rule: Rule
    },
    /// A rule that was switched off.
    DisableRulePayload {
        /// The rule.
        rule: Rule
    },
    /// A rule that was removed.
    DeleteRulePayload {
        /// The rule.
        rule: Rule
    },
}

/// What trying a rule showed.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct TestRulePayload {
    /// What it would have matched.
    pub test: Option<RuleTest>,
    /// What to put right; empty when it was tried.
    #[graphql(name = "errors")]
    pub user_errors: Vec<UserError>,
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
        let made = async {
            let new = NewRule {
                name: input.name,
                conditions: condition::read(input.conditions)?,
                actions: input.actions.read()?,
                stop: input.stop,
                place: input.position.map_or(Place::Last, Place::At),
            };
            rules::create(ctx.op()?, new).await
        };
        CreateRulePayload::of(made.await)
    }

    /// Change a rule. What it decided before stays decided. Needs `rules:write`.
    async fn update_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: UpdateRuleInput,
    ) -> Result<UpdateRulePayload> {
        let changed = async {
            let changes = rules::Changes {
                name: input.name,
                conditions: input.conditions.map(condition::read).transpose()?,
                actions: input.actions.map(RuleActionsInput::read).transpose()?,
                stop: input.stop,
            };
            rules::edit(ctx.op()?, local("Rule", "ruleId", &input.rule_id)?, changes).await
        };
        UpdateRulePayload::of(changed.await)
    }

    /// Move a rule in the order. Needs `rules:write`.
    async fn move_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: MoveRuleInput,
    ) -> Result<MoveRulePayload> {
        let moved = async {
            let id = local("Rule", "ruleId", &input.rule_id)?;
            rules::move_to(ctx.op()?, id, input.position).await
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

    /// Try conditions on the latest records; nothing is stored. Needs `rules:read` and `records:read`.
    async fn test_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: TestRuleInput,
    ) -> Result<TestRulePayload> {
        let tried = async {
            let conditions = condition::read(input.conditions)?;
            rules::test(ctx.op()?, &conditions, &input.actions.read()?).await
        };
        let (trial, user_errors) = payload(tried.await)?;
        Ok(TestRulePayload {
            test: trial.map(Into::into),
            user_errors,
        })
    }
}
