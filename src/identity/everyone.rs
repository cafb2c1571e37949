//! Which tenants there are, for work that goes through all of them.

use entity::{TenantId, tenant};
use sea_orm::{EntityTrait, QueryOrder, QuerySelect};

use crate::ctx::Handles;
use crate::error::Result;

/// Every tenant, oldest first.
pub async fn tenants(handles: &Handles) -> Result<Vec<TenantId>> {
    let read = handles
        .db
        .read_across_tenants("work for every tenant")
        .await?;
    let tenants = tenant::Entity::find()
        .select_only()
        .column(tenant::Column::Id)
        .order_by_asc(tenant::Column::Id);
    Ok(tenants.into_tuple().all(&read).await?)
}
