//! What was applied of a simulation, and whether it was undone.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{ChangeSetId, SimulationId, TenantId, UserId};

/// How far a change set is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Status {
    /// Its rules and settings are in force; its records wait for a worker.
    #[sea_orm(string_value = "QUEUED")]
    Queued,
    /// Its records are being changed.
    #[sea_orm(string_value = "APPLYING")]
    Applying,
    /// All of it is done.
    #[sea_orm(string_value = "APPLIED")]
    Applied,
    /// Its rules and settings are as before; its records are being put back.
    #[sea_orm(string_value = "UNDOING")]
    Undoing,
    /// It was undone.
    #[sea_orm(string_value = "UNDONE")]
    Undone,
    /// It stopped half-way; see the error.
    #[sea_orm(string_value = "FAILED")]
    Failed,
}

/// A change set.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "change_set")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ChangeSetId,
    /// What it was made of; the simulation itself may be gone.
    pub simulation_id: SimulationId,
    /// How far it is.
    pub status: Status,
    /// Whether records that wait are proposed again.
    pub waiting: bool,
    /// Whether records in the books are filed again.
    pub approved: bool,
    /// Changes of the rules.
    pub rule_changes: i32,
    /// Whether what may pass without a person was changed.
    pub automation: bool,
    /// Records that the simulation lists.
    pub total_records: i32,
    /// Of those, the ones that were looked at; while it is undone, those put back or left.
    pub done_records: i32,
    /// Records that the simulation found and does not list.
    pub unlisted_records: i32,
    /// Items so far, which is the number of the last one.
    pub items: i32,
    /// Items that are applied.
    pub applied: i32,
    /// Items that were refused.
    pub refused: i32,
    /// Items that were left alone.
    pub left_alone: i32,
    /// Items that were undone.
    pub undone: i32,
    /// The number of the last change of the simulation that was looked at.
    pub reached: i32,
    /// Why it stopped.
    #[sea_orm(column_type = "Text")]
    pub error: Option<String>,
    /// As whom its records are changed: `user:<uuid>` or `service:<uuid>`.
    pub acts_as: String,
    /// Who applied it.
    pub created_by: Option<UserId>,
    /// When it was applied.
    pub created_at: DateTime<Utc>,
    /// When all of it was done.
    pub applied_at: Option<DateTime<Utc>>,
    /// When it was undone.
    pub undone_at: Option<DateTime<Utc>>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
