//! The language model of a tenant, as clients see it: whether it is asked, what is sent, what it said and what it used.

use async_graphql::{
    ComplexObject, Context, ID, InputObject, MaybeUndefined, Object, SimpleObject,
};
use chrono::{DateTime, Utc};
use entity::{CategoryId, llm_usage};

use super::categories::Category;
use super::error::{UserError, payload};
use super::loader::find;
use super::node::{global, local_all};
use super::op::Op;
use super::payload::payloads;
use super::records::Record;
use super::scalar::{Date, Decimal};
use crate::ctx::Ctx;
use crate::error::Result;
use crate::llm::{self, Change, Limits, Policy, Spent};
use crate::processing::{llm as tier, neighbours};

/// Whether a language model is asked, and how much it may use.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct LanguageModel {
    /// Whether one is configured on this server.
    pub configured: bool,
    /// Whether the tenant has allowed its records to be shown to it. Off until it does.
    pub enabled: bool,
    /// The model; absent where none is configured.
    pub model: Option<String>,
    /// Tokens of a day: what the tenant set, and at most what the server allows.
    pub daily_tokens: i64,
    /// Tokens of a month, likewise.
    pub monthly_tokens: i64,
    /// Tokens used or reserved today, in UTC.
    pub tokens_today: i64,
    /// Tokens used or reserved this month, in UTC.
    pub tokens_this_month: i64,
    /// Whether texts are sent to an embedding service, beside the language model and apart from it.
    pub embeddings: Embeddings,
}

/// An embedding service: it makes vectors of texts, so that records of like meaning are found. What is sent to it is the
/// text of a record alone, in lower case and cut to 512 characters, and each text once. Without it texts are compared by
/// their letters, and nothing is sent.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct Embeddings {
    /// Whether one is configured on this server.
    pub configured: bool,
    /// Whether the tenant has allowed its texts to be sent to it. Off until it does.
    pub enabled: bool,
    /// The model; absent where none is configured.
    pub model: Option<String>,
    /// The host that texts go to; absent where none is configured.
    pub host: Option<String>,
}

#[ComplexObject]
impl Embeddings {
    /// How far the vectors of the approved texts are; absent unless a service is configured and allowed.
    async fn progress(&self, ctx: &Context<'_>) -> Result<Option<EmbeddingProgress>> {
        let Some(model) = self.model.as_deref().filter(|_| self.enabled) else {
            return Ok(None);
        };
        let progress = neighbours::progress(ctx.op()?).await?;
        let of_model = progress.into_iter().find(|one| one.space.model == model);
        Ok(of_model.map(|one| EmbeddingProgress {
            total: one.total,
            done: one.done,
            finished_at: one.finished_at,
        }))
    }
}

/// How far the vectors of a tenant are.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct EmbeddingProgress {
    /// Approved texts there were when it began.
    pub total: i64,
    /// Texts looked at.
    pub done: i64,
    /// When all had their vector; absent while some are missing.
    pub finished_at: Option<DateTime<Utc>>,
}

impl Embeddings {
    fn of(ctx: &Ctx, policy: &Policy) -> Self {
        let config = ctx.config();
        let asker = ctx.handles().vectors.asker();
        let own = config.embedding_base_url.as_deref();
        let url = own.filter(|url| !url.trim().is_empty());
        let url = url.unwrap_or(&config.openai_base_url);
        Self {
            configured: asker.is_some(),
            enabled: policy.embeddings,
            model: asker.map(|asker| asker.space().model.clone()),
            host: asker.map(|_| tier::host(url)),
        }
    }
}

impl LanguageModel {
    async fn of(ctx: &Ctx, policy: Policy) -> Result<Self> {
        let config = ctx.config();
        let configured = config.openai_api_key.is_some();
        let Limits { daily, monthly } = llm::limits(&policy, &config.llm);
        let Spent { day, month } = llm::spent(ctx).await?;
        Ok(Self {
            configured,
            enabled: policy.enabled,
            model: configured.then(|| config.llm_model.clone()),
            daily_tokens: daily,
            monthly_tokens: monthly,
            tokens_today: day,
            tokens_this_month: month,
            embeddings: Embeddings::of(ctx, &policy),
        })
    }
}

/// What was used of a language model in a time.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct LlmUsage {
    /// All of it.
    pub all: LlmCounts,
    /// By day and model, oldest first; days without any are left out.
    pub by_day: Vec<LlmDay>,
}

/// What was used on one day of one model.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct LlmDay {
    /// The day, in UTC.
    pub on: Date,
    /// The model that was asked.
    pub model: String,
    /// What was used.
    pub counts: LlmCounts,
}

/// What was used of a language model.
#[derive(Clone, Copy, Default)]
struct Counted {
    calls: i64,
    failures: i64,
    questions: i64,
    cache_hits: i64,
    prompt_tokens: i64,
    completion_tokens: i64,
    cost_micros: i64,
}

/// Requests, tokens and money.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct LlmCounts {
    /// Requests sent, those that were repeated too.
    pub calls: i64,
    /// Requests that brought nothing usable.
    pub failures: i64,
    /// Questions in them: each merchant on an account is asked about once.
    pub questions: i64,
    /// Records answered by what was known already.
    pub cache_hits: i64,
    /// Tokens read by it.
    pub prompt_tokens: i64,
    /// Tokens written by it.
    pub completion_tokens: i64,
    /// What they cost by the prices the server is configured with, in the currency of the provider's account.
    pub cost: Decimal,
}

impl Counted {
    fn add(&mut self, row: &llm_usage::Model) {
        self.calls += row.calls;
        self.failures += row.failures;
        self.questions += row.questions;
        self.cache_hits += row.cache_hits;
        self.prompt_tokens += row.prompt_tokens;
        self.completion_tokens += row.completion_tokens;
        self.cost_micros += row.cost_micros;
    }
}

impl From<Counted> for LlmCounts {
    fn from(counted: Counted) -> Self {
        Self {
            calls: counted.calls,
            failures: counted.failures,
            questions: counted.questions,
            cache_hits: counted.cache_hits,
            prompt_tokens: counted.prompt_tokens,
            completion_tokens: counted.completion_tokens,
            cost: Decimal::micros(counted.cost_micros),
        }
    }
}

impl From<Vec<llm_usage::Model>> for LlmUsage {
    fn from(rows: Vec<llm_usage::Model>) -> Self {
        let mut all = Counted::default();
        rows.iter().for_each(|row| all.add(row));
        let day = |row: llm_usage::Model| {
            let mut counted = Counted::default();
            counted.add(&row);
            LlmDay {
                on: Date(row.on_day),
                model: row.model,
                counts: counted.into(),
            }
        };
        Self {
            all: all.into(),
            by_day: rows.into_iter().map(day).collect(),
        }
    }
}

/// What would leave the system about some records. Nothing did.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct LlmPreview {
    /// Whether it could be sent: a language model is configured, and the tenant has allowed it.
    pub would_be_sent: bool,
    /// The model.
    pub model: String,
    /// The host it would go to.
    pub host: String,
    /// What would be sent, word by word; empty when all of it was answered before.
    pub prompts: Vec<LlmPrompt>,
    /// Records that would not be sent: one like them was answered before.
    pub answered_record_ids: Vec<ID>,
    /// The most it can cost, in the currency of the provider's account.
    pub most_cost: Decimal,
}

/// One request to a language model.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct LlmPrompt {
    /// The instructions: the categories of the tenant, and how to answer.
    pub instructions: String,
    /// The movements of money, as data within a fence.
    pub material: String,
    /// The most tokens it can take, read and written.
    pub most_tokens: i64,
}

impl From<tier::Preview> for LlmPreview {
    fn from(preview: tier::Preview) -> Self {
        let prompts = preview.prompts.into_iter();
        let answered = preview.answered.into_iter();
        Self {
            would_be_sent: preview.configured && preview.enabled,
            model: preview.model,
            host: preview.host,
            prompts: prompts
                .map(|prompt| LlmPrompt {
                    most_tokens: prompt.most_tokens(),
                    instructions: prompt.instructions,
                    material: prompt.material,
                })
                .collect(),
            answered_record_ids: answered.map(|id| global("Record", id)).collect(),
            most_cost: Decimal::micros(preview.most_cost_micros),
        }
    }
}

/// What a language model says about a record. Nothing is decided by it.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct LlmOpinion {
    /// The record.
    pub record: Record,
    /// How sure it is, 0 to 0.8; absent when it has no answer.
    pub confidence: Option<f64>,
    /// What it chose, or why it has no answer, in one sentence.
    pub reason: String,
    /// Why it chose so, in its own words: text by a model that read text by strangers.
    pub rationale: Option<String>,
    /// Whether it was known already, so that nothing was sent.
    pub cached: bool,
    /// What it cost, in the currency of the provider's account.
    pub cost: Decimal,
    #[graphql(skip)]
    category_id: Option<CategoryId>,
}

#[ComplexObject]
impl LlmOpinion {
    /// The category it chose; absent when it has no answer.
    async fn category(&self, ctx: &Context<'_>) -> Result<Option<Category>> {
        match self.category_id {
            Some(id) => find(ctx, id).await,
            None => Ok(None),
        }
    }
}

impl From<tier::Opinion> for LlmOpinion {
    fn from(opinion: tier::Opinion) -> Self {
        let (heard, record) = (opinion.heard, opinion.record);
        let evidence = heard.view.evidence.as_ref();
        let rationale = evidence.and_then(|evidence| evidence["rationale"].as_str());
        Self {
            record: record.into(),
            confidence: heard.view.confidence,
            rationale: rationale.map(str::to_owned),
            cached: heard.latency_us == 0 && heard.view.category.is_some(),
            cost: Decimal::micros(heard.cost_micros),
            category_id: heard.view.category,
            reason: heard.view.reason,
        }
    }
}

/// What changes. What is left out stays.
#[derive(InputObject)]
pub struct UpdateLanguageModelInput {
    /// Whether records may be shown to a language model.
    pub enabled: Option<bool>,
    /// Whether texts may be sent to an embedding service. Switched on, vectors are made of everything that is approved, in
    /// the background; switched off, none is asked for any more, and those that it made are deleted.
    pub embeddings: Option<bool>,
    /// Tokens of a day, 0 or more; null for as many as the server allows.
    #[graphql(default)]
    pub daily_tokens: MaybeUndefined<i64>,
    /// Tokens of a month, likewise.
    #[graphql(default)]
    pub monthly_tokens: MaybeUndefined<i64>,
}

/// What to ask about.
#[derive(InputObject)]
pub struct AskLanguageModelInput {
    /// The records, 1 to 40.
    pub record_ids: Vec<ID>,
}

payloads! {
    /// What is wanted of the language model now.
    UpdateLanguageModelPayload {
        /// All of it.
        language_model: LanguageModel
    },
}

/// What a language model says.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct AskLanguageModelPayload {
    /// About each record, in the order asked.
    pub opinions: Option<Vec<LlmOpinion>>,
    /// What to put right; empty when it was asked.
    #[graphql(name = "errors")]
    pub user_errors: Vec<UserError>,
}

/// Questions about the language model.
#[derive(Default)]
pub struct LlmQuery;

#[Object]
impl LlmQuery {
    /// Whether a language model is asked about records that nothing else is sure of, and how much it may use. Needs a
    /// sign-in.
    async fn language_model(&self, ctx: &Context<'_>) -> Result<LanguageModel> {
        let op = ctx.op()?;
        LanguageModel::of(op, llm::standing(op).await?).await
    }

    /// What was used of language models, by day: requests, tokens, cost, and what was spared. At most 366 days. Needs
    /// `audit:read`.
    async fn llm_usage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first day, in UTC.")] from: Date,
        #[graphql(desc = "The last day, in UTC.")] to: Date,
    ) -> Result<LlmUsage> {
        Ok(llm::usage(ctx.op()?, from.0, to.0).await?.into())
    }

    /// Exactly what would be sent to the language model about these records, 1 to 40 of them. Nothing is sent. Needs
    /// `records:read` and `accounts:read`.
    async fn llm_preview(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The records.")] record_ids: Vec<ID>,
    ) -> Result<LlmPreview> {
        let ids = local_all("Record", "recordIds", &record_ids)?;
        let preview = tier::preview(ctx.op()?, ctx.engine(), &ids).await?;
        Ok(preview.into())
    }
}

/// What is done with the language model.
#[derive(Default)]
pub struct LlmMutation;

#[Object]
impl LlmMutation {
    /// Allow or stop showing records to a language model and sending texts to an embedding service, and say how many tokens
    /// the model may use. It counts from the next question on. Needs `tenant:manage`.
    async fn update_language_model(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: UpdateLanguageModelInput,
    ) -> Result<UpdateLanguageModelPayload> {
        let op = ctx.op()?;
        let tokens = |given: MaybeUndefined<i64>| match given {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(tokens) => Some(Some(tokens)),
        };
        let change = Change {
            enabled: input.enabled,
            embeddings: input.embeddings,
            daily_tokens: tokens(input.daily_tokens),
            monthly_tokens: tokens(input.monthly_tokens),
        };
        let changed = async { LanguageModel::of(op, llm::set(op, change).await?).await };
        UpdateLanguageModelPayload::of(changed.await)
    }

    /// Ask the language model about records now, at most 20 times in 15 minutes unless the server says otherwise. It
    /// decides nothing: follow it by approving or overriding. Needs `approvals:decide` and `records:read`.
    async fn ask_language_model(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: AskLanguageModelInput,
    ) -> Result<AskLanguageModelPayload> {
        let op = ctx.op()?;
        let asked = async {
            let ids = local_all("Record", "recordIds", &input.record_ids)?;
            tier::ask(op, ctx.engine(), &ids).await
        };
        let (opinions, user_errors) = payload(asked.await)?;
        Ok(AskLanguageModelPayload {
            opinions: opinions.map(|all| all.into_iter().map(Into::into).collect()),
            user_errors,
        })
    }
}
