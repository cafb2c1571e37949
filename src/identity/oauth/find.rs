//! The accounts at providers that somebody has linked.

use chrono::{DateTime, Utc};
use entity::{LinkedIdentityId, linked_identity};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::config::Provider;
use crate::ctx::Ctx;
use crate::error::Result;

/// A linked account, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedIdentity {
    /// Its id.
    pub id: LinkedIdentityId,
    /// What people call the provider; its address, if it is configured no longer.
    pub provider: String,
    /// Whether it can sign in: its provider is configured.
    pub active: bool,
    /// When it was linked.
    pub created_at: DateTime<Utc>,
    /// When it last signed somebody in.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl LinkedIdentity {
    pub(super) fn of(row: linked_identity::Model, providers: &[Provider]) -> Self {
        let provider = providers.iter().find(|p| p.issuer == row.issuer);
        Self {
            id: row.id,
            active: provider.is_some(),
            provider: provider.map_or(row.issuer, |p| p.label.clone()),
            created_at: row.created_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// The linked accounts of the person who asks, oldest first.
pub async fn list(ctx: &Ctx) -> Result<Vec<LinkedIdentity>> {
    let person = ctx.person()?;
    let providers = ctx.config().providers()?;
    let read = ctx.read().await?;
    let rows = linked_identity::Entity::find()
        .filter(linked_identity::Column::UserId.eq(person))
        .order_by_asc(linked_identity::Column::Id)
        .all(read.on())
        .await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|row| LinkedIdentity::of(row, &providers))
        .collect())
}
