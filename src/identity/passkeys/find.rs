//! The passkeys somebody has.

use chrono::{DateTime, Utc};
use entity::{PasskeyId, passkey};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::ctx::Ctx;
use crate::error::Result;

/// A passkey, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// Its id.
    pub id: PasskeyId,
    /// What its owner calls it.
    pub name: String,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it last signed somebody in.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was found that there may be two of it.
    pub suspected_at: Option<DateTime<Utc>>,
}

impl From<passkey::Model> for Passkey {
    fn from(row: passkey::Model) -> Self {
        Self {
            id: row.id,
            name: row.name,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            suspected_at: row.suspected_at,
        }
    }
}

/// The passkeys of the person who asks, oldest first.
pub async fn list(ctx: &Ctx) -> Result<Vec<Passkey>> {
    let person = ctx.person()?;
    let read = ctx.read().await?;
    let rows = passkey::Entity::find()
        .filter(passkey::Column::UserId.eq(person))
        .order_by_asc(passkey::Column::Id)
        .all(read.on())
        .await?;
    Ok(rows.into_iter().map(Passkey::from).collect())
}
