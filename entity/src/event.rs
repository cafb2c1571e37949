//! The event log of a tenant: append only, gap free, hash chained.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{EventId, TenantId};

/// An event.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Its place in the tenant's log, from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    /// Its id.
    pub id: EventId,
    /// Its public name, such as `PROCESSED`.
    pub kind: String,
    /// Who caused it; `balance` unless said otherwise.
    pub source_agent: String,
    /// `system`, `user:<uuid>`, `service:<uuid>` or `connection:<uuid>`.
    pub actor: String,
    /// What it is about: `record`, `approval`, …
    pub subject_kind: String,
    /// Which one.
    pub subject_id: Uuid,
    /// Canonical JSON (RFC 8785) of ids, enums, amounts and dates.
    #[sea_orm(column_type = "Text")]
    pub payload: String,
    /// What changed, canonical JSON.
    #[sea_orm(column_type = "Text")]
    pub diff: Option<String>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When it entered the log; never goes backwards.
    pub recorded_at: DateTime<Utc>,
    /// SHA-256 of what it says.
    pub content_hash: Vec<u8>,
    /// SHA-256 over the previous hash, tenant, sequence and content hash.
    pub hash: Vec<u8>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
