//! What the learned model of a tenant knew at one sequence of the log. It can always be learnt again.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::TenantId;
use crate::tenanted::tenanted;

/// A snapshot; the newest of each format is kept.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "model_snapshot")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The version of the bytes and of what was learnt.
    #[sea_orm(primary_key, auto_increment = false)]
    pub format: i32,
    /// The last event that is folded in.
    pub sequence: i64,
    /// The model.
    pub bytes: Vec<u8>,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
