//! How far the vectors of a tenant under one model are: what a rebuilding that was interrupted goes on from.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::TenantId;
use crate::tenanted::tenanted;

/// The vectors of one model.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "vector_set")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The model.
    #[sea_orm(primary_key, auto_increment = false)]
    pub model: String,
    /// How many numbers its vectors have.
    #[sea_orm(primary_key, auto_increment = false)]
    pub dimension: i32,
    /// The last text that was looked at.
    pub cursor: Option<Uuid>,
    /// Texts there were when it began.
    pub total: i64,
    /// Texts looked at.
    pub done: i64,
    /// When it last advanced.
    pub updated_at: DateTime<Utc>,
    /// When every approved text had its vector.
    pub finished_at: Option<DateTime<Utc>>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
