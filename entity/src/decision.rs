//! What was decided about a record, and everything considered. Append only.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::partial::partial;
use crate::tenanted::tenanted;
use crate::{CategoryId, DecisionId, RecordId, TenantId};

/// Who or what decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Source {
    /// A rule of the tenant.
    #[sea_orm(string_value = "RULE")]
    Rule,
    /// The same merchant on the same account was approved before.
    #[sea_orm(string_value = "EXACT")]
    Exact,
    /// Similar approved records.
    #[sea_orm(string_value = "SIMILAR")]
    Similar,
    /// The learned model.
    #[sea_orm(string_value = "MODEL")]
    Model,
    /// The language model.
    #[sea_orm(string_value = "LLM")]
    Llm,
    /// A person.
    #[sea_orm(string_value = "PERSON")]
    Person,
    /// Nothing was sure enough.
    #[default]
    #[sea_orm(string_value = "NONE")]
    None,
}

/// A decision.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "decision")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DecisionId,
    /// The record.
    pub record_id: RecordId,
    /// Who or what decided.
    pub source: Source,
    /// The category, if any.
    pub category_id: Option<CategoryId>,
    /// The project, if any.
    pub project: Option<String>,
    /// A note, if any.
    #[sea_orm(column_type = "Text")]
    pub note: Option<String>,
    /// Tags, a JSON list, if any.
    #[sea_orm(column_type = "Text")]
    pub tags: Option<String>,
    /// Why a person is to look, if a rule says so.
    #[sea_orm(column_type = "Text")]
    pub flag: Option<String>,
    /// Honest chance of being right, 0 to 1.
    pub confidence: f64,
    /// Name of the model that decided.
    pub model: Option<String>,
    /// Version of the pipeline.
    pub version: String,
    /// One sentence.
    #[sea_orm(column_type = "Text")]
    pub rationale: String,
    /// What each tier saw, JSON.
    #[sea_orm(column_type = "Text")]
    pub considered: String,
    /// What outside calls cost, in millionths of the account currency of the provider.
    pub cost_micros: i64,
    /// How long deciding took.
    pub latency_us: i64,
    /// `system`, or `user:<uuid>`.
    pub actor: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
partial!(
    TenantId tenant_id,
    Id id,
    RecordId record_id,
    Source source,
    CategoryId category_id,
    Project project,
    Note note,
    Tags tags,
    Flag flag,
    Confidence confidence,
    Model model,
    Version version,
    Rationale rationale,
    Considered considered,
    CostMicros cost_micros,
    LatencyUs latency_us,
    Actor actor,
    CreatedAt created_at,
);
