//! The head of each tenant's event log: the one row its writers meet at.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::TenantId;
use crate::tenanted::tenanted;

/// The head of a log.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "stream_head")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The last sequence given; 0 before the first.
    pub sequence: i64,
    /// The hash of that event; 32 zero bytes before the first.
    pub hash: Vec<u8>,
    /// When the last event was recorded.
    pub recorded_at: DateTime<Utc>,
    /// The last event that changed who may do what; 0 before the first.
    pub access_sequence: i64,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
