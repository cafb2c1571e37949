//! What was decided about records, as clients see it.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, Enum, ID, Json, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{CategoryId, DecisionId, RecordId, decision};
use serde_json::{Value, json};
use uuid::Uuid;

use super::categories::Category;
use super::explain::Explanation;
use super::loader::{OpLoader, find};
use super::node::global;
use super::plain::plain;
use super::scalar::Decimal;
use super::splits::SplitLine;
use crate::error::{Error, Result};
use crate::records;
use crate::tag;

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
#[graphql(complex, serial)]
pub struct Decision {
    /// Opaque global id.
    pub id: ID,
    /// Who or what decided.
    pub source: DecisionSource,
    /// The category, if any.
    #[graphql(deprecation = "use `category { id }`; since 2026-11-21; removed after 2027-06-30")]
    pub category_id: Option<ID>,
    /// The project, if any.
    pub project: Option<String>,
    /// A note, if any.
    pub note: Option<String>,
    /// Tags that rules set, or those of the record when a person decided.
    pub tags: Vec<String>,
    /// Why a person is to look, if a rule says so.
    pub flag: Option<String>,
    /// Honest chance of being right, 0 to 1.
    pub confidence: f64,
    /// Name of the model that decided.
    pub model: Option<String>,
    /// Version of the pipeline.
    pub version: String,
    /// Why, in one sentence.
    pub rationale: String,
    /// What outside calls cost, in the currency of the provider's account.
    pub cost: Decimal,
    /// How long deciding took, in microseconds.
    pub latency_us: i64,
    /// `system`, or `user:<uuid>`.
    pub actor: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    #[graphql(skip)]
    key: DecisionId,
    #[graphql(skip)]
    category_key: Option<CategoryId>,
    /// JSON as stored: long, and read only when it is asked for.
    #[graphql(skip)]
    considered: Arc<str>,
}

#[ComplexObject]
impl Decision {
    /// The category, if any.
    async fn category(&self, ctx: &Context<'_>) -> Result<Option<Category>> {
        match self.category_key {
            Some(id) => find(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The lines that it splits the record into, proposed or chosen; none where `category` holds the whole of it. Kept
    /// when another decision takes its place: they count while it is in force, see `Record.splits`.
    async fn splits(&self, ctx: &Context<'_>) -> Result<Vec<SplitLine>> {
        SplitLine::of(ctx, self.key).await
    }

    /// What each tier saw, in the order they were asked.
    #[graphql(name = "considered")]
    async fn considered_by_tier(&self) -> Json<Value> {
        Json(self.read_considered())
    }

    /// Why it was decided so: one sentence, what each tier saw then, and what it took.
    async fn explain(&self) -> Explanation {
        Explanation::of(self)
    }
}

plain!(Decision;
    "id" id, "source" source, "categoryId" category_id, "project" project, "note" note, "tags" tags, "flag" flag, "confidence" confidence,
    "model" model, "version" version, "rationale" rationale, "cost" cost, "latencyUs" latency_us, "actor" actor,
    "createdAt" created_at;
    names "category" Category, in categories: |row: &Decision| row.category_key,
);

impl Decision {
    fn read_considered(&self) -> Value {
        with_global_ids(serde_json::from_str(&self.considered).unwrap_or_default())
    }

    /// What each tier saw, as it was stored.
    pub(super) fn stored(&self) -> &str {
        &self.considered
    }

    /// The whole of it as one document.
    pub fn reasoning_trace(&self) -> Value {
        json!({
            "source": self.source.name(),
            "categoryId": self.category_id.as_ref().map(|id| id.as_str()),
            "confidence": self.confidence,
            "model": self.model,
            "version": self.version,
            "rationale": self.rationale,
            "considered": self.read_considered(),
            "cost": self.cost.0,
            "latencyUs": self.latency_us,
        })
    }
}

impl DecisionSource {
    fn name(self) -> &'static str {
        use async_graphql::resolver_utils::EnumType;
        let named = Self::items().iter().find(|item| item.value == self);
        named.map_or("NONE", |item| item.name)
    }
}

/// The ids in a trace as clients know ids.
fn with_global_ids(value: Value) -> Value {
    let id =
        |kind: &str, value: Value| match value.as_str().and_then(|text| Uuid::parse_str(text).ok())
        {
            Some(uuid) => Value::from(global(kind, uuid).as_str()),
            None => with_global_ids(value),
        };
    match value {
        Value::Array(items) => items.into_iter().map(with_global_ids).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, member)| {
                let member = match (name.as_str(), member) {
                    ("category", member) => id("Category", member),
                    ("rule", member) => id("Rule", member),
                    ("matched", Value::Array(rules)) => {
                        rules.into_iter().map(|rule| id("Rule", rule)).collect()
                    }
                    (_, member) => with_global_ids(member),
                };
                (name, member)
            })
            .collect(),
        scalar => scalar,
    }
}

impl From<decision::Model> for Decision {
    fn from(row: decision::Model) -> Self {
        Self {
            id: global("Decision", row.id),
            source: row.source.into(),
            category_id: row.category_id.map(|id| global("Category", id)),
            project: row.project,
            note: row.note,
            tags: tag::read(row.tags.as_deref()),
            flag: row.flag,
            confidence: row.confidence,
            model: row.model,
            version: row.version,
            rationale: row.rationale,
            cost: Decimal::micros(row.cost_micros),
            latency_us: row.latency_us,
            actor: row.actor,
            created_at: row.created_at,
            key: row.id,
            category_key: row.category_id,
            considered: row.considered.into(),
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
