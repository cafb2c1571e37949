//! A node of the chart of accounts.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{CategoryId, TenantId};

/// What a category counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Kind {
    /// Money earned.
    #[sea_orm(string_value = "INCOME")]
    Income,
    /// Money spent.
    #[sea_orm(string_value = "EXPENSE")]
    Expense,
    /// What is owned.
    #[sea_orm(string_value = "ASSET")]
    Asset,
    /// What is owed.
    #[sea_orm(string_value = "LIABILITY")]
    Liability,
    /// What belongs to the owners.
    #[sea_orm(string_value = "EQUITY")]
    Equity,
}

/// A category.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "category")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CategoryId,
    /// The node above.
    pub parent_id: Option<CategoryId>,
    /// Its number in the chart; unique in the tenant.
    pub code: String,
    /// Its name.
    pub name: String,
    /// What it counts as.
    pub kind: Kind,
    /// When it was put away.
    pub archived_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
