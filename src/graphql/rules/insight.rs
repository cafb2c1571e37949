//! What rules were worth, and which get into each other's way, as clients see it.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, Enum, ID, SimpleObject};
use chrono::{DateTime, Utc};
use entity::RuleId;

use super::Rule;
use crate::error::{Error, Result};
use crate::graphql::loader::{OpLoader, load};
use crate::graphql::node::global;
use crate::graphql::scalar::Date;
use crate::rules::{self, matching::Field};

/// Conflicts told at most.
const MOST: usize = 200;

/// Something a rule can fill in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Field")]
pub enum RuleField {
    /// The category.
    Category,
    /// The project.
    Project,
    /// The note.
    Note,
    /// Tags.
    Tags,
    /// Why a person is to look.
    Flag,
}

/// What became of the records that a rule met. A record counts once, however often it is processed; voided ones do not.
#[derive(Clone, Default, SimpleObject)]
#[graphql(serial)]
pub struct RuleStatistics {
    /// While it was live.
    pub live: RuleCounts,
    /// While it only watched.
    pub shadow: RuleCounts,
}

/// Records that a rule met, and what people said of what it decided.
#[derive(Clone, Default, SimpleObject)]
#[graphql(serial)]
pub struct RuleCounts {
    /// Records it met.
    pub hits: i64,
    /// When it last met one.
    pub last_hit_at: Option<DateTime<Utc>>,
    /// Records whose category it decided, or would have, and that a person filed there.
    pub agreed: i64,
    /// Records whose category it decided, or would have, and that a person filed elsewhere.
    pub overridden: i64,
    /// The share that people agreed with, 0 to 1; null before they decided anything.
    pub precision: Option<f64>,
}

impl From<rules::Counts> for RuleCounts {
    fn from(counts: rules::Counts) -> Self {
        Self {
            precision: counts.precision(),
            hits: counts.hits,
            last_hit_at: counts.last_hit_at,
            agreed: counts.agreed,
            overridden: counts.overridden,
        }
    }
}

/// Asks for what a rule was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StatisticsOf(pub RuleId);

impl Loader<StatisticsOf> for OpLoader {
    type Value = RuleStatistics;
    type Error = Arc<Error>;

    async fn load(
        &self,
        keys: &[StatisticsOf],
    ) -> Result<HashMap<StatisticsOf, RuleStatistics>, Arc<Error>> {
        let ids: Vec<RuleId> = keys.iter().map(|key| key.0).collect();
        let found = rules::statistics(&self.ctx, &ids).await.map_err(Arc::new)?;
        let shown = |(id, of): (RuleId, rules::Statistics)| {
            let statistics = RuleStatistics {
                live: of.live.into(),
                shadow: of.shadow.into(),
            };
            (StatisticsOf(id), statistics)
        };
        Ok(found.into_iter().map(shown).collect())
    }
}

/// What became of the records that a rule met in a month, however much later they were decided.
#[derive(Clone, SimpleObject)]
#[graphql(serial)]
pub struct RuleMonth {
    /// The first day of the month, in UTC.
    pub month: Date,
    /// While it was live.
    pub live: RuleMonthCounts,
    /// While it only watched.
    pub shadow: RuleMonthCounts,
}

/// Records that a rule met in a month, and what people said of what it decided.
#[derive(Clone, SimpleObject)]
#[graphql(serial)]
pub struct RuleMonthCounts {
    /// Records it met.
    pub hits: i64,
    /// Records whose category it decided, or would have, and that a person filed there.
    pub agreed: i64,
    /// Records whose category it decided, or would have, and that a person filed elsewhere.
    pub overridden: i64,
    /// The share that people agreed with, 0 to 1; null before they decided anything.
    pub precision: Option<f64>,
}

impl From<rules::Counts> for RuleMonthCounts {
    fn from(counts: rules::Counts) -> Self {
        Self {
            precision: counts.precision(),
            hits: counts.hits,
            agreed: counts.agreed,
            overridden: counts.overridden,
        }
    }
}

impl From<rules::Month> for RuleMonth {
    fn from(of: rules::Month) -> Self {
        Self {
            month: Date(of.month),
            live: of.live.into(),
            shadow: of.shadow.into(),
        }
    }
}

/// Asks for what a rule was worth month by month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MonthsOf(pub RuleId);

impl Loader<MonthsOf> for OpLoader {
    type Value = Vec<RuleMonth>;
    type Error = Arc<Error>;

    async fn load(
        &self,
        keys: &[MonthsOf],
    ) -> Result<HashMap<MonthsOf, Vec<RuleMonth>>, Arc<Error>> {
        let ids: Vec<RuleId> = keys.iter().map(|key| key.0).collect();
        let found = rules::months(&self.ctx, &ids).await.map_err(Arc::new)?;
        let shown = found.into_iter().map(|(id, months)| {
            let months = months.into_iter().map(Into::into);
            (MonthsOf(id), months.collect())
        });
        Ok(shown.collect())
    }
}

/// How rules get into each other's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "rules::ConflictKind")]
pub enum RuleConflictKind {
    /// Both match a record and fill the same field differently.
    Contradiction,
    /// An earlier rule takes every record that it matches, so that it never does anything.
    Unreached,
}

/// Rules in each other's way, found on the latest records and true of those only.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct RuleConflicts {
    /// How many records were looked at, latest first; at most 2,000.
    pub sampled: i32,
    /// The conflicts, those on most records first; at most 200.
    pub conflicts: Vec<RuleConflict>,
}

impl From<rules::Conflicts> for RuleConflicts {
    fn from(found: rules::Conflicts) -> Self {
        Self {
            sampled: count(found.sampled),
            conflicts: found.found.into_iter().take(MOST).map(Into::into).collect(),
        }
    }
}

/// Two rules in each other's way.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct RuleConflict {
    /// How.
    pub kind: RuleConflictKind,
    /// The field they fill differently; null when a rule is unreached.
    pub field: Option<RuleField>,
    /// On how many of the records looked at.
    pub records: i32,
    /// The ids of up to three of those, latest first.
    pub example_ids: Vec<ID>,
    #[graphql(skip)]
    rule: RuleId,
    #[graphql(skip)]
    earlier: RuleId,
}

impl From<rules::Conflict> for RuleConflict {
    fn from(found: rules::Conflict) -> Self {
        Self {
            kind: found.kind.into(),
            field: found.field.map(Into::into),
            records: count(found.records),
            rule: found.rule,
            earlier: found.earlier,
            example_ids: found
                .examples
                .into_iter()
                .map(|id| global("Record", id))
                .collect(),
        }
    }
}

#[ComplexObject]
impl RuleConflict {
    /// The rule that is tried later.
    async fn rule(&self, ctx: &Context<'_>) -> Result<Rule> {
        load(ctx, self.rule, "rule").await
    }

    /// The rule that is tried first.
    async fn earlier(&self, ctx: &Context<'_>) -> Result<Rule> {
        load(ctx, self.earlier, "rule").await
    }
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
