//! Finding links. One is seen by whoever sees both of its records.

use std::collections::HashMap;

use entity::record_link::{self, Column, Kind, Status};
use entity::{LinkId, RecordId};
use sea_orm::{ColumnTrait, Condition, PaginatorTrait, QueryFilter, Select};

use crate::ctx::{Ctx, Read};
use crate::error::Result;
use crate::page::{self, Page, Window};
use crate::permission::Permission;
use crate::records::about_reached;

/// Ids one statement takes.
const PORTION: usize = 1_000;

/// The pairs of that kind that wait for somebody to judge, the newest first.
pub async fn suggestions(
    ctx: &Ctx,
    kind: Kind,
    window: &Window,
) -> Result<Page<record_link::Model>> {
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    page::page(
        waiting(ctx, &read, kind),
        &[Column::Id],
        true,
        window,
        read.on(),
    )
    .await
}

/// How many of that kind wait.
pub async fn count(ctx: &Ctx, kind: Kind) -> Result<u64> {
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    Ok(waiting(ctx, &read, kind).count(read.on()).await?)
}

fn waiting(ctx: &Ctx, read: &Read, kind: Kind) -> Select<record_link::Entity> {
    seen(ctx, read)
        .filter(Column::Kind.eq(kind))
        .filter(Column::Status.eq(Status::Suggested))
}

fn seen(ctx: &Ctx, read: &Read) -> Select<record_link::Entity> {
    let links = about_reached(
        ctx,
        read,
        Permission::ReadRecords,
        Column::OutId,
        read.select(),
    );
    about_reached(ctx, read, Permission::ReadRecords, Column::InId, links)
}

/// The links of those ids, in no order.
pub async fn by_ids(ctx: &Ctx, ids: &[LinkId]) -> Result<Vec<record_link::Model>> {
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(PORTION) {
        let some = seen(ctx, &read).filter(Column::Id.is_in(ids.iter().copied()));
        found.extend(some.all(read.on()).await?);
    }
    Ok(found)
}

/// The confirmed links of these records, the oldest first for each.
pub async fn of_records(
    ctx: &Ctx,
    records: &[RecordId],
) -> Result<HashMap<RecordId, Vec<record_link::Model>>> {
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    let mut found: HashMap<RecordId, Vec<record_link::Model>> = HashMap::new();
    for records in records.chunks(PORTION) {
        let either = Condition::any()
            .add(Column::OutId.is_in(records.iter().copied()))
            .add(Column::InId.is_in(records.iter().copied()));
        let links = seen(ctx, &read)
            .filter(Column::Status.eq(Status::Confirmed))
            .filter(either)
            .all(read.on())
            .await?;
        for link in links {
            for side in [link.out_id, link.in_id] {
                let links = found.entry(side).or_default();
                // a portion each may find the same link
                if !links.iter().any(|known| known.id == link.id) {
                    links.push(link.clone());
                }
            }
        }
    }
    for links in found.values_mut() {
        links.sort_unstable_by_key(|link| link.id);
    }
    Ok(found)
}
