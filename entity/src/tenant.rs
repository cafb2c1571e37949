//! A company whose books are kept. Read before a tenant is known.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::TenantId;

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
    /// Made by a first start in development.
    pub demo: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
