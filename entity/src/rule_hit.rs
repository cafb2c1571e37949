//! A record that a rule met when it was last processed: what a rule's statistics are counted from.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{CategoryId, RecordId, RuleId, TenantId};

/// What a hit is counted as in the tally of its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Standing {
    /// As nothing: its record was voided, or an older version stored it.
    #[sea_orm(string_value = "UNCOUNTED")]
    Uncounted,
    /// As a hit that no person has judged.
    #[sea_orm(string_value = "OPEN")]
    Open,
    /// As one whose record a person filed as the rule had it.
    #[sea_orm(string_value = "AGREED")]
    Agreed,
    /// As one whose record a person filed elsewhere.
    #[sea_orm(string_value = "OVERRIDDEN")]
    Overridden,
}

/// A hit.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rule_hit")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The record.
    #[sea_orm(primary_key, auto_increment = false)]
    pub record_id: RecordId,
    /// The rule.
    #[sea_orm(primary_key, auto_increment = false)]
    pub rule_id: RuleId,
    /// Whether the rule only watched.
    pub shadow: bool,
    /// The category that it decided, or would have; none where it has none or an earlier rule had one.
    pub category_id: Option<CategoryId>,
    /// When the record was processed.
    pub hit_at: DateTime<Utc>,
    /// What it is counted as.
    pub standing: Standing,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
