//! What is left of anybody's standing while their tenant is on hold, or on its way out.

use chrono::{DateTime, Utc};
use entity::{TenantId, tenant};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::ctx::{Handles, Standing};
use crate::error::{Error, Result};
use crate::permission::{Permission, Permissions};

type Instant = Option<DateTime<Utc>>;

/// Takes from a standing what its tenant does not give while it is suspended: an owner may look after the tenant itself,
/// everybody else may do nothing in it. Nobody enters a tenant that is being erased.
pub async fn held(on: &impl ConnectionTrait, mut standing: Standing) -> Result<Standing> {
    if is_suspended(on, standing.tenant).await? {
        let manages = standing.permissions.contains(Permission::ManageTenant);
        let kept = manages.then_some(Permission::ManageTenant);
        standing.permissions = Permissions::from_iter(kept);
        standing.suspended = true;
    }
    Ok(standing)
}

/// Refuses what comes to a tenant by another door than a sign-in while it is suspended.
pub async fn require_at_work(handles: &Handles, tenant: TenantId) -> Result<()> {
    let read = handles
        .db
        .read_across_tenants("whether a tenant is at work")
        .await?;
    let suspended = is_suspended(&read, tenant).await?;
    read.rollback().await?;
    match suspended {
        true => Err(Error::Suspended),
        false => Ok(()),
    }
}

async fn is_suspended(on: &impl ConnectionTrait, id: TenantId) -> Result<bool> {
    const GONE: Error = Error::Unauthenticated("the tenant is being erased");
    let (suspended, erasing): (Instant, Instant) = tenant::Entity::find()
        .select_only()
        .columns([tenant::Column::SuspendedAt, tenant::Column::EraseBegunAt])
        .filter(tenant::Column::Id.eq(id))
        .into_tuple()
        .one(on)
        .await?
        .ok_or(GONE)?;
    match erasing {
        Some(_) => Err(GONE),
        None => Ok(suspended.is_some()),
    }
}
