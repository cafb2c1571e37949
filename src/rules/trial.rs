//! Trying a rule before it counts, on past records or on one, beside the rules in force; and asking a rule why it did not
//! match.

use std::collections::HashSet;

use chrono::NaiveDate;
use entity::{AccountId, CategoryId, RecordId, RuleId, record};
use sea_orm::{ColumnTrait, DerivePartialModel, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::condition::{Actions, Condition};
use super::matching::{Facts, Field, Outcome, RuleDef, RuleSet};
use super::{compile, create, list, order, validate};
use crate::ctx::{Ctx, Read};
use crate::error::{Error, Result};
use crate::permission::Permission;
use crate::records;

/// How many of the latest records a test looks at.
const SAMPLE: u64 = 500;

/// What a rule would have matched.
#[derive(Clone, Debug)]
pub struct Trial {
    /// How many records were looked at, latest first.
    pub sampled: usize,
    /// The records it matches, latest first.
    pub records: Vec<record::Model>,
    /// Of those, the approved ones in the category that the rule would propose.
    pub confirmations: usize,
    /// Of those, the approved ones in another category than the rule would propose.
    pub contradictions: usize,
    /// Of those, the ones where it would fill in something that the rules before it leave open.
    pub effective: usize,
}

/// A rule to try: a stored one, as it is or changed, or one that is not stored yet.
#[derive(Clone, Debug, Default)]
pub struct Candidate {
    /// The stored rule; it is tried at its place, live and switched on.
    pub rule: Option<RuleId>,
    /// When it matches, instead of what is stored.
    pub conditions: Option<Condition>,
    /// What it fills in, instead of what is stored.
    pub actions: Option<Actions>,
}

/// What a rule would do to one record.
#[derive(Clone, Debug)]
pub struct RecordTrial {
    /// The record.
    pub record: record::Model,
    /// The first clause that the record does not meet; none when the rule matches.
    pub failing_clause: Option<String>,
    /// The rule before it that stops, so that it is not tried.
    pub stopped_by: Option<RuleId>,
    /// What becomes of each field that it fills in.
    pub fields: Vec<FieldOutcome>,
}

/// What becomes of a field that a rule fills in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldOutcome {
    /// The field.
    pub field: Field,
    /// What the rule fills in: a category by its id, tags with commas between.
    pub value: String,
    /// Whether it would be filled in by this rule.
    pub takes_effect: bool,
    /// The rule before it that fills it in.
    pub filled_by: Option<RuleId>,
}

/// What a rule needs to know about a record of the past.
#[derive(Clone, Debug, DerivePartialModel)]
#[sea_orm(entity = "record::Entity")]
pub struct Sampled {
    /// Which record.
    pub id: RecordId,
    /// The bank's text.
    pub description: String,
    /// The merchant, normalised.
    pub merchant_key: String,
    /// In 10^-5 units, money in positive.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// The account money moved on.
    pub account_id: Option<AccountId>,
    /// The local date it happened.
    pub occurred_on: NaiveDate,
    /// How far it is.
    pub status: record::Status,
    /// Its category.
    pub category_id: Option<CategoryId>,
}

impl Sampled {
    pub(super) fn facts(&self) -> Facts<'_> {
        Facts::new(
            &self.description,
            &self.merchant_key,
            self.amount,
            &self.currency,
            self.account_id.map(|id| id.0).unwrap_or_default(),
            self.occurred_on,
        )
    }
}

/// The latest `size` records that count and that the actor sees.
pub(super) async fn latest(
    ctx: &Ctx,
    read: &Read,
    statuses: &[record::Status],
    size: u64,
) -> Result<Vec<Sampled>> {
    let select = read.select::<record::Entity>();
    Ok(records::reached(ctx, Permission::ReadRecords, select)
        .filter(record::Column::Status.is_in(statuses.iter().copied()))
        .order_by_desc(record::Column::OccurredOn)
        .order_by_desc(record::Column::Id)
        .limit(size)
        .into_partial_model()
        .all(read.on())
        .await?)
}

/// The latest `size` records that count and that the actor sees, reduced to those the conditions match, and how many were
/// looked at.
pub async fn sample(
    ctx: &Ctx,
    read: &Read,
    conditions: &Condition,
    statuses: &[record::Status],
    size: u64,
) -> Result<(usize, Vec<Sampled>)> {
    let rows = latest(ctx, read, statuses, size).await?;
    let id = Uuid::nil();
    let rule = RuleSet::compile(vec![RuleDef {
        id,
        conditions: conditions.clone(),
        actions: Actions::default(),
        stop: false,
        shadow: false,
    }]);
    let sampled = rows.len();
    let matches = rows
        .into_iter()
        .filter(|row| rule.matches(id, &row.facts()))
        .collect();
    Ok((sampled, matches))
}

/// A rule to try, and the rules in force that are tried before it.
struct Placed {
    rule: RuleDef,
    before: RuleSet,
    stops: HashSet<Uuid>,
}

impl Placed {
    /// A stored rule at its place; a new one behind the other rules without a group.
    async fn of(read: &Read, candidate: Candidate) -> Result<Self> {
        let rows = order::ordered(read).await?;
        let (at, stored) = match candidate.rule {
            Some(id) => {
                let at = rows.iter().position(|(row, _)| row.id == id);
                let at = at.ok_or(Error::NotFound("rule"))?;
                (at, Some(compile::definition(&rows[at].0)?))
            }
            None => {
                let ungrouped = rows.iter().take_while(|(row, _)| row.group_id.is_none());
                (ungrouped.count(), None)
            }
        };
        let missing = |field: &'static str| {
            Error::invalid(field, "is needed when no stored rule is named by ruleId")
        };
        let (stored_conditions, stored_actions) = match &stored {
            Some(rule) => (Some(rule.conditions.clone()), Some(rule.actions.clone())),
            None => (None, None),
        };
        let conditions = candidate.conditions.or(stored_conditions);
        let actions = candidate.actions.or(stored_actions);
        let conditions = conditions.ok_or_else(|| missing("conditions"))?;
        let mut actions = actions.ok_or_else(|| missing("actions"))?;
        validate::validate(&conditions, &actions)
            .map_err(|wrong| Error::invalid(wrong.path, wrong.message))?;
        actions.tags = create::kept_tags(&actions.tags);
        let before: Vec<RuleDef> = rows[..at]
            .iter()
            .filter(|(_, tried)| *tried)
            .filter_map(|(row, _)| compile::readable(row))
            .collect();
        Ok(Self {
            rule: RuleDef {
                id: stored.as_ref().map_or(Uuid::nil(), |rule| rule.id),
                conditions,
                actions,
                stop: stored.is_some_and(|rule| rule.stop),
                shadow: false,
            },
            stops: before
                .iter()
                .filter(|rule| rule.stop && !rule.shadow)
                .map(|rule| rule.id)
                .collect(),
            before: RuleSet::compile(before),
        })
    }

    /// What is filled in when its turn comes, and who stops before it.
    fn before(&self, facts: &Facts<'_>) -> (Outcome, Option<RuleId>) {
        let outcome = self.before.evaluate(facts, false);
        let last = outcome.matched.last().filter(|id| self.stops.contains(id));
        let stopped_by = last.map(|id| RuleId(*id));
        (outcome, stopped_by)
    }
}

/// Tries a rule on the latest records. Nothing is stored.
pub async fn test(ctx: &Ctx, candidate: Candidate) -> Result<Trial> {
    ctx.require(Permission::ReadRules)?;
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    let placed = Placed::of(&read, candidate).await?;
    let statuses = [
        record::Status::Received,
        record::Status::Processed,
        record::Status::Approved,
    ];
    let conditions = &placed.rule.conditions;
    let (sampled, matches) = sample(ctx, &read, conditions, &statuses, SAMPLE).await?;
    let proposed = placed.rule.actions.category.map(CategoryId);
    let approved = || {
        matches
            .iter()
            .filter(|row| row.status == record::Status::Approved && proposed.is_some())
    };
    let confirmations = approved().filter(|row| row.category_id == proposed).count();
    let contradictions = approved().count() - confirmations;
    let adds = |row: &&Sampled| {
        let (outcome, stopped_by) = placed.before(&row.facts());
        stopped_by.is_none() && !placed.rule.actions.open(&outcome).is_empty()
    };
    let effective = matches.iter().filter(adds).count();
    let records = read
        .select::<record::Entity>()
        .filter(record::Column::Id.is_in(matches.iter().map(|row| row.id)))
        .order_by_desc(record::Column::OccurredOn)
        .order_by_desc(record::Column::Id)
        .all(read.on())
        .await?;
    Ok(Trial {
        sampled,
        records,
        confirmations,
        contradictions,
        effective,
    })
}

/// Tries a rule on one record, beside the rules in force. Nothing is stored.
pub async fn test_on(ctx: &Ctx, candidate: Candidate, record: RecordId) -> Result<RecordTrial> {
    ctx.require(Permission::ReadRules)?;
    ctx.require(Permission::ReadRecords)?;
    let record = records::load(ctx, record).await?;
    let read = ctx.read().await?;
    let placed = Placed::of(&read, candidate).await?;
    let facts = compile::facts(&record);
    let alone = RuleSet::compile(vec![placed.rule.clone()]);
    let failing_clause = alone.explain(placed.rule.id, &facts);
    let (outcome, stopped_by) = placed.before(&facts);
    let actions = &placed.rule.actions;
    let open = actions.open(&outcome);
    let counts = failing_clause.is_none() && stopped_by.is_none();
    let fields = values(actions)
        .into_iter()
        .map(|(field, value)| FieldOutcome {
            field,
            value,
            takes_effect: counts && open.contains(&field),
            filled_by: outcome.filler(field).map(RuleId),
        })
        .collect();
    Ok(RecordTrial {
        failing_clause,
        stopped_by,
        fields,
        record,
    })
}

/// What a rule fills in, field by field.
fn values(actions: &Actions) -> Vec<(Field, String)> {
    let category = actions.category.map(|id| id.to_string());
    let lines = actions.split.as_ref().map(Vec::len);
    let split = lines.map(|lines| format!("split into {lines} lines"));
    let tags = (!actions.tags.is_empty()).then(|| actions.tags.join(", "));
    let all = [
        (Field::Category, category.or(split)),
        (Field::Project, actions.project.clone()),
        (Field::Note, actions.note.clone()),
        (Field::Tags, tags),
        (Field::Flag, actions.flag.clone()),
    ];
    let filled = all.into_iter();
    filled
        .filter_map(|(field, value)| Some((field, value?)))
        .collect()
}

/// The first clause of a rule that a record does not meet; none when the rule matches it.
pub async fn why_not(ctx: &Ctx, rule: RuleId, record: RecordId) -> Result<Option<String>> {
    ctx.require(Permission::ReadRecords)?;
    let row = list::load(ctx, rule).await?;
    let record = records::load(ctx, record).await?;
    let set = RuleSet::compile(vec![compile::definition(&row)?]);
    Ok(set.explain(rule.0, &compile::facts(&record)))
}
