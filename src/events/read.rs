//! The statements every reader of the log shares.

use std::sync::Arc;

use entity::{TenantId, event, stream_head};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::Cursor;
use crate::ctx::{Ctx, Handles, Read};
use crate::error::{Error, Result};

/// Events a reader that catches up takes at once.
pub(super) const PAGE: u64 = 500;

/// The place after the last event.
pub(super) async fn head(read: &Read) -> Result<Cursor> {
    let head = read
        .select::<stream_head::Entity>()
        .one(read.on())
        .await?
        .ok_or_else(|| Error::internal("the tenant has no event log"))?;
    Ok(Cursor::new(head.sequence, head.recorded_at))
}

/// The sequence before the oldest event that is kept; the head's when none is.
async fn floor(read: &Read, head: Cursor) -> Result<i64> {
    let oldest: Option<i64> = read
        .select::<event::Entity>()
        .select_only()
        .column(event::Column::Sequence)
        .order_by_asc(event::Column::Sequence)
        .limit(1)
        .into_tuple()
        .one(read.on())
        .await?;
    Ok(oldest.map_or(head.sequence(), |oldest| oldest - 1))
}

/// The sequence to read on from. Refuses a cursor whose next event is no longer kept, and one of another log.
pub(super) async fn start(read: &Read, after: Cursor, head: Cursor) -> Result<i64> {
    if after.sequence() > head.sequence() {
        return Err(Error::invalid(
            "after",
            "is ahead of this log; use a `cursor` this log gave, or START",
        ));
    }
    let floor = floor(read, head).await?;
    if after.is_start() {
        Ok(floor)
    } else if after.sequence() < floor {
        Err(Error::CursorExpired)
    } else {
        Ok(after.sequence())
    }
}

/// The events after `sequence`, in order, at most `limit`; refused when the next one is no longer kept.
pub(super) async fn after(read: &Read, sequence: i64, limit: u64) -> Result<Vec<event::Model>> {
    let events = read
        .select::<event::Entity>()
        .filter(event::Column::Sequence.gt(sequence))
        .order_by_asc(event::Column::Sequence)
        .limit(limit)
        .all(read.on())
        .await?;
    match events.first() {
        Some(first) if first.sequence != sequence + 1 => Err(Error::CursorExpired),
        _ => Ok(events),
    }
}

/// A page after `sequence`, seen now, in a transaction of its own.
pub(super) async fn page(
    handles: &Arc<Handles>,
    tenant: TenantId,
    sequence: i64,
) -> Result<Vec<event::Model>> {
    let ctx = Ctx::system(Arc::clone(handles), tenant);
    after(&ctx.read().await?, sequence, PAGE).await
}
