//! Two records that belong together: the sides of a transfer between own accounts, or a purchase and its refund.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{LinkId, RecordId, TenantId, UserId};

/// How two records belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Kind {
    /// Money moved from one own account to another.
    #[sea_orm(string_value = "TRANSFER")]
    Transfer,
    /// Money came back for a purchase.
    #[sea_orm(string_value = "REFUND")]
    Refund,
}

/// What became of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Status {
    /// It was found, and waits for a person.
    #[sea_orm(string_value = "SUGGESTED")]
    Suggested,
    /// A person says so; it counts.
    #[sea_orm(string_value = "CONFIRMED")]
    Confirmed,
    /// A person says it is not so.
    #[sea_orm(string_value = "DISMISSED")]
    Dismissed,
    /// It counted and was taken back, or one of its records left the books.
    #[sea_orm(string_value = "UNLINKED")]
    Unlinked,
}

/// A link. There is one row for each pair and kind, whatever becomes of it.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "record_link")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LinkId,
    /// How the two belong together.
    pub kind: Kind,
    /// What became of it.
    pub status: Status,
    /// The record that moved money out: the sending side, or the purchase.
    pub out_id: RecordId,
    /// The record that brought money in: the receiving side, or the refund.
    pub in_id: RecordId,
    /// Why it was suggested, or that a person chose it, in one sentence.
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    /// Who said last what became of it.
    pub decided_by: Option<UserId>,
    /// When they said so.
    pub decided_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
