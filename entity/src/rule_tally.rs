//! What became of the records that a rule met in a month: the sum of its hits, kept up as they come and are judged.

use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{RuleId, TenantId};

/// The hits of a rule in a month.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rule_tally")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The rule.
    #[sea_orm(primary_key, auto_increment = false)]
    pub rule_id: RuleId,
    /// Whether it only watched.
    #[sea_orm(primary_key, auto_increment = false)]
    pub shadow: bool,
    /// The first day of the month, in UTC.
    #[sea_orm(primary_key, auto_increment = false)]
    pub month: NaiveDate,
    /// Records it met.
    pub hits: i32,
    /// Of those, the ones that a person filed as it had them.
    pub agreed: i32,
    /// Of those, the ones that a person filed elsewhere.
    pub overridden: i32,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
