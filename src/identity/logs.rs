//! Telling every tenant of a person what changed about them. Each tenant has a log of its own: the change commits with
//! the first, and the others hear of it after.

use std::sync::Arc;

use entity::{TenantId, UserId, membership};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::ctx::{Actor, Ctx, Event, Handles};
use crate::error::Result;
use crate::permission::Permissions;

/// The tenant of units of work that are nobody's: about a person who belongs to none, or whom nobody looked up yet. It
/// has no log.
pub(super) const NONE: TenantId = TenantId(Uuid::nil());

/// The tenants a person belongs to, longest first.
pub(super) async fn of(handles: &Handles, person: UserId) -> Result<Vec<TenantId>> {
    let read = handles.db.read_across_tenants("whose logs to tell").await?;
    let memberships = membership::Entity::find()
        .filter(membership::Column::UserId.eq(person))
        .filter(membership::Column::RemovedAt.is_null())
        .order_by_asc(membership::Column::CreatedAt)
        .order_by_asc(membership::Column::TenantId)
        .all(&read)
        .await?;
    read.rollback().await?;
    Ok(memberships.into_iter().map(|m| m.tenant_id).collect())
}

/// An operation of somebody who proved who they are but is not signed in: in the first of their tenants, or in none. It
/// may do nothing that asks for a permission.
pub(super) fn first(handles: &Arc<Handles>, actor: Actor, tenants: &[TenantId]) -> Ctx {
    let tenant = tenants.first().copied().unwrap_or(NONE);
    Ctx::new(Arc::clone(handles), actor, tenant, Permissions::default())
}

/// Files an event in the logs of tenants, but for the one that has heard.
pub(super) async fn tell(
    handles: &Arc<Handles>,
    actor: Actor,
    tenants: &[TenantId],
    heard: TenantId,
    event: &Event,
) -> Result<()> {
    for tenant in tenants.iter().filter(|tenant| **tenant != heard) {
        let ctx = Ctx::new(Arc::clone(handles), actor, *tenant, Permissions::default());
        let mut tx = ctx.begin().await?;
        tx.record(event.clone());
        tx.commit().await?;
    }
    Ok(())
}

/// Files an event of the person who asks in the logs of their other tenants.
pub(super) async fn tell_others(ctx: &Ctx, event: &Event) -> Result<()> {
    let tenants = match ctx.user() {
        Some(person) => of(ctx.handles(), person).await?,
        None => Vec::new(),
    };
    tell(ctx.handles(), ctx.actor(), &tenants, ctx.tenant(), event).await
}
