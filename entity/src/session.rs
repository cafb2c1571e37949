//! One sign-in of a person; its refresh token rotates. Read before a tenant is known.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{SessionId, TenantId, UserId};

/// A session.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    /// Whose row it is.
    pub tenant_id: TenantId,
    /// Whose it is.
    pub user_id: UserId,
    /// SHA-256 of the refresh token in force.
    pub refresh_hash: Vec<u8>,
    /// SHA-256 of the token before it: shown again, it is a theft or a lost answer.
    pub previous_hash: Option<Vec<u8>>,
    /// When the token last changed.
    pub rotated_at: DateTime<Utc>,
    /// When the refresh token stops working.
    pub expires_at: DateTime<Utc>,
    /// When it was ended.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Why it was ended: `signed_out`, `reuse`, `password_reset`, `second_factor`, `removed`.
    pub revoked_reason: Option<String>,
    /// The client as it named itself.
    pub user_agent: Option<String>,
    /// Where it signed in from.
    pub address: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
