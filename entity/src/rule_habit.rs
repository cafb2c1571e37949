//! How well the suggested rules of a tenant hold, by class.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::TenantId;
use crate::tenanted::tenanted;

/// The classes of a tenant.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rule_habit")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The last event they know.
    pub sequence: i64,
    /// The classes, JSON.
    #[sea_orm(column_type = "Text")]
    pub classes: String,
    /// When they were written.
    pub updated_at: DateTime<Utc>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
