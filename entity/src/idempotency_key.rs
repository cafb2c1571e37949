//! What was carried out under a key that a client chose, so that the same request again is answered and not repeated.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::TenantId;
use crate::tenanted::tenanted;

/// A key that was used. It comes with the effect, in one transaction; the answer follows.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_key")]
pub struct Model {
    /// Hex of SHA-256 over tenant, operation, actor and key. The key itself is kept nowhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Whose row it is.
    pub tenant_id: TenantId,
    /// Which mutation.
    pub operation: String,
    /// A hash of the input, salted with the key.
    pub input_hash: Vec<u8>,
    /// A hash of what the answer shows, and to whom.
    pub view_hash: Vec<u8>,
    /// What kind of thing the first event was about.
    pub subject_kind: Option<String>,
    /// Which one.
    pub subject_id: Option<Uuid>,
    /// The answer as JSON, sealed; absent until it was made.
    pub answer: Option<Vec<u8>>,
    /// When it was carried out.
    pub created_at: DateTime<Utc>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
