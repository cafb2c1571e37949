//! Who belongs to which tenant, as what. Read before a tenant is known.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{RoleId, TenantId, UserId};

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
    /// Runs the books: everything but people, roles and background work.
    #[sea_orm(string_value = "MANAGER")]
    Manager,
    /// Works the approval queue, rules and imports.
    #[sea_orm(string_value = "REVIEWER")]
    Reviewer,
    /// Brings records in and reads.
    #[sea_orm(string_value = "USER")]
    User,
    /// What a role of the tenant's own brings.
    #[sea_orm(string_value = "CUSTOM")]
    Custom,
    /// Buys on a marketplace: sees records of their own.
    #[sea_orm(string_value = "BUYER")]
    Buyer,
    /// Sells on a marketplace: brings records in and sees their own.
    #[sea_orm(string_value = "SELLER")]
    Seller,
    /// Resolves disputes: works the approval queue and nothing else.
    #[sea_orm(string_value = "RESOLVER")]
    Resolver,
    /// Watches: sees records, the queue and the log.
    #[sea_orm(string_value = "GUARD")]
    Guard,
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
    /// The role of the tenant's own, when it is a custom one.
    pub role_id: Option<RoleId>,
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
