//! One movement of money, as received and as understood.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::partial::partial;
use crate::tenanted::tenanted;
use crate::{
    AccountId, CategoryId, ConnectionId, DecisionId, ImportId, RecordId, TenantId, UserId,
};

/// How far a record is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Status {
    /// Stored, waiting for the pipeline.
    #[default]
    #[sea_orm(string_value = "RECEIVED")]
    Received,
    /// A decision is proposed.
    #[sea_orm(string_value = "PROCESSED")]
    Processed,
    /// A person, or earned automation, agreed.
    #[sea_orm(string_value = "APPROVED")]
    Approved,
    /// It does not belong in the books.
    #[sea_orm(string_value = "REJECTED")]
    Rejected,
    /// The pipeline gave up; it can be retried.
    #[sea_orm(string_value = "FAILED")]
    Failed,
    /// Taken back with its import.
    #[sea_orm(string_value = "VOIDED")]
    Voided,
}

/// A record.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "record")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RecordId,
    /// The account or connection it came from, never the file or the door.
    pub source_id: Uuid,
    /// The source's id of it, or a content key (`v1:…`).
    pub external_id: String,
    /// The account money moved on.
    pub account_id: Option<AccountId>,
    /// The connection that delivered it.
    pub connection_id: Option<ConnectionId>,
    /// The import that brought it.
    pub import_id: Option<ImportId>,
    /// The local date it happened.
    pub occurred_on: chrono::NaiveDate,
    /// In 10^-5 units, money in positive.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// The text the bank sent.
    #[sea_orm(column_type = "Text")]
    pub description: String,
    /// The merchant, normalised.
    pub merchant_key: String,
    /// Stands for the folded description: records with the same text have the same.
    pub text_key: Option<Uuid>,
    /// The row as received.
    #[sea_orm(column_type = "Text")]
    pub raw: String,
    /// How far it is.
    pub status: Status,
    /// Proposed or approved category.
    pub category_id: Option<CategoryId>,
    /// Proposed or approved project.
    pub project: Option<String>,
    /// A note set by rule or person.
    #[sea_orm(column_type = "Text")]
    pub note: Option<String>,
    /// Tags set by rules, people and files, a JSON list.
    #[sea_orm(column_type = "Text")]
    pub tags: Option<String>,
    /// The decision in force.
    pub decision_id: Option<DecisionId>,
    /// Why processing failed.
    #[sea_orm(column_type = "Text")]
    pub error: Option<String>,
    /// What the source added, JSON.
    #[sea_orm(column_type = "Text")]
    pub metadata: Option<String>,
    /// The person who brought it in.
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Whether it was filed without a person.
    pub automatic: bool,
    /// When it was voided.
    pub deleted_at: Option<DateTime<Utc>>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
partial!(
    TenantId tenant_id,
    Id id,
    SourceId source_id,
    ExternalId external_id,
    AccountId account_id,
    ConnectionId connection_id,
    ImportId import_id,
    OccurredOn occurred_on,
    Amount amount,
    Currency currency,
    Description description,
    MerchantKey merchant_key,
    TextKey text_key,
    Raw raw,
    Status status,
    CategoryId category_id,
    Project project,
    Note note,
    Tags tags,
    DecisionId decision_id,
    Error error,
    Metadata metadata,
    CreatedBy created_by,
    CreatedAt created_at,
    UpdatedAt updated_at,
    Automatic automatic,
    DeletedAt deleted_at,
);
