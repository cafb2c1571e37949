//! The history of reports.

use entity::{ReportId, report};
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter, Select};

use super::file::not_ready;
use super::{ProfitAndLoss, csv};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::page::{self, Page, Window};
use crate::permission::Permission;

/// Ids one statement takes.
const PORTION: usize = 1_000;

/// The reports that were asked for, the latest first.
pub async fn list(ctx: &Ctx, window: &Window) -> Result<Page<report::Model>> {
    ctx.require(Permission::ReadReports)?;
    let read = ctx.read().await?;
    let reports = shown(ctx, read.select::<report::Entity>());
    page::page(reports, &[report::Column::Id], true, window, read.on()).await
}

/// How many there are.
pub async fn count(ctx: &Ctx) -> Result<u64> {
    ctx.require(Permission::ReadReports)?;
    let read = ctx.read().await?;
    let reports = shown(ctx, read.select::<report::Entity>());
    Ok(reports.count(read.on()).await?)
}

/// Whoever reaches some records only is shown the reports they asked for while they reached just those.
fn shown(ctx: &Ctx, select: Select<report::Entity>) -> Select<report::Entity> {
    match (ctx.reach(Permission::ReadReports).stored(), ctx.user()) {
        (None, _) => select,
        (Some(reach), Some(user)) => select
            .filter(report::Column::CreatedBy.eq(user))
            .filter(report::Column::Reach.eq(reach)),
        (Some(_), None) => select.filter(report::Column::Id.is_null()),
    }
}

/// One report.
pub async fn load(ctx: &Ctx, id: ReportId) -> Result<report::Model> {
    by_ids(ctx, &[id])
        .await?
        .pop()
        .ok_or(Error::NotFound("report"))
}

/// The reports of those ids that exist, in no particular order.
pub async fn by_ids(ctx: &Ctx, ids: &[ReportId]) -> Result<Vec<report::Model>> {
    ctx.require(Permission::ReadReports)?;
    let read = ctx.read().await?;
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(PORTION) {
        let some = read
            .select::<report::Entity>()
            .filter(report::Column::Id.is_in(ids.iter().copied()));
        found.extend(shown(ctx, some).all(read.on()).await?);
    }
    Ok(found)
}

/// The statement a report holds; `None` until it is ready.
pub fn statement(report: &report::Model) -> Result<Option<ProfitAndLoss>> {
    let body = report.body.as_deref().map(serde_json::from_str);
    Ok(body.transpose()?)
}

/// A report as CSV.
pub async fn export(ctx: &Ctx, id: ReportId) -> Result<String> {
    ctx.require(Permission::CreateReports)?;
    let report = load(ctx, id).await?;
    let statement = statement(&report)?.ok_or_else(|| not_ready(&report))?;
    csv(&statement)
}
