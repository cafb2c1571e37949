//! Finding connections and their deliveries.

use entity::{ConnectionId, DeliveryId, connection, delivery};
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter, QueryTrait, Select};

use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::page::{self, Page, Window};
use crate::permission::Permission;

/// Which deliveries are wanted.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// Of this connection.
    pub connection: Option<ConnectionId>,
    /// What became of them.
    pub status: Option<delivery::Status>,
}

impl DeliveryFilter {
    fn apply(&self, select: Select<delivery::Entity>) -> Select<delivery::Entity> {
        select
            .apply_if(self.connection, |select, connection| {
                select.filter(delivery::Column::ConnectionId.eq(connection))
            })
            .apply_if(self.status, |select, status| {
                select.filter(delivery::Column::Status.eq(status))
            })
    }
}

/// The connections, newest first.
pub async fn list(ctx: &Ctx, window: &Window) -> Result<Page<connection::Model>> {
    ctx.require(Permission::ReadConnections)?;
    let read = ctx.read().await?;
    let select = read.select::<connection::Entity>();
    page::page(select, &[connection::Column::Id], true, window, read.on()).await
}

/// How many there are.
pub async fn count(ctx: &Ctx) -> Result<u64> {
    ctx.require(Permission::ReadConnections)?;
    let read = ctx.read().await?;
    Ok(read.select::<connection::Entity>().count(read.on()).await?)
}

/// One connection.
pub async fn load(ctx: &Ctx, id: ConnectionId) -> Result<connection::Model> {
    let found = by_ids(ctx, &[id]).await?;
    found
        .into_iter()
        .next()
        .ok_or(Error::NotFound("connection"))
}

/// The connections of these ids, in no order; ids without a connection are left out.
pub async fn by_ids(ctx: &Ctx, ids: &[ConnectionId]) -> Result<Vec<connection::Model>> {
    ctx.require(Permission::ReadConnections)?;
    let read = ctx.read().await?;
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(1_000) {
        let ids = connection::Column::Id.is_in(ids.iter().copied());
        let select = read.select::<connection::Entity>().filter(ids);
        found.extend(select.all(read.on()).await?);
    }
    Ok(found)
}

/// What was delivered, newest first.
pub async fn deliveries(
    ctx: &Ctx,
    filter: &DeliveryFilter,
    window: &Window,
) -> Result<Page<delivery::Model>> {
    ctx.require(Permission::ReadConnections)?;
    let read = ctx.read().await?;
    let select = filter.apply(read.select::<delivery::Entity>());
    page::page(select, &[delivery::Column::Id], true, window, read.on()).await
}

/// How many deliveries there are.
pub async fn count_deliveries(ctx: &Ctx, filter: &DeliveryFilter) -> Result<u64> {
    ctx.require(Permission::ReadConnections)?;
    let read = ctx.read().await?;
    let select = filter.apply(read.select::<delivery::Entity>());
    Ok(select.count(read.on()).await?)
}

/// One delivery.
pub async fn load_delivery(ctx: &Ctx, id: DeliveryId) -> Result<delivery::Model> {
    let found = deliveries_by_ids(ctx, &[id]).await?;
    found.into_iter().next().ok_or(Error::NotFound("delivery"))
}

/// The deliveries of these ids, in no order; ids without a delivery are left out.
pub async fn deliveries_by_ids(ctx: &Ctx, ids: &[DeliveryId]) -> Result<Vec<delivery::Model>> {
    ctx.require(Permission::ReadConnections)?;
    let read = ctx.read().await?;
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(1_000) {
        let ids = delivery::Column::Id.is_in(ids.iter().copied());
        let select = read.select::<delivery::Entity>().filter(ids);
        found.extend(select.all(read.on()).await?);
    }
    Ok(found)
}
