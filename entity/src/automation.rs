//! What a tenant lets pass without a person; no row until something is set.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::TenantId;
use crate::tenanted::tenanted;

/// Whether anything passes without a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Mode {
    /// Nothing does: what would is only told.
    #[default]
    #[sea_orm(string_value = "PROPOSE_ONLY")]
    ProposeOnly,
    /// What is sure enough enters the books by itself.
    #[sea_orm(string_value = "AUTOMATIC")]
    Automatic,
}

/// The automation of a tenant.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "automation")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Whether anything passes without a person.
    pub mode: Mode,
    /// How much of what passes is to be right, in thousandths.
    pub target_permille: i32,
    /// How much of what would pass is shown to a person all the same, in thousandths.
    pub audit_permille: i32,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
