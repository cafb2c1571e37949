//! The profit and loss statement as clients see it.

use async_graphql::{ComplexObject, Context, Enum, SimpleObject};
use entity::CategoryId;

use super::ReportInterval;
use crate::error::Result;
use crate::graphql::categories::Category;
use crate::graphql::loader::load;
use crate::graphql::op::Op;
use crate::graphql::page::{Connection, as_of, asks, window};
use crate::graphql::records::Record;
use crate::graphql::scalar::{Date, Money};
use crate::reports::{self, Units};

/// A side of the profit and loss statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "reports::Side", name = "ProfitAndLossSide")]
pub enum ProfitAndLossSide {
    /// Money earned.
    Income,
    /// Money spent.
    Expense,
}

/// A part of the time of a report: a calendar period as far as the report reaches into it.
#[derive(Clone, Copy, SimpleObject)]
#[graphql(serial)]
pub struct ReportPeriod {
    /// Its first day.
    pub from: Date,
    /// Its last day.
    pub to: Date,
}

/// Income and expense by category and period, in one currency. Expenses are negative, so the result is the sum of both.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct ProfitAndLoss {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// How it is cut.
    pub interval: ReportInterval,
    /// ISO 4217 code of every amount in it but those of `otherCurrencies`.
    pub currency: String,
    /// Whether what is proposed and not yet approved counts too.
    pub include_proposed: bool,
    /// The periods, in order. The amounts of lines and totals follow them.
    pub periods: Vec<ReportPeriod>,
    /// The categories that moved: income before expense, each before what lies below it.
    pub lines: Vec<ProfitAndLossLine>,
    /// What was earned.
    pub income: ProfitAndLossTotal,
    /// What was spent.
    pub expense: ProfitAndLossTotal,
    /// What is left.
    pub result: ProfitAndLossTotal,
    /// Records of that time and currency without a category: they are in no line and in no total.
    pub uncategorised: ProfitAndLossUncategorised,
    /// How many records of that time and currency wait for approval of their category and are not counted.
    pub awaiting_approval: i64,
    /// The same time in other currencies, never added to the rest and never converted.
    pub other_currencies: Vec<OtherCurrencyTotal>,
    /// The place in the event log read before the records: following from here misses nothing.
    pub as_of: String,
}

/// A category in the statement. Its amounts hold those of the categories below it.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct ProfitAndLossLine {
    /// The number of the category when the statement was made.
    pub code: String,
    /// The name of the category when the statement was made.
    pub name: String,
    /// Its side.
    pub side: ProfitAndLossSide,
    /// How far below the top of the chart it stands; 0 at the top.
    pub depth: i32,
    /// Its amounts, one per period.
    pub cells: Vec<ProfitAndLossCell>,
    /// All of its time.
    pub total: ProfitAndLossCell,
    /// How many records are behind it.
    pub record_count: i64,
    #[graphql(skip)]
    category_id: CategoryId,
}

#[ComplexObject]
impl ProfitAndLossLine {
    /// The category.
    async fn category(&self, ctx: &Context<'_>) -> Result<Category> {
        load(ctx, self.category_id, "category").await
    }
}

/// A figure, and the records behind it.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct ProfitAndLossCell {
    /// Its time.
    pub period: ReportPeriod,
    /// What its records add up to.
    pub amount: Money,
    #[graphql(skip)]
    behind: reports::Cell,
}

#[ComplexObject]
impl ProfitAndLossCell {
    /// The records behind it as they are now, the latest first. Needs `records:read`.
    async fn records(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor they follow.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor they precede.")] before: Option<String>,
    ) -> Result<Connection<Record>> {
        let window = window(first, after, last, before)?;
        let op = ctx.op()?;
        let as_of = as_of(ctx).await?;
        let page = reports::cell(op, self.behind, &window).await?;
        let mut found = Connection::of(page, Record::from);
        found.as_of = as_of;
        if asks(ctx, "totalCount") {
            found.total_count = Some(reports::count_cell(op, self.behind).await? as i64);
        }
        Ok(found)
    }
}

/// A total of the statement.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct ProfitAndLossTotal {
    /// By period.
    pub amounts: Vec<Money>,
    /// Altogether.
    pub total: Money,
}

/// Records that no category holds.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct ProfitAndLossUncategorised {
    /// How many.
    pub record_count: i64,
    /// What they add up to, one figure per period.
    pub cells: Vec<ProfitAndLossCell>,
    /// What they add up to altogether.
    pub total: ProfitAndLossCell,
}

/// What stands beside the statement in another currency.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct OtherCurrencyTotal {
    /// ISO 4217 code.
    pub currency: String,
    /// What was earned in it.
    pub income: Money,
    /// What was spent in it.
    pub expense: Money,
    /// What is left of it.
    pub result: Money,
    /// How many records of the statement's time are in it, those without a category included.
    pub record_count: i64,
    /// How many of them have no category, and are in none of its amounts.
    pub uncategorised_record_count: i64,
}

impl From<reports::ProfitAndLoss> for ProfitAndLoss {
    fn from(made: reports::ProfitAndLoss) -> Self {
        let currency = made.currency.as_str();
        let money = |units: Units| Money::sum(units.0, currency);
        let whole = reports::Period {
            from: made.from,
            to: made.to,
        };
        let cell = |category: Option<CategoryId>, period: reports::Period, units: Units| {
            ProfitAndLossCell {
                period: period.into(),
                amount: money(units),
                behind: reports::Cell {
                    category,
                    period,
                    currency: made.currency,
                    include_proposed: made.include_proposed,
                },
            }
        };
        let cells = |category: Option<CategoryId>, amounts: &reports::Total| {
            let by_period = made.periods.iter().zip(&amounts.by_period);
            let cells = by_period.map(|(period, units)| cell(category, *period, *units));
            (cells.collect(), cell(category, whole, amounts.overall))
        };
        let total = |amounts: &reports::Total| ProfitAndLossTotal {
            amounts: amounts.by_period.iter().copied().map(money).collect(),
            total: money(amounts.overall),
        };
        let lines = made.lines.iter().map(|line| {
            let (cells, total) = cells(Some(line.category), &line.amounts);
            ProfitAndLossLine {
                code: line.code.clone(),
                name: line.name.clone(),
                side: line.side.into(),
                depth: i32::try_from(line.depth).unwrap_or(i32::MAX),
                cells,
                total,
                record_count: line.records,
                category_id: line.category,
            }
        });
        let (uncategorised, uncategorised_total) = cells(None, &made.uncategorised.amounts);
        Self {
            from: Date(made.from),
            to: Date(made.to),
            interval: made.interval.into(),
            currency: currency.to_owned(),
            include_proposed: made.include_proposed,
            periods: made.periods.iter().copied().map(Into::into).collect(),
            lines: lines.collect(),
            income: total(&made.income),
            expense: total(&made.expense),
            result: total(&made.result),
            uncategorised: ProfitAndLossUncategorised {
                record_count: made.uncategorised.records,
                cells: uncategorised,
                total: uncategorised_total,
            },
            awaiting_approval: made.awaiting_approval,
            other_currencies: made.other_currencies.iter().map(Into::into).collect(),
            as_of: made.as_of.to_string(),
        }
    }
}

impl From<&reports::OtherCurrency> for OtherCurrencyTotal {
    fn from(other: &reports::OtherCurrency) -> Self {
        let money = |units: Units| Money::sum(units.0, &other.currency);
        Self {
            currency: other.currency.clone(),
            income: money(other.income),
            expense: money(other.expense),
            result: money(other.result),
            record_count: other.records,
            uncategorised_record_count: other.uncategorised_records,
        }
    }
}

impl From<reports::Period> for ReportPeriod {
    fn from(period: reports::Period) -> Self {
        Self {
            from: Date(period.from),
            to: Date(period.to),
        }
    }
}
