//! Trying rules, as clients see it.

use async_graphql::{ComplexObject, Context, ID, InputObject, SimpleObject};
use entity::{RecordId, RuleId};
use uuid::Uuid;

use super::insight::RuleField;
use super::{Rule, RuleActionsInput};
use crate::error::Result;
use crate::graphql::condition::{self, RuleConditionInput};
use crate::graphql::error::{UserError, payload};
use crate::graphql::loader::find;
use crate::graphql::node::{global, local_opt};
use crate::graphql::records::Record;
use crate::rules::matching::Field;
use crate::rules::{self, Candidate};

/// What a rule would have matched among the latest records.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct RuleTest {
    /// How many records were looked at, latest first; at most 500.
    pub sampled: i32,
    /// How many of them it matches.
    pub matches: i32,
    /// Of those, the approved ones in the category that it would propose.
    pub confirmations: i32,
    /// Of those, the approved ones in another category than it would propose.
    pub contradictions: i32,
    /// Of the matches, those where it would fill in something that the rules before it leave open.
    pub effective: i32,
    /// The records it matches, latest first.
    pub records: Vec<Record>,
}

impl From<rules::Trial> for RuleTest {
    fn from(trial: rules::Trial) -> Self {
        let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        Self {
            sampled: count(trial.sampled),
            matches: count(trial.records.len()),
            confirmations: count(trial.confirmations),
            contradictions: count(trial.contradictions),
            effective: count(trial.effective),
            records: trial.records.into_iter().map(Into::into).collect(),
        }
    }
}

/// What a rule would do to one record, beside the rules in force.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct RuleRecordTest {
    /// The record.
    pub record: Record,
    /// Whether the rule matches it.
    pub matches: bool,
    /// The first clause that the record does not meet, in words; null when the rule matches.
    pub failing_clause: Option<String>,
    /// What becomes of each field that the rule fills in.
    pub fields: Vec<RuleFieldOutcome>,
    #[graphql(skip)]
    stopped_by: Option<RuleId>,
}

#[ComplexObject]
impl RuleRecordTest {
    /// The rule before it that stops, so that it is not tried; null when none does.
    async fn stopped_by(&self, ctx: &Context<'_>) -> Result<Option<Rule>> {
        match self.stopped_by {
            Some(id) => find(ctx, id).await,
            None => Ok(None),
        }
    }
}

/// What becomes of a field that a rule fills in.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct RuleFieldOutcome {
    /// The field.
    pub field: RuleField,
    /// What the rule fills in: a category by its global id, a split in words, tags with commas between.
    pub value: String,
    /// Whether it would be filled in by this rule: it matches, is tried, and no rule before it was faster.
    pub takes_effect: bool,
    #[graphql(skip)]
    filled_by: Option<RuleId>,
}

#[ComplexObject]
impl RuleFieldOutcome {
    /// The rule before it that fills the field in; null when none does.
    async fn filled_by(&self, ctx: &Context<'_>) -> Result<Option<Rule>> {
        match self.filled_by {
            Some(id) => find(ctx, id).await,
            None => Ok(None),
        }
    }
}

impl From<rules::RecordTrial> for RuleRecordTest {
    fn from(trial: rules::RecordTrial) -> Self {
        let field = |of: rules::FieldOutcome| RuleFieldOutcome {
            value: match (of.field, of.value.parse::<Uuid>()) {
                (Field::Category, Ok(id)) => global("Category", id).to_string(),
                _ => of.value,
            },
            field: of.field.into(),
            takes_effect: of.takes_effect,
            filled_by: of.filled_by,
        };
        Self {
            record: trial.record.into(),
            matches: trial.failing_clause.is_none(),
            failing_clause: trial.failing_clause,
            fields: trial.fields.into_iter().map(field).collect(),
            stopped_by: trial.stopped_by,
        }
    }
}

/// A rule to try, without storing it: a new one by its conditions and actions, or a stored one, changed by them.
#[derive(InputObject)]
pub struct TestRuleInput {
    /// The stored rule to try, at its place and as if it were live; a new one is tried behind the others without a group.
    pub rule_id: Option<ID>,
    /// When it matches; what is stored when absent.
    pub conditions: Option<RuleConditionInput>,
    /// What it would fill in; what is stored when absent.
    pub actions: Option<RuleActionsInput>,
    /// Try it on this record instead of the latest ones.
    pub record_id: Option<ID>,
}

/// What trying a rule showed.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct TestRulePayload {
    /// What it would have matched among the latest records; null when one record was named.
    pub test: Option<RuleTest>,
    /// What it would do to the record that was named.
    pub record: Option<RuleRecordTest>,
    /// What to put right; empty when it was tried.
    #[graphql(name = "errors")]
    pub user_errors: Vec<UserError>,
}

enum Tried {
    History(RuleTest),
    One(Box<RuleRecordTest>),
}

/// Tries a rule on the latest records, or on one.
pub(super) async fn run(op: &crate::ctx::Ctx, input: TestRuleInput) -> Result<TestRulePayload> {
    let tried = async {
        let record: Option<RecordId> = local_opt("Record", "recordId", input.record_id.as_ref())?;
        let candidate = Candidate {
            rule: local_opt("Rule", "ruleId", input.rule_id.as_ref())?,
            conditions: input.conditions.map(condition::read).transpose()?,
            actions: input.actions.map(RuleActionsInput::read).transpose()?,
        };
        Ok(match record {
            Some(record) => Tried::One(Box::new(
                rules::test_on(op, candidate, record).await?.into(),
            )),
            None => Tried::History(rules::test(op, candidate).await?.into()),
        })
    };
    let (tried, user_errors) = payload(tried.await)?;
    let (test, record) = match tried {
        Some(Tried::History(test)) => (Some(test), None),
        Some(Tried::One(record)) => (None, Some(*record)),
        None => (None, None),
    };
    Ok(TestRulePayload {
        test,
        record,
        user_errors,
    })
}
