//! Filing a report: asked for, made by a worker, kept.

use entity::report::{Kind, Status};
use entity::{ReportId, job, report};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter};

use super::profit_and_loss::profit_and_loss_of;
use super::{Params, find};
use crate::ctx::{Ctx, Event, Job};
use crate::error::{Error, Result};
use crate::permission::{Permission, Reach};
use crate::queue::Claim;

/// The public name of the one kind of report there is.
const PROFIT_AND_LOSS: &str = "PROFIT_AND_LOSS";

/// Asks for a profit and loss statement to be made and kept.
#[tracing::instrument(skip_all)]
pub async fn request(ctx: &Ctx, params: &Params) -> Result<report::Model> {
    ctx.require(Permission::CreateReports)?;
    params.periods()?;
    let row = report::Model {
        tenant_id: ctx.tenant(),
        id: ctx.id(),
        kind: Kind::ProfitAndLoss,
        params: serde_json::to_string(params)?,
        status: Status::Queued,
        body: None,
        error: None,
        as_of: None,
        reach: ctx.reach(Permission::ReadReports).stored(),
        created_by: ctx.user(),
        created_at: ctx.now(),
        finished_at: None,
    };
    let mut tx = ctx.begin().await?;
    tx.insert(row.clone()).await?;
    tx.enqueue(Job::GenerateReport { report: row.id });
    tx.commit().await?;
    Ok(row)
}

/// Makes a report that was asked for. One that is there already is left as it is.
#[tracing::instrument(skip_all, fields(report.id = %id))]
pub async fn generate(ctx: &Ctx, claim: &Claim, job: &job::Model, id: ReportId) -> Result<()> {
    let report = find::load(ctx, id).await?;
    let made = if report.status == Status::Queued {
        let params: Params = serde_json::from_str(&report.params)?;
        // of what they reached who asked: the worker reaches everything
        let reach = Reach::restore(report.reach.as_deref(), report.created_by)?;
        let statement = profit_and_loss_of(ctx, &params, &reach).await?;
        Some((
            serde_json::to_string(&statement)?,
            statement.as_of.sequence(),
        ))
    } else {
        None
    };
    let mut tx = ctx.begin().await?;
    tx.complete(claim, &[job.id]).await?;
    if let Some((body, as_of)) = made {
        let stored = tx
            .update::<report::Entity>()
            .col_expr(report::Column::Status, Expr::value(Status::Ready))
            .col_expr(report::Column::Body, Expr::value(body))
            .col_expr(report::Column::AsOf, Expr::value(as_of))
            .col_expr(report::Column::FinishedAt, Expr::value(ctx.now()))
            .filter(report::Column::Id.eq(id))
            .filter(report::Column::Status.eq(Status::Queued))
            .exec(tx.on())
            .await?;
        if stored.rows_affected == 1 {
            tx.record(Event::ReportGenerated {
                report: id,
                report_kind: PROFIT_AND_LOSS,
            });
        }
    }
    tx.commit().await
}

/// Buries the job of a report that cannot be made, and says so in the report.
#[tracing::instrument(skip_all, fields(report.id = %id))]
pub async fn give_up(
    ctx: &Ctx,
    claim: &Claim,
    job: &job::Model,
    id: ReportId,
    error: &str,
) -> Result<()> {
    let mut tx = ctx.begin().await?;
    tx.bury(claim, &[job.id], error).await?;
    let failed = tx
        .update::<report::Entity>()
        .col_expr(report::Column::Status, Expr::value(Status::Failed))
        .col_expr(report::Column::Error, Expr::value(error))
        .col_expr(report::Column::FinishedAt, Expr::value(ctx.now()))
        .filter(report::Column::Id.eq(id))
        .filter(report::Column::Status.eq(Status::Queued))
        .exec(tx.on())
        .await?;
    if failed.rows_affected == 1 {
        tx.record(Event::ReportFailed { report: id });
    }
    tx.commit().await
}

/// Why a report has no answer to show.
pub(super) fn not_ready(report: &report::Model) -> Error {
    Error::conflict(match report.status {
        Status::Failed => "the report could not be made; ask for it again",
        _ => "the report is not ready yet",
    })
}
