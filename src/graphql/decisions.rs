//! What was decided about records, as clients see it.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{Enum, ID, Json, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{RecordId, decision};
use serde_json::Value;

use super::loader::OpLoader;
use super::node::global;
use super::scalar::Decimal;
use crate::error::{Error, Result};
use crate::records;

/// Who or what decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "decision::Source")]
pub enum DecisionSource {
    /// A rule of the tenant.
    Rule,
    /// The same merchant on the same account was approved before.
    Exact,
    /// Similar approved records.
    Similar,
    /// The learned model.
    Model,
    /// The language model.
    Llm,
    /// A person.
    Person,
    /// Nothing was sure enough.
    None,
}

/// What was decided about a record, and everything considered.
#[derive(Clone, SimpleObject)]
#[graphql(serial)]
pub struct Decision {
    /// Opaque global id.
    pub id: ID,
    /// Who or what decided.
    pub source: DecisionSource,
    /// The category, if any.
    pub category_id: Option<ID>,
    /// The project, if any.
    pub project: Option<String>,
    /// A note, if any.
    pub note: Option<String>,
    /// Honest chance of being right, 0 to 1.
    pub confidence: f64,
    /// Name of the model that decided.
    pub model: Option<String>,
    /// Version of the pipeline.
    pub version: String,
    /// Why, in one sentence.
    pub rationale: String,
    /// What each tier saw.
    pub considered: Json<Value>,
    /// What outside calls cost, in the currency of the provider's account.
    pub cost: Decimal,
    /// How long deciding took, in microseconds.
    pub latency_us: i64,
    /// `system`, or `user:<uuid>`.
    pub actor: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl From<decision::Model> for Decision {
    fn from(row: decision::Model) -> Self {
        let (whole, fraction) = (row.cost_micros / 1_000_000, row.cost_micros % 1_000_000);
        Self {
            id: global("Decision", row.id),
            source: row.source.into(),
            category_id: row.category_id.map(|id| global("Category", id)),
            project: row.project,
            note: row.note,
            confidence: row.confidence,
            model: row.model,
            version: row.version,
            rationale: row.rationale,
            considered: Json(serde_json::from_str(&row.considered).unwrap_or_default()),
            cost: Decimal(format!("{whole}.{fraction:06}")),
            latency_us: row.latency_us,
            actor: row.actor,
            created_at: row.created_at,
        }
    }
}

/// Asks for everything decided about a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DecisionsOf(pub RecordId);

impl Loader<DecisionsOf> for OpLoader {
    type Value = Vec<Decision>;
    type Error = Arc<Error>;

    async fn load(
        &self,
        keys: &[DecisionsOf],
    ) -> Result<HashMap<DecisionsOf, Vec<Decision>>, Arc<Error>> {
        let ids: Vec<RecordId> = keys.iter().map(|key| key.0).collect();
        let found = records::decisions_of(&self.ctx, &ids)
            .await
            .map_err(Arc::new)?;
        Ok(found
            .into_iter()
            .map(|(id, rows)| (DecisionsOf(id), rows.into_iter().map(Into::into).collect()))
            .collect())
    }
}
