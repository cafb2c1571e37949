//! Looking simulations up.

use entity::{SimulationId, simulation};
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter};

use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::page::{self, Page, Window};
use crate::permission::Permission;

/// The simulations that were asked for, the latest first.
pub async fn list(ctx: &Ctx, window: &Window) -> Result<Page<simulation::Model>> {
    may_read(ctx)?;
    let read = ctx.read().await?;
    let all = read.select::<simulation::Entity>();
    page::page(all, &[simulation::Column::Id], true, window, read.on()).await
}

/// How many there are.
pub async fn count(ctx: &Ctx) -> Result<u64> {
    may_read(ctx)?;
    let read = ctx.read().await?;
    let all = read.select::<simulation::Entity>();
    Ok(all.count(read.on()).await?)
}

/// One simulation.
pub async fn load(ctx: &Ctx, id: SimulationId) -> Result<simulation::Model> {
    let found = by_ids(ctx, &[id]).await?.pop();
    found.ok_or(Error::NotFound("simulation"))
}

/// The simulations of those ids that exist, in no particular order.
pub async fn by_ids(ctx: &Ctx, ids: &[SimulationId]) -> Result<Vec<simulation::Model>> {
    may_read(ctx)?;
    let read = ctx.read().await?;
    let found = read
        .select::<simulation::Entity>()
        .filter(simulation::Column::Id.is_in(ids.iter().copied()))
        .all(read.on())
        .await?;
    Ok(found)
}

/// A simulation shows all records of its time, so whoever sees some records only is shown none.
pub(super) fn may_read(ctx: &Ctx) -> Result<()> {
    ctx.require(Permission::ReadReports)?;
    ctx.require_on_all(Permission::ReadRecords)
}
