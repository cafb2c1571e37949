//! A company whose books are kept. Read before a tenant is known.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::TenantId;

/// Who suspended a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum SuspendedBy {
    /// One of its owners.
    #[sea_orm(string_value = "OWNER")]
    Owner,
    /// Whoever runs the server; an owner cannot take it back.
    #[sea_orm(string_value = "OPERATOR")]
    Operator,
}

/// What a tenant has subscribed to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum SubscriptionTier {
    /// Nothing.
    #[default]
    #[sea_orm(string_value = "FREE")]
    Free,
    /// The books of one company.
    #[sea_orm(string_value = "STANDARD")]
    Standard,
    /// Everything there is.
    #[sea_orm(string_value = "PREMIUM")]
    Premium,
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tenant")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TenantId,
    /// Its name.
    pub name: String,
    /// ISO 4217 code its reports default to.
    pub base_currency: String,
    /// What it has subscribed to.
    pub subscription_tier: SubscriptionTier,
    /// Made by a first start in development.
    pub demo: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was suspended: nobody works in it until it is resumed.
    pub suspended_at: Option<DateTime<Utc>>,
    /// Who suspended it, and so may resume it.
    pub suspended_by: Option<SuspendedBy>,
    /// When an owner asked for it to be deleted.
    pub deletion_requested_at: Option<DateTime<Utc>>,
    /// When the grace period ends and it is erased.
    pub erase_at: Option<DateTime<Utc>>,
    /// When its erasure began: there is no way back.
    pub erase_begun_at: Option<DateTime<Utc>>,
    /// Until when a worker is at its erasure.
    pub erase_lease_until: Option<DateTime<Utc>>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
