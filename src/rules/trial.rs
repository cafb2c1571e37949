//! Trying a rule on past records before it counts, and asking a rule why it did not match.

use chrono::NaiveDate;
use entity::{AccountId, CategoryId, RecordId, RuleId, record};
use sea_orm::{ColumnTrait, DerivePartialModel, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::condition::{Actions, Condition};
use super::matching::{Facts, RuleDef, RuleSet};
use super::{compile, list, validate};
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
    /// Of those, the approved ones in another category than the rule would propose.
    pub contradictions: usize,
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
    fn facts(&self) -> Facts<'_> {
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

/// The latest `size` records that count and that the actor sees, reduced to those the conditions match, and how many were looked at.
pub async fn sample(
    ctx: &Ctx,
    read: &Read,
    conditions: &Condition,
    statuses: &[record::Status],
    size: u64,
) -> Result<(usize, Vec<Sampled>)> {
    let select = read.select::<record::Entity>();
    let rows: Vec<Sampled> = records::reached(ctx, Permission::ReadRecords, select)
        .filter(record::Column::Status.is_in(statuses.iter().copied()))
        .order_by_desc(record::Column::OccurredOn)
        .order_by_desc(record::Column::Id)
        .limit(size)
        .into_partial_model()
        .all(read.on())
        .await?;
    let rule = RuleSet::compile(vec![RuleDef {
        id: Uuid::nil(),
        conditions: conditions.clone(),
        actions: Actions::default(),
        stop: false,
    }]);
    let sampled = rows.len();
    let matches = rows
        .into_iter()
        .filter(|row| !rule.evaluate(&row.facts(), false).matched.is_empty())
        .collect();
    Ok((sampled, matches))
}

/// Tries conditions, and what would follow, on the latest records. Nothing is stored.
pub async fn test(ctx: &Ctx, conditions: &Condition, actions: &Actions) -> Result<Trial> {
    ctx.require(Permission::ReadRules)?;
    ctx.require(Permission::ReadRecords)?;
    validate::validate(conditions, actions)
        .map_err(|wrong| Error::invalid(wrong.path, wrong.message))?;
    let read = ctx.read().await?;
    let statuses = [
        record::Status::Received,
        record::Status::Processed,
        record::Status::Approved,
    ];
    let (sampled, matches) = sample(ctx, &read, conditions, &statuses, SAMPLE).await?;
    let proposed = actions.category.map(CategoryId);
    let contradictions = matches
        .iter()
        .filter(|row| row.status == record::Status::Approved)
        .filter(|row| proposed.is_some() && row.category_id != proposed)
        .count();
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
        contradictions,
    })
}

/// The first clause of a rule that a record does not meet; none when the rule matches it.
pub async fn why_not(ctx: &Ctx, rule: RuleId, record: RecordId) -> Result<Option<String>> {
    ctx.require(Permission::ReadRecords)?;
    let row = list::load(ctx, rule).await?;
    let read = ctx.read().await?;
    let select = read.select::<record::Entity>();
    let record = records::reached(ctx, Permission::ReadRecords, select)
        .filter(record::Column::Id.eq(record))
        .one(read.on())
        .await?
        .ok_or(Error::NotFound("record"))?;
    let set = RuleSet::compile(vec![compile::definition(&row)?]);
    Ok(set.explain(rule.0, &compile::facts(&record)))
}
