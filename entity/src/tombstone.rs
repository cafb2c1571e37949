//! What remains of an erased tenant: that it was, and where its event log ended. Nothing in it is about anybody.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::TenantId;

/// A tombstone.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tombstone")]
pub struct Model {
    /// The tenant that was.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TenantId,
    /// The last sequence of its log.
    pub sequence: i64,
    /// The hash of that event.
    pub hash: Vec<u8>,
    /// When the last of it was gone.
    pub erased_at: DateTime<Utc>,
    /// HMAC-SHA256 over the rest: that balance wrote it.
    pub seal: Vec<u8>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
