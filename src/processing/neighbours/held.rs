//! The index of a tenant in this process, brought up to date from the table.

use chrono::{DateTime, TimeDelta, Utc};
use entity::text_vector;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::sync::OwnedRwLockReadGuard;
use uuid::Uuid;

use super::table;
use crate::ctx::Ctx;
use crate::error::Result;
use crate::vectors::{Held, Space};

/// Memory one index may take, about: beyond it the texts approved last are searched.
const MAX_BYTES: usize = 128 * 1024 * 1024;
/// Approvals of other processes may commit a little out of order.
const OVERLAP: TimeDelta = TimeDelta::seconds(60);

/// The index of the tenant, with every vector that committed before this call.
pub(super) async fn index(ctx: &Ctx, space: &Space) -> Result<OwnedRwLockReadGuard<Held>> {
    let shelf = ctx.handles().vectors.shelf();
    let mut held = shelf.find(ctx.tenant(), space).write_owned().await;
    let room = (MAX_BYTES / (space.dimension * size_of::<f32>())).max(1);
    let mut rows = newer(ctx, space, held.until, room).await?;
    let new = rows
        .iter()
        .filter(|row| !held.index.contains(row.0))
        .count();
    if held.until.is_some() && held.index.len() + new > room {
        // full: those approved last are worth more than those approved first
        *held = Held::new(space);
        rows = newer(ctx, space, None, room).await?;
    }
    held.until = rows.first().map(|row| row.2).or(held.until);
    for (key, bytes, _) in rows {
        held.index.put(key, &table::numbers(&bytes));
    }
    shelf.note(ctx.tenant(), space, held.index.bytes());
    Ok(held.downgrade())
}

type Row = (Uuid, Vec<u8>, DateTime<Utc>);

/// The vectors of what was approved since, the last first.
async fn newer(
    ctx: &Ctx,
    space: &Space,
    since: Option<DateTime<Utc>>,
    limit: usize,
) -> Result<Vec<Row>> {
    let read = ctx.read().await?;
    let mut newer = table::of(read.select::<text_vector::Entity>(), space)
        .select_only()
        .columns([
            text_vector::Column::TextKey,
            text_vector::Column::Bytes,
            text_vector::Column::ApprovedAt,
        ])
        .filter(text_vector::Column::ApprovedAt.is_not_null())
        .filter(text_vector::Column::Bytes.is_not_null())
        .order_by_desc(text_vector::Column::ApprovedAt)
        .limit(limit as u64);
    if let Some(since) = since {
        newer = newer.filter(text_vector::Column::ApprovedAt.gte(since - OVERLAP));
    }
    Ok(newer.into_tuple().all(read.on()).await?)
}
