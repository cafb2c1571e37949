//! A bank account or card that money moves on.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{AccountId, TenantId};

/// What an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Kind {
    /// A bank account.
    #[sea_orm(string_value = "BANK")]
    Bank,
    /// A payment or credit card.
    #[sea_orm(string_value = "CARD")]
    Card,
    /// A cash box.
    #[sea_orm(string_value = "CASH")]
    Cash,
    /// Anything else that holds money.
    #[sea_orm(string_value = "OTHER")]
    Other,
}

/// An account.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AccountId,
    /// What people call it.
    pub name: String,
    /// How statements name it; unique in the tenant.
    pub number: Option<String>,
    /// What it is.
    pub kind: Kind,
    /// ISO 4217 code, when it holds one currency.
    pub currency: Option<String>,
    /// The saved column mapping of its CSV statements, JSON.
    #[sea_orm(column_type = "Text")]
    pub csv_mapping: Option<String>,
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
