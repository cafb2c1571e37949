//! The profit and loss statement: income and expense by category and period, in one currency. Amounts of other
//! currencies stand beside it, never added, converted or dropped.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::NaiveDate;
use entity::record::Status;
use entity::{CategoryId, category, stream_head, tenant};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};

use super::sums::{Group, Units, groups};
use super::{Interval, Params, Period, postings};
use crate::cache::{Key, Recent};
use crate::categories::tree::Tree;
use crate::ctx::{Ctx, Read};
use crate::error::{Error, Result};
use crate::events::Cursor;
use crate::money::Currency;
use crate::permission::{Permission, Reach};

/// Which side of the statement a line is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Side {
    /// Money earned.
    Income,
    /// Money spent.
    Expense,
}

/// A profit and loss statement. Amounts are signed from the books' view: expenses are negative, so the result is the
/// sum of income and expense.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfitAndLoss {
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// How it is cut.
    pub interval: Interval,
    /// The currency of every amount in it but those that name their own.
    pub currency: Currency,
    /// Whether what is proposed and not yet approved counts too.
    pub include_proposed: bool,
    /// The periods, in order; the amounts of lines and totals follow them.
    pub periods: Vec<Period>,
    /// The categories that moved, income before expense, each parent before what is below it.
    pub lines: Vec<Line>,
    /// What was earned.
    pub income: Total,
    /// What was spent.
    pub expense: Total,
    /// What is left.
    pub result: Total,
    /// Records of that time and currency without a category, in no line.
    pub uncategorised: Uncategorised,
    /// Records of that time and currency with a proposed category that nobody approved and that are not counted.
    pub awaiting_approval: i64,
    /// The same time in other currencies.
    pub other_currencies: Vec<OtherCurrency>,
    /// The place in the event log that was read before the records: following from here misses nothing.
    pub as_of: Cursor,
}

/// A category in the statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Which category.
    pub category: CategoryId,
    /// Its number in the chart, as it was.
    pub code: String,
    /// Its name, as it was.
    pub name: String,
    /// Its side.
    pub side: Side,
    /// How far below the top of the chart it stands.
    pub depth: usize,
    /// What it and everything below it add up to.
    pub amounts: Total,
    /// Records behind it, those below it included; one with several lines counts once.
    pub records: i64,
}

/// Amounts by period, and altogether.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Total {
    /// By period.
    pub by_period: Vec<Units>,
    /// Altogether.
    pub overall: Units,
}

/// Records that no category holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Uncategorised {
    /// How many.
    pub records: i64,
    /// What they add up to.
    pub amounts: Total,
}

/// What stands beside the statement in another currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OtherCurrency {
    /// ISO 4217 code.
    pub currency: String,
    /// What was earned in it.
    pub income: Units,
    /// What was spent in it.
    pub expense: Units,
    /// What is left of it.
    pub result: Units,
    /// Its records in the statement's time, those without a category included.
    pub records: i64,
    /// How many of them have no category, and are in none of its amounts.
    pub uncategorised_records: i64,
}

/// Makes a profit and loss statement of one moment, of the records the actor reaches.
pub async fn profit_and_loss(ctx: &Ctx, params: &Params) -> Result<ProfitAndLoss> {
    profit_and_loss_of(ctx, params, &ctx.reach(Permission::ReadReports)).await
}

/// The same of the records in somebody's reach: as it was made before, while the log of the tenant has not moved.
#[tracing::instrument(skip_all)]
pub(super) async fn profit_and_loss_of(
    ctx: &Ctx,
    params: &Params,
    reach: &Reach,
) -> Result<ProfitAndLoss> {
    ctx.require(Permission::ReadReports)?;
    let periods = params.periods()?;
    let read = ctx.snapshot().await?;
    let head = read
        .select::<stream_head::Entity>()
        .one(read.on())
        .await?
        .ok_or_else(|| Error::internal("the tenant has no event log"))?;
    let as_of = Cursor::new(head.sequence, head.recorded_at);
    let currency = match params.currency {
        Some(currency) => currency,
        None => base_currency(&read).await?,
    };
    // the chart, the records and whom a reach names change with an event only, and the hash of the last one names all
    let asked = (params, reach);
    let key = Key::of(&[
        read.tenant().0.as_bytes(),
        &head.sequence.to_be_bytes(),
        &head.hash,
        currency.as_str().as_bytes(),
        format!("{asked:?}").as_bytes(),
    ]);
    let (recent, now) = (ctx.handles().kept.of::<Recent<ProfitAndLoss>>(), ctx.now());
    if let Some(made) = recent.find(&key, now) {
        return Ok(made.as_ref().clone());
    }
    let chart = read.select::<category::Entity>().all(read.on()).await?;
    let mut groups = groups(&read, params, reach).await?;
    groups.extend(postings::moved(&read, params, reach).await?);
    let made = assemble(params, periods, currency, &chart, &groups, as_of);
    recent.keep(key, Arc::new(made.clone()), made.weight(), now);
    Ok(made)
}

impl ProfitAndLoss {
    /// About how many bytes it takes in memory.
    fn weight(&self) -> usize {
        let cells = (self.lines.len() + 4) * (self.periods.len() + 8);
        cells * size_of::<Units>() + self.other_currencies.len() * size_of::<OtherCurrency>()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tenant's own row, by its id: the table has no tenant column"
)]
async fn base_currency(read: &Read) -> Result<Currency> {
    let tenant = tenant::Entity::find()
        .filter(tenant::Column::Id.eq(read.tenant()))
        .one(read.on())
        .await?
        .ok_or(Error::NotFound("tenant"))?;
    tenant.base_currency.parse().map_err(Error::internal)
}

/// Puts sums into their places. Pure: everything read is given.
fn assemble(
    params: &Params,
    periods: Vec<Period>,
    currency: Currency,
    chart: &[category::Model],
    groups: &[Group],
    as_of: Cursor,
) -> ProfitAndLoss {
    let tree = Tree::of(chart);
    let ends: Vec<String> = periods
        .iter()
        .map(|period| period.to.format("%Y-%m").to_string())
        .collect();
    let mut cells: HashMap<CategoryId, (Total, i64)> = HashMap::new();
    let mut others: BTreeMap<&str, OtherCurrency> = BTreeMap::new();
    let mut uncategorised = Uncategorised {
        records: 0,
        amounts: Total::of(periods.len()),
    };
    let mut awaiting_approval = 0;
    let lineage = |id: &CategoryId| std::iter::once(*id).chain(tree.above(*id));
    for group in groups {
        let side = group.category_id.and_then(|id| side(tree.node(id)?.kind));
        let counts = group.status == Status::Approved
            || (params.include_proposed && group.status == Status::Processed);
        if group.currency != currency.as_str() {
            beside(&mut others, group, side, counts);
            continue;
        }
        // groups are cut by month, and no period ends within one but the last, where the days beyond were not read
        let period = ends.partition_point(|end| *end < group.month);
        match group.category_id {
            None => {
                uncategorised.records += group.records;
                uncategorised.amounts.add(period, group.units());
            }
            Some(_) if !counts && group.beside.is_empty() => awaiting_approval += group.records,
            Some(_) if !counts => {}
            Some(_) if side.is_none() => {}
            Some(id) => {
                let known: HashSet<CategoryId> = group.beside.iter().flat_map(lineage).collect();
                for id in lineage(&id) {
                    let (total, records) = cells
                        .entry(id)
                        .or_insert_with(|| (Total::of(periods.len()), 0));
                    total.add(period, group.units());
                    if !known.contains(&id) {
                        *records += group.records;
                    }
                }
            }
        }
    }
    let (mut income, mut expense) = (Total::of(periods.len()), Total::of(periods.len()));
    let mut lines = Vec::with_capacity(cells.len());
    for (depth, node) in tree.walk() {
        let (Some(side), Some((amounts, records))) = (side(node.kind), cells.remove(&node.id))
        else {
            continue;
        };
        // all of it counts elsewhere
        if records == 0 {
            continue;
        }
        if depth == 0 {
            match side {
                Side::Income => income += &amounts,
                Side::Expense => expense += &amounts,
            }
        }
        lines.push(Line {
            category: node.id,
            code: node.code.clone(),
            name: node.name.clone(),
            side,
            depth,
            amounts,
            records,
        });
    }
    // stable: within a side the order of the chart stays
    lines.sort_by_key(|line| line.side == Side::Expense);
    others.retain(|_, other| other.records != 0);
    let mut result = income.clone();
    result += &expense;
    ProfitAndLoss {
        from: params.from,
        to: params.to,
        interval: params.interval,
        currency,
        include_proposed: params.include_proposed,
        periods,
        lines,
        income,
        expense,
        result,
        uncategorised,
        awaiting_approval,
        other_currencies: others.into_values().collect(),
        as_of,
    }
}

fn side(kind: category::Kind) -> Option<Side> {
    match kind {
        category::Kind::Income => Some(Side::Income),
        category::Kind::Expense => Some(Side::Expense),
        _ => None,
    }
}

fn beside<'g>(
    others: &mut BTreeMap<&'g str, OtherCurrency>,
    group: &'g Group,
    side: Option<Side>,
    counts: bool,
) {
    let uncategorised = group.category_id.is_none();
    if !uncategorised && (!counts || side.is_none()) {
        return;
    }
    let other = others
        .entry(&group.currency)
        .or_insert_with(|| OtherCurrency {
            currency: group.currency.clone(),
            income: Units::default(),
            expense: Units::default(),
            result: Units::default(),
            records: 0,
            uncategorised_records: 0,
        });
    if group.beside.is_empty() {
        other.records += group.records;
    }
    match side {
        Some(Side::Income) => other.income += group.units(),
        Some(Side::Expense) => other.expense += group.units(),
        None => {
            other.uncategorised_records += group.records;
            return;
        }
    }
    other.result += group.units();
}

impl Total {
    fn of(periods: usize) -> Self {
        Self {
            by_period: vec![Units::default(); periods],
            overall: Units::default(),
        }
    }

    fn add(&mut self, period: usize, units: Units) {
        self.by_period[period] += units;
        self.overall += units;
    }
}

impl std::ops::AddAssign<&Self> for Total {
    fn add_assign(&mut self, other: &Self) {
        for (own, other) in self.by_period.iter_mut().zip(&other.by_period) {
            *own += *other;
        }
        self.overall += other.overall;
    }
}

#[cfg(test)]
mod tests;
