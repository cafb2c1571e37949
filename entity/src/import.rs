//! The reading of one statement file.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{AccountId, FileId, ImportId, TenantId, UserId};

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Status {
    /// Waiting for a worker.
    #[sea_orm(string_value = "QUEUED")]
    Queued,
    /// Rows are being stored.
    #[sea_orm(string_value = "RUNNING")]
    Running,
    /// Every row is stored.
    #[sea_orm(string_value = "DONE")]
    Done,
    /// The file could not be accepted; nothing was stored.
    #[sea_orm(string_value = "REFUSED")]
    Refused,
    /// Storing failed for good; see the error.
    #[sea_orm(string_value = "FAILED")]
    Failed,
    /// Taken back.
    #[sea_orm(string_value = "VOIDED")]
    Voided,
}

/// An import.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "import")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ImportId,
    /// The account of rows that name none.
    pub account_id: Option<AccountId>,
    /// The file it reads.
    pub file_id: FileId,
    /// The name of that file.
    pub file_name: String,
    /// `CSV` or `OFX`.
    pub format: String,
    /// How far it is.
    pub status: Status,
    /// How to read it: mapping, default currency, JSON.
    #[sea_orm(column_type = "Text")]
    pub options: String,
    /// Whether bad rows are left out instead of refusing the file.
    pub skip_bad: bool,
    /// Rows read.
    pub total_rows: i32,
    /// Records it brought.
    pub new_rows: i32,
    /// Rows that were known.
    pub duplicate_rows: i32,
    /// Rows that could not be read.
    pub refused_rows: i32,
    /// Why it was refused or failed.
    #[sea_orm(column_type = "Text")]
    pub error: Option<String>,
    /// Who asked.
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When the last row was stored.
    pub finished_at: Option<DateTime<Utc>>,
    /// When it was taken back.
    pub voided_at: Option<DateTime<Utc>>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
