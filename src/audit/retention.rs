//! Where changes came from is kept for a while only; the changes themselves stay.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{event, event_origin};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter};

use crate::ctx::{Ctx, Handles};
use crate::error::Result;
use crate::identity;

/// Origins looked at in one transaction.
const PORTION: u64 = 1_000;

/// Removes the addresses and user agents of changes that are older than `AUDIT_ORIGIN_DAYS`, tenant by tenant; how many
/// went. Run again, it finds nothing to do.
pub async fn prune(handles: &Arc<Handles>) -> Result<u64> {
    let days = TimeDelta::days(handles.config.audit_origin_days);
    let before = handles.clock.now() - days;
    let mut gone = 0;
    for tenant in identity::tenants(handles).await? {
        let ctx = Ctx::system(Arc::clone(handles), tenant);
        while let Some(removed) = prune_some(&ctx, before).await? {
            gone += removed;
        }
    }
    Ok(gone)
}

/// Removes the oldest ones of a tenant; how many, or nothing when none is old enough. The log is in the order of time, so
/// this never looks further than the first that stays.
async fn prune_some(ctx: &Ctx, before: DateTime<Utc>) -> Result<Option<u64>> {
    let tx = ctx.begin().await?;
    let origin = |column| Expr::col((event_origin::Entity, column));
    let told = |column| Expr::col((event::Entity, column));
    let oldest = Query::select()
        .column((event_origin::Entity, event_origin::Column::Sequence))
        .column((event::Entity, event::Column::RecordedAt))
        .from(event_origin::Entity)
        .inner_join(
            event::Entity,
            told(event::Column::TenantId)
                .eq(origin(event_origin::Column::TenantId))
                .and(told(event::Column::Sequence).eq(origin(event_origin::Column::LastSequence))),
        )
        .and_where(origin(event_origin::Column::TenantId).eq(ctx.tenant()))
        .order_by(
            (event_origin::Entity, event_origin::Column::Sequence),
            Order::Asc,
        )
        .limit(PORTION)
        .to_owned();
    let mut last: Option<i64> = None;
    for row in tx.on().query_all(&oldest).await? {
        let at: DateTime<Utc> = row.try_get_by_index(1)?;
        if at >= before {
            break;
        }
        last = Some(row.try_get_by_index(0)?);
    }
    let Some(last) = last else {
        tx.rollback().await?;
        return Ok(None);
    };
    let removed = tx
        .delete::<event_origin::Entity>()
        .filter(event_origin::Column::Sequence.lte(last))
        .exec(tx.on())
        .await?;
    tx.commit().await?;
    Ok(Some(removed.rows_affected))
}
