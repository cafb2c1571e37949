//! Asking on demand, and showing what would be sent without sending it.

use std::collections::HashMap;
use std::sync::Arc;

use entity::{RecordId, record};

use super::{Budget, Heard, OFF, Plan, prompt::subject};
use crate::ctx::{Ctx, Event};
use crate::error::{Error, Result};
use crate::llm;
use crate::outbound::llm::Prompt;
use crate::permission::Permission;
use crate::processing::Engine;
use crate::records;
use crate::throttle::Throttle;

/// Records asked about at once.
const RECORDS: usize = 40;

/// What a language model says about a record.
#[derive(Clone, Debug)]
pub struct Opinion {
    /// The record.
    pub record: record::Model,
    /// What it said, and what that took.
    pub heard: Heard,
}

/// What would leave the system.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Whether a language model is configured on this server.
    pub configured: bool,
    /// Whether the tenant has allowed its records to be shown to it.
    pub enabled: bool,
    /// The model.
    pub model: String,
    /// The host it is reached at.
    pub host: String,
    /// What would be sent, word by word.
    pub prompts: Vec<Prompt>,
    /// The records that would not be sent: another one like them was answered before.
    pub answered: Vec<RecordId>,
    /// The most it can cost, in millionths.
    pub most_cost_micros: i64,
}

/// Shows what would be sent about these records. Nothing is.
pub async fn preview(ctx: &Ctx, engine: &Engine, ids: &[RecordId]) -> Result<Preview> {
    ctx.require(Permission::ReadAccounts)?;
    let records = find(ctx, ids).await?;
    let enabled = llm::standing(ctx).await?.enabled;
    let state = engine.state(&system(ctx)).await?;
    let (categories, answers) = (state.categories().clone(), state.answers().clone());
    drop(state);
    let refs: Vec<&record::Model> = records.iter().collect();
    let prompts = Plan::of(&refs, &categories, &answers).prompts();
    let known = |record: &&record::Model| answers.find(&subject(record)).is_some();
    let config = ctx.config();
    let read: i64 = prompts
        .iter()
        .map(|it| it.most_tokens() - it.max_tokens)
        .sum();
    let written: i64 = prompts.iter().map(|it| it.max_tokens).sum();
    Ok(Preview {
        configured: engine.asker().is_some(),
        enabled,
        model: config.llm_model.clone(),
        host: host(&config.openai_base_url),
        answered: refs.iter().copied().filter(known).map(|it| it.id).collect(),
        prompts,
        most_cost_micros: config.llm.cost_micros(read, written),
    })
}

/// Asks the language model about these records now. Nothing is decided by it: whoever asked does.
#[tracing::instrument(skip_all, fields(records = ids.len()))]
pub async fn ask(ctx: &Ctx, engine: &Arc<Engine>, ids: &[RecordId]) -> Result<Vec<Opinion>> {
    ctx.require(Permission::DecideApprovals)?;
    let records = find(ctx, ids).await?;
    if engine.asker().is_none() {
        return Err(Error::conflict("no language model is configured here"));
    }
    if !llm::standing(ctx).await?.enabled {
        return Err(Error::conflict(OFF));
    }
    within_rate(ctx).await?;
    let mut tx = ctx.begin().await?;
    tx.record(Event::LanguageModelAsked {
        tenant: ctx.tenant(),
        records: records.len() as u64,
    });
    tx.commit().await?;

    // a task of its own: what was asked is paid for, also when whoever asked has gone
    let (handles, tenant) = (Arc::clone(ctx.handles()), ctx.tenant());
    let engine = Arc::clone(engine);
    let asking = tokio::spawn(async move {
        let system = Ctx::system(Arc::clone(&handles), tenant);
        let state = engine.state(&system).await?;
        let (categories, answers) = (state.categories().clone(), state.answers().clone());
        drop(state);
        system.refresh().await;
        let Some(asker) = engine.asker() else {
            return Err(Error::conflict("no language model is configured here"));
        };
        let budget = Budget::of(&handles, tenant, asker.model());
        let refs: Vec<&record::Model> = records.iter().collect();
        let now = handles.clock.now();
        let heard = asker.ask(&refs, &categories, &answers, &budget, now).await;
        Ok((records, heard))
    });
    let (records, heard) = asking.await.map_err(Error::internal)??;
    let each = records.into_iter().zip(heard);
    Ok(each
        .map(|(record, heard)| Opinion { record, heard })
        .collect())
}

/// Refuses somebody who asked too often.
async fn within_rate(ctx: &Ctx) -> Result<()> {
    let handles = ctx.handles();
    let throttle = handles.kept.of::<Throttle>();
    let key = format!("language-model:{}:{}", ctx.tenant(), ctx.actor());
    let quota = &handles.config.rates.rate_language_model;
    match throttle.attempt(&handles.bus, ctx.now(), &key, quota).await {
        Some(wait) => Err(Error::rate_limited(wait)),
        None => Ok(()),
    }
}

/// The records, in the order asked; each once, and all or none.
async fn find(ctx: &Ctx, ids: &[RecordId]) -> Result<Vec<record::Model>> {
    ctx.require(Permission::ReadRecords)?;
    if ids.is_empty() || ids.len() > RECORDS {
        return Err(Error::invalid(
            "recordIds",
            format!("1 to {RECORDS} are accepted"),
        ));
    }
    let mut found: HashMap<RecordId, record::Model> = records::by_ids(ctx, ids)
        .await?
        .into_iter()
        .map(|record| (record.id, record))
        .collect();
    let mut records = Vec::with_capacity(found.len());
    for (at, id) in ids.iter().enumerate() {
        if !ids[..at].contains(id) {
            records.push(found.remove(id).ok_or(Error::NotFound("record"))?);
        }
    }
    Ok(records)
}

fn system(ctx: &Ctx) -> Ctx {
    Ctx::system(Arc::clone(ctx.handles()), ctx.tenant())
}

/// The host in an address, without what else may stand there.
pub fn host(url: &str) -> String {
    let host = url.parse::<axum::http::Uri>();
    let host = host.ok().and_then(|url| url.host().map(str::to_owned));
    host.unwrap_or_else(|| "unknown".to_owned())
}
