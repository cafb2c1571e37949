//! Everything of a tenant as one file, asked for and made.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{ExportId, TenantId, UserId};

/// How far an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Status {
    /// Waiting for a worker.
    #[sea_orm(string_value = "QUEUED")]
    Queued,
    /// Being written.
    #[sea_orm(string_value = "RUNNING")]
    Running,
    /// Ready to be downloaded.
    #[sea_orm(string_value = "READY")]
    Ready,
    /// It could not be made.
    #[sea_orm(string_value = "FAILED")]
    Failed,
}

/// An export.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "export")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ExportId,
    /// How far it is.
    pub status: Status,
    /// Whether it was made because the tenant is to be deleted.
    pub for_deletion: bool,
    /// Rows written so far.
    pub rows_done: i64,
    /// Rows there were when it began; 0 before.
    pub rows_total: i64,
    /// Size of the file; 0 until ready.
    pub size_bytes: i64,
    /// Hash of the file, hex; absent until ready.
    pub sha256: Option<String>,
    /// Why it failed, for operators.
    #[sea_orm(column_type = "Text")]
    pub error: Option<String>,
    /// Who asked.
    pub created_by: Option<UserId>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it was ready or failed.
    pub finished_at: Option<DateTime<Utc>>,
    /// When its file is removed.
    pub expires_at: Option<DateTime<Utc>>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
