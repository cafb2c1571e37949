//! Tokens that a tenant used or reserved on the current day and in the current month: what its budget is checked against.

use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

use crate::TenantId;
use crate::tenanted::tenanted;

/// The spending of a tenant.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "llm_spending")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The day, in UTC; it only moves forward.
    pub on_day: NaiveDate,
    /// Tokens of that day.
    pub day_tokens: i64,
    /// The first day of the month.
    pub on_month: NaiveDate,
    /// Tokens of that month.
    pub month_tokens: i64,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
