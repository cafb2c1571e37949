//! Who belongs to which tenant, as what. Read before a tenant is known.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{TenantId, UserId};

/// Named presets of permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Role {
    /// Everything, and the tenant itself.
    #[sea_orm(string_value = "OWNER")]
    Owner,
    /// Everything but ownership.
    #[sea_orm(string_value = "ADMIN")]
    Admin,
    /// Works the approval queue, rules and imports.
    #[sea_orm(string_value = "REVIEWER")]
    Reviewer,
    /// Reads.
    #[sea_orm(string_value = "VIEWER")]
    Viewer,
}

/// A user in a tenant.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "membership")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The person.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// What they may do.
    pub role: Role,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When they left or were removed.
    pub removed_at: Option<DateTime<Utc>>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
