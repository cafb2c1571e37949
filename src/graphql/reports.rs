//! Reports: the profit and loss statement, at once or filed.

mod profit_and_loss;

use std::collections::HashMap;
use std::convert::identity;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{ReportId, report};
use profit_and_loss::ProfitAndLoss;

use super::error::{UserError, payload};
use super::loader::{OpLoader, find};
use super::node::{global, local};
use super::op::Op;
use super::page::{Connection, as_of, asks, window};
use super::scalar::Date;
use crate::error::{Error, Result};
use crate::money::Currency;
use crate::reports::{self, Params};

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
    let page = page.try_map(Report::try_from)?;
    Ok(Connection::of(page, identity))
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
