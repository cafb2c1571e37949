//! The tenants of a person, and going from one to another.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::membership::{self, Role};
use entity::{TenantId, tenant};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, Select};

use super::people;
use super::sessions::{self, Client, SignedIn};
use crate::ctx::Ctx;
use crate::error::Result;
use crate::page::{self, Page, Window};

/// A tenant that a person belongs to.
#[derive(Clone, Debug)]
pub struct Belonging {
    /// Which.
    pub tenant: tenant::Model,
    /// As what.
    pub role: Role,
    /// Since when.
    pub joined_at: DateTime<Utc>,
}

/// The tenants of the person who asks, those they joined first first.
pub async fn my_tenants(ctx: &Ctx, window: &Window) -> Result<Page<Belonging>> {
    let read = ctx.read().await?;
    let page = page::page(
        mine(ctx)?,
        &[membership::Column::CreatedAt, membership::Column::TenantId],
        false,
        window,
        read.on(),
    )
    .await?;
    let ids = page.rows.iter().map(|(_, member)| member.tenant_id);
    let mut tenants: HashMap<TenantId, tenant::Model> = tenant::Entity::find()
        .filter(tenant::Column::Id.is_in(ids))
        .all(read.on())
        .await?
        .into_iter()
        .map(|tenant| (tenant.id, tenant))
        .collect();
    let rows = page.rows.into_iter().filter_map(|(cursor, member)| {
        let belonging = Belonging {
            tenant: tenants.remove(&member.tenant_id)?,
            role: member.role,
            joined_at: member.created_at,
        };
        Some((cursor, belonging))
    });
    Ok(Page {
        rows: rows.collect(),
        has_next: page.has_next,
        has_previous: page.has_previous,
    })
}

/// How many tenants the person who asks belongs to.
pub async fn count_my_tenants(ctx: &Ctx) -> Result<u64> {
    let mine = mine(ctx)?;
    let read = ctx.read().await?;
    Ok(mine.count(read.on()).await?)
}

fn mine(ctx: &Ctx) -> Result<Select<membership::Entity>> {
    Ok(membership::Entity::find()
        .filter(membership::Column::UserId.eq(ctx.person()?))
        .filter(membership::Column::RemovedAt.is_null()))
}

/// Opens a session in another tenant of the person who asks, by the proof they gave already. The session they came with
/// goes on.
#[tracing::instrument(skip_all, fields(tenant.id = %tenant))]
pub async fn switch_tenant(
    ctx: &Ctx,
    tenant: TenantId,
    user_agent: Option<String>,
    address: Option<String>,
) -> Result<SignedIn> {
    let user = ctx.person()?;
    let (there, role) = people::elsewhere(ctx, tenant).await?;
    let client = Client {
        user_agent,
        address,
    };
    let mut tx = there.begin().await?;
    let signed_in = sessions::open(&mut tx, user, role, client).await?;
    tx.commit().await?;
    Ok(signed_in)
}
