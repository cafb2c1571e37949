//! An uploaded file: its bytes live in the file store, by content hash.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{FileId, TenantId, UserId};

/// A file.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "file")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FileId,
    /// Its name as uploaded.
    pub name: String,
    /// Its size; 0 until stored.
    pub size_bytes: i64,
    /// Hash of the content, hex; absent until stored.
    pub sha256: Option<String>,
    /// Who uploaded it.
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when it can be uploaded.
    pub expires_at: DateTime<Utc>,
    /// When its bytes were safe.
    pub stored_at: Option<DateTime<Utc>>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
