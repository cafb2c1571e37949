//! A report that was asked for, and its answer.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{ReportId, TenantId, UserId};

/// Which report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Kind {
    /// Income and expense by category and period.
    #[sea_orm(string_value = "PROFIT_AND_LOSS")]
    ProfitAndLoss,
}

/// How far a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Status {
    /// Waiting for a worker.
    #[sea_orm(string_value = "QUEUED")]
    Queued,
    /// The answer is there.
    #[sea_orm(string_value = "READY")]
    Ready,
    /// It could not be made; see the error.
    #[sea_orm(string_value = "FAILED")]
    Failed,
}

/// A report.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "report")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ReportId,
    /// Which report.
    pub kind: Kind,
    /// What was asked, JSON.
    #[sea_orm(column_type = "Text")]
    pub params: String,
    /// How far it is.
    pub status: Status,
    /// The answer, JSON.
    #[sea_orm(column_type = "Text")]
    pub body: Option<String>,
    /// Why it failed.
    #[sea_orm(column_type = "Text")]
    pub error: Option<String>,
    /// The event sequence it saw.
    pub as_of: Option<i64>,
    /// Which records it was made of, JSON; all of them when absent.
    #[sea_orm(column_type = "Text")]
    pub reach: Option<String>,
    /// Who asked.
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was ready.
    pub finished_at: Option<DateTime<Utc>>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
