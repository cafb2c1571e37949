//! A webhook request as it was received, kept before anything is made of it.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{ConnectionId, DeliveryId, TenantId};

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Status {
    /// Stored, not read yet.
    #[sea_orm(string_value = "RECEIVED")]
    Received,
    /// Its rows are records.
    #[sea_orm(string_value = "INGESTED")]
    Ingested,
    /// It could not be read; see the error.
    #[sea_orm(string_value = "REFUSED")]
    Refused,
}

/// A delivery.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DeliveryId,
    /// Who sent it.
    pub connection_id: ConnectionId,
    /// The sender's id of the message; a repeat is answered, not stored.
    pub webhook_id: String,
    /// The body as received.
    #[sea_orm(column_type = "Text")]
    pub body: String,
    /// What became of it.
    pub status: Status,
    /// Why it was refused.
    #[sea_orm(column_type = "Text")]
    pub error: Option<String>,
    /// Records it brought.
    pub new_rows: i32,
    /// Rows that were known.
    pub duplicate_rows: i32,
    /// When it was stored.
    pub received_at: DateTime<Utc>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
