//! Reading the chart.

use entity::{CategoryId, category};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};

use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::permission::Permission;

/// Ids one statement takes.
const PORTION: usize = 1_000;

/// The whole chart, by code; what was put away only when asked for.
pub async fn list(ctx: &Ctx, with_archived: bool) -> Result<Vec<category::Model>> {
    ctx.require(Permission::ReadAccounts)?;
    let read = ctx.read().await?;
    let mut chart = read.select::<category::Entity>();
    if !with_archived {
        chart = chart.filter(category::Column::ArchivedAt.is_null());
    }
    let chart = chart.order_by_asc(category::Column::Code);
    Ok(chart.all(read.on()).await?)
}

/// One category.
pub async fn load(ctx: &Ctx, id: CategoryId) -> Result<category::Model> {
    by_ids(ctx, &[id])
        .await?
        .pop()
        .ok_or(Error::NotFound("category"))
}

/// The categories of those ids that exist, archived ones too, in no particular order.
pub async fn by_ids(ctx: &Ctx, ids: &[CategoryId]) -> Result<Vec<category::Model>> {
    ctx.require(Permission::ReadAccounts)?;
    let read = ctx.read().await?;
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(PORTION) {
        let some = read
            .select::<category::Entity>()
            .filter(category::Column::Id.is_in(ids.iter().copied()));
        found.extend(some.all(read.on()).await?);
    }
    Ok(found)
}
