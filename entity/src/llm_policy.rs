//! Whether a tenant's records may be shown to a language model, and how much it may use; no row until something is set.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::TenantId;
use crate::tenanted::tenanted;

/// What a tenant wants of the language model.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "llm_policy")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Whether it may be asked.
    pub enabled: bool,
    /// Whether texts may be sent to an embedding service.
    pub embeddings: bool,
    /// Tokens of a day; as many as the server allows when absent.
    pub daily_tokens: Option<i64>,
    /// Tokens of a month; as many as the server allows when absent.
    pub monthly_tokens: Option<i64>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
