//! A what-if replay of the pipeline, and what it came to.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{SimulationId, TenantId, UserId};

/// How far a simulation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Status {
    /// Waiting for a worker.
    #[sea_orm(string_value = "QUEUED")]
    Queued,
    /// Records are being decided.
    #[sea_orm(string_value = "RUNNING")]
    Running,
    /// Every record is decided.
    #[sea_orm(string_value = "READY")]
    Ready,
    /// It could not be made; see the error.
    #[sea_orm(string_value = "FAILED")]
    Failed,
    /// Somebody stopped it.
    #[sea_orm(string_value = "CANCELLED")]
    Cancelled,
}

/// A simulation.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "simulation")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SimulationId,
    /// What was asked, JSON.
    #[sea_orm(column_type = "Text")]
    pub hypothesis: String,
    /// How far it is.
    pub status: Status,
    /// Records of the time asked for.
    pub total_records: i32,
    /// Of those, the ones that are decided.
    pub done_records: i32,
    /// Of those, the ones that would be decided in another way.
    pub changed_records: i32,
    /// What was counted so far, JSON.
    #[sea_orm(column_type = "Text")]
    pub tally: Option<String>,
    /// Why it failed.
    #[sea_orm(column_type = "Text")]
    pub error: Option<String>,
    /// The event sequence it saw.
    pub as_of: Option<i64>,
    /// The rules and the policy it found, as fingerprints, JSON.
    #[sea_orm(column_type = "Text")]
    pub stand: Option<String>,
    /// The version of the pipeline that decided.
    pub version: String,
    /// Who asked.
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was over.
    pub finished_at: Option<DateTime<Utc>>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
