//! A decision a person owes, or has made.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{ApprovalId, CategoryId, DecisionId, RecordId, TenantId, UserId};

/// What happened to an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Status {
    /// Waiting for a person.
    #[sea_orm(string_value = "PENDING")]
    Pending,
    /// The proposal was accepted.
    #[sea_orm(string_value = "APPROVED")]
    Approved,
    /// Another category was chosen.
    #[sea_orm(string_value = "OVERRIDDEN")]
    Overridden,
    /// The record does not belong in the books.
    #[sea_orm(string_value = "REJECTED")]
    Rejected,
    /// It was decided and then taken back.
    #[sea_orm(string_value = "REOPENED")]
    Reopened,
    /// Its record was voided or decided anew.
    #[sea_orm(string_value = "CANCELLED")]
    Cancelled,
    /// An override was proposed that a second person has to agree to, in another approval.
    #[sea_orm(string_value = "ESCALATED")]
    Escalated,
    /// A proposed override was declined; the record waits again in another approval.
    #[sea_orm(string_value = "DECLINED")]
    Declined,
}

/// An approval.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "approval")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ApprovalId,
    /// The record under review.
    pub record_id: RecordId,
    /// What the pipeline proposed.
    pub decision_id: DecisionId,
    /// What happened to it.
    pub status: Status,
    /// What was proposed.
    pub proposed_category_id: Option<CategoryId>,
    /// What was decided.
    pub category_id: Option<CategoryId>,
    /// Where the proposal came from.
    pub source: super::decision::Source,
    /// How sure the proposal was.
    pub confidence: f64,
    /// Why a person is to look, if a rule says so.
    #[sea_orm(column_type = "Text")]
    pub flag: Option<String>,
    /// What the reviewer said.
    #[sea_orm(column_type = "Text")]
    pub comment: Option<String>,
    /// Who decided.
    pub decided_by: Option<UserId>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
    /// Who proposed it, when a person did: `user:<uuid>`. Somebody else has to agree.
    pub proposed_by: Option<String>,
    /// Whether the proposal was sure enough to pass without a person, when it was made.
    pub passes: bool,
    /// Whether it entered the books that way.
    pub automatic: bool,
    /// Whether a person is asked although it was sure enough.
    pub audit: bool,
    /// The approval this one took the place of.
    pub reopened_from: Option<ApprovalId>,
    /// The approval in which the record came in, where this one was proposed anew.
    pub first_look: Option<ApprovalId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
