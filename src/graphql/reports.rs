//! Reports: the profit and loss statement, at once or filed.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{CategoryId, ReportId, report};

use super::categories::Category;
use super::error::{UserError, payload};
use super::loader::{OpLoader, find, load};
use super::node::{global, local};
use super::op::Op;
use super::page::{Connection, as_of, asks, window};
use super::records::Record;
use super::scalar::{Date, Money};
use crate::error::{Error, Result};
use crate::money::Currency;
use crate::reports::{self, Params, Units};

/// How the time of a report is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "reports::Interval", name = "ReportInterval")]
pub enum ReportInterval {
    /// Not at all.
    None,
    /// By calendar month.
    Month,
    /// By calendar quarter.
    Quarter,
    /// By calendar year.
    Year,
}

/// How far a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "report::Status")]
pub enum ReportStatus {
    /// Waiting for a worker.
    Queued,
    /// The answer is there.
    Ready,
    /// It could not be made.
    Failed,
}

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

/// A profit and loss statement that was asked for and is kept.
#[derive(Clone, SimpleObject)]
#[graphql(complex, serial)]
pub struct Report {
    /// Opaque global id. `GET /api/v1/exports/reports/{id}.csv` is the report as CSV.
    pub id: ID,
    /// How far it is.
    pub status: ReportStatus,
    /// The first day asked for.
    pub from: Date,
    /// The last day asked for.
    pub to: Date,
    /// How it is cut.
    pub interval: ReportInterval,
    /// Whether what is proposed and not yet approved counts too.
    pub include_proposed: bool,
    /// Whether it is of some records only: those that whoever asked for it reached.
    pub limited: bool,
    /// Why it could not be made.
    pub error: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it was ready, or given up.
    pub finished_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    row: Arc<report::Model>,
}

impl TryFrom<report::Model> for Report {
    type Error = Error;

    fn try_from(row: report::Model) -> Result<Self> {
        let params: Params = serde_json::from_str(&row.params)?;
        Ok(Self {
            id: global("Report", row.id),
            status: row.status.into(),
            from: Date(params.from),
            to: Date(params.to),
            interval: params.interval.into(),
            include_proposed: params.include_proposed,
            limited: row.reach.is_some(),
            error: row.error.clone(),
            created_at: row.created_at,
            finished_at: row.finished_at,
            row: Arc::new(row),
        })
    }
}

#[ComplexObject]
impl Report {
    /// The statement as it was made; absent until the report is ready.
    async fn profit_and_loss(&self) -> Result<Option<ProfitAndLoss>> {
        Ok(reports::statement(&self.row)?.map(Into::into))
    }
}

impl Loader<ReportId> for OpLoader {
    type Value = Report;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[ReportId]) -> Result<HashMap<ReportId, Report>, Arc<Error>> {
        let rows = reports::by_ids(&self.ctx, ids).await.map_err(Arc::new)?;
        let reports = rows.into_iter().map(|row| Ok((row.id, row.try_into()?)));
        reports.collect::<Result<_>>().map_err(Arc::new)
    }
}

/// Questions about reports.
#[derive(Default)]
pub struct ReportsQuery;

#[Object]
impl ReportsQuery {
    /// Income and expense of a span of time, made now from approved records. Needs `reports:read`.
    async fn profit_and_loss(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first day.")] from: Date,
        #[graphql(desc = "The last day.")] to: Date,
        #[graphql(
            desc = "How it is cut: at most 120 periods.",
            default_with = "ReportInterval::None"
        )]
        interval: ReportInterval,
        #[graphql(desc = "ISO 4217 code; the tenant's currency without it.")] currency: Option<
            String,
        >,
        #[graphql(
            desc = "Whether what is proposed and not yet approved counts too.",
            default
        )]
        include_proposed: bool,
    ) -> Result<ProfitAndLoss> {
        let params = params(from, to, interval, currency.as_deref(), include_proposed)?;
        Ok(reports::profit_and_loss(ctx.op()?, &params).await?.into())
    }

    /// The reports that were asked for, the latest first. Needs `reports:read`.
    async fn reports(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor they follow.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor they precede.")] before: Option<String>,
    ) -> Result<Connection<Report>> {
        let window = window(first, after, last, before)?;
        let op = ctx.op()?;
        let as_of = as_of(ctx).await?;
        let mut found = page_of(reports::list(op, &window).await?)?;
        found.as_of = as_of;
        if asks(ctx, "totalCount") {
            found.total_count = Some(reports::count(op).await? as i64);
        }
        Ok(found)
    }

    /// One report; absent when there is no such thing. Needs `reports:read`.
    async fn report(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: ID,
    ) -> Result<Option<Report>> {
        find::<ReportId, _>(ctx, local("Report", "id", &id)?).await
    }
}

fn page_of(page: crate::page::Page<report::Model>) -> Result<Connection<Report>> {
    let rows = page
        .rows
        .into_iter()
        .map(|(cursor, row)| Ok((cursor, row.try_into()?)));
    let page = crate::page::Page {
        rows: rows.collect::<Result<Vec<(String, Report)>>>()?,
        has_next: page.has_next,
        has_previous: page.has_previous,
    };
    Ok(Connection::of(page, |report| report))
}

fn params(
    from: Date,
    to: Date,
    interval: ReportInterval,
    currency: Option<&str>,
    include_proposed: bool,
) -> Result<Params> {
    let currency = currency.map(|code| {
        code.parse::<Currency>()
            .map_err(|unknown| Error::invalid("currency", unknown.to_string()))
    });
    Ok(Params {
        from: from.0,
        to: to.0,
        interval: interval.into(),
        currency: currency.transpose()?,
        include_proposed,
    })
}

/// A report to make and keep.
#[derive(InputObject)]
pub struct GenerateReportInput {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// How it is cut: at most 120 periods.
    #[graphql(default_with = "ReportInterval::None")]
    pub interval: ReportInterval,
    /// ISO 4217 code; the tenant's currency without it.
    pub currency: Option<String>,
    /// Whether what is proposed and not yet approved counts too.
    #[graphql(default)]
    pub include_proposed: bool,
}

/// A report that was asked for.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct GenerateReportPayload {
    /// The report, waiting for a worker; a `REPORT_GENERATED` event tells when it is ready.
    pub report: Option<Report>,
    /// What to put right; empty when it was done.
    #[graphql(name = "errors")]
    pub user_errors: Vec<UserError>,
}

/// What can be done with reports.
#[derive(Default)]
pub struct ReportsMutation;

#[Object]
impl ReportsMutation {
    /// Make a profit and loss statement in the background and keep it in the history. Needs `reports:create`.
    async fn generate_report(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the report is of.")] input: GenerateReportInput,
    ) -> Result<GenerateReportPayload> {
        let asked = async {
            let params = params(
                input.from,
                input.to,
                input.interval,
                input.currency.as_deref(),
                input.include_proposed,
            )?;
            reports::request(ctx.op()?, &params).await
        };
        let (row, user_errors) = payload(asked.await)?;
        Ok(GenerateReportPayload {
            report: row.map(TryInto::try_into).transpose()?,
            user_errors,
        })
    }
}
