//! A decision that would have been another under the hypothesis of a simulation.

use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

use crate::decision::Source;
use crate::tenanted::tenanted;
use crate::{CategoryId, RecordId, SimulatedChangeId, SimulationId, TenantId};

/// What the change is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Effect {
    /// It was wrong and would be right.
    #[sea_orm(string_value = "FIXED")]
    Fixed,
    /// It was right and would be wrong.
    #[sea_orm(string_value = "BROKEN")]
    Broken,
    /// Another category, and nobody knows the right one, or neither is it.
    #[sea_orm(string_value = "DIFFERENT")]
    Different,
    /// The same category, sure enough to pass.
    #[sea_orm(string_value = "PASSES")]
    Passes,
    /// The same category, not sure enough to pass any more.
    #[sea_orm(string_value = "WAITS")]
    Waits,
}

/// A change.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "simulated_change")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SimulatedChangeId,
    /// The simulation.
    pub simulation_id: SimulationId,
    /// Its place among the changes of the simulation, from 1.
    pub number: i32,
    /// The record.
    pub record_id: RecordId,
    /// The local date it happened.
    pub occurred_on: NaiveDate,
    /// In 10^-5 units, money in positive.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// What the change is worth.
    pub effect: Effect,
    /// The category proposed without the hypothesis.
    pub before_category_id: Option<CategoryId>,
    /// Who proposed it.
    pub before_source: Source,
    /// How sure that was.
    pub before_confidence: f64,
    /// Whether that was sure enough to pass.
    pub before_passes: bool,
    /// The version of the pipeline that decided, where what was stored is compared.
    pub before_version: Option<String>,
    /// The category proposed with the hypothesis.
    pub after_category_id: Option<CategoryId>,
    /// Who proposes it.
    pub after_source: Source,
    /// How sure that is.
    pub after_confidence: f64,
    /// Whether that is sure enough to pass.
    pub after_passes: bool,
    /// Why, in one sentence.
    #[sea_orm(column_type = "Text")]
    pub after_rationale: String,
    /// The category a person approved, if one did.
    pub truth_category_id: Option<CategoryId>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
