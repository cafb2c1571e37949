//! The vector of a text, under the model that made it. On PostgreSQL with pgvector the numbers are in a column of its
//! own (`embedding`, see `src/db/pgvector.rs`); elsewhere they are bytes.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::TenantId;
use crate::tenanted::tenanted;

/// A vector.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "text_vector")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The model that made it; vectors of two models are never compared.
    #[sea_orm(primary_key, auto_increment = false)]
    pub model: String,
    /// How many numbers it has.
    #[sea_orm(primary_key, auto_increment = false)]
    pub dimension: i32,
    /// Stands for the folded text; the text itself is not kept here.
    #[sea_orm(primary_key, auto_increment = false)]
    pub text_key: Uuid,
    /// The numbers as 32-bit floats, little-endian; none where pgvector holds them.
    pub bytes: Option<Vec<u8>>,
    /// Since when records with this text are approved, and it is evidence; before, it only waits.
    pub approved_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
