//! A line of a decision that files its record under several categories. Append only, as decisions are.

use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{CategoryId, DecisionId, RecordId, TenantId};

/// A line. Those of a decision add up to the amount of its record, and count while the decision is in force.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "record_split")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The decision.
    #[sea_orm(primary_key, auto_increment = false)]
    pub decision_id: DecisionId,
    /// Its place, from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub line: i32,
    /// The record.
    pub record_id: RecordId,
    /// The category of this part.
    pub category_id: CategoryId,
    /// This part, signed as the books are, in 10^-5 units of the record's currency.
    pub amount: i64,
    /// The project of this part, if it has one of its own.
    pub project: Option<String>,
    /// A note on this part, if any.
    #[sea_orm(column_type = "Text")]
    pub note: Option<String>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
