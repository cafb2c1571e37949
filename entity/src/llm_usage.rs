//! What a tenant used of a language model, by day.

use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

use crate::TenantId;
use crate::tenanted::tenanted;

/// The usage of a day.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "llm_usage")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The day, in UTC.
    #[sea_orm(primary_key, auto_increment = false)]
    pub on_day: NaiveDate,
    /// The model that was asked.
    #[sea_orm(primary_key, auto_increment = false)]
    pub model: String,
    /// Requests sent, those that were repeated too.
    pub calls: i64,
    /// Requests that brought nothing usable.
    pub failures: i64,
    /// Questions asked.
    pub questions: i64,
    /// Records answered by what was known already.
    pub cache_hits: i64,
    /// Tokens read by it.
    pub prompt_tokens: i64,
    /// Tokens written by it.
    pub completion_tokens: i64,
    /// What they cost, in millionths of the currency of the provider's account.
    pub cost_micros: i64,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
