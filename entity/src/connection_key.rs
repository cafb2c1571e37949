//! The keys of a connection: what the webhook door reads before a tenant is known.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{ConnectionId, TenantId};

/// The keys of one connection.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "connection_key")]
pub struct Model {
    /// The connection.
    #[sea_orm(primary_key, auto_increment = false)]
    pub connection_id: ConnectionId,
    /// Whose row it is.
    pub tenant_id: TenantId,
    /// The signing secret, encrypted.
    pub secret: Vec<u8>,
    /// The secret before the last rotation, encrypted.
    pub previous_secret: Option<Vec<u8>>,
    /// Until when the previous secret is accepted.
    pub previous_until: Option<DateTime<Utc>>,
    /// When the connection was switched off.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
