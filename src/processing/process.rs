//! From RECEIVED to PROCESSED: a claimed batch of one tenant.
//!
//! What is needed is read with three statements, decided with no transaction open, and stored with its events and the
//! completion of the jobs in one. When the batch fails each record is tried alone, so that a poisonous one costs only
//! itself.

use std::collections::{HashMap, HashSet};
use std::slice;
use std::sync::Arc;
use std::time::Instant;

use entity::{CategoryId, JobId, RecordId, job, record};
use sea_orm::{ColumnTrait, QueryFilter};

use super::decide::{self, Look, Tier, View};
use super::engine::{Engine, State};
use super::give_up;
use super::knowledge::Known;
use super::llm::{Answers, Asker, Budget, OFF};
use super::neighbours;
use super::write::{self, Decided};
use crate::automation::{Gate, Passage};
use crate::ctx::{Ctx, Job};
use crate::error::{Error, Result};
use crate::queue::{self, Claim, Failure};
use crate::suggestions::Trusted;
use crate::{links, llm};

/// Records times approvals that are compared within about 5 ms; more is done off the async threads.
const SMALL: u64 = 100_000;
/// What asking the model costs, in approvals that are compared.
const MODEL: u64 = 1_000;

/// Decides the records of claimed jobs. What fails by itself is put back, or given up after its last attempt; an error
/// means that the whole batch should be tried again.
#[tracing::instrument(skip_all, fields(tenant.id = %ctx.tenant(), jobs = jobs.len()))]
pub async fn process(ctx: &Ctx, engine: &Engine, claim: &Claim, jobs: &[job::Model]) -> Result<()> {
    let error = match batch(ctx, engine, claim, jobs).await {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    if error.is_transient() {
        return Err(error);
    }
    let [job] = jobs else {
        tracing::warn!(%error, "A batch could not be stored; its records are tried one by one");
        for job in jobs {
            match batch(ctx, engine, claim, slice::from_ref(job)).await {
                Ok(()) => {}
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => put_back(ctx, claim, job, error).await?,
            }
        }
        return Ok(());
    };
    put_back(ctx, claim, job, error).await
}

/// Gives a failed job its next attempt, or gives it up.
async fn put_back(ctx: &Ctx, claim: &Claim, job: &job::Model, error: Error) -> Result<()> {
    let source = std::error::Error::source(&error).map(ToString::to_string);
    tracing::warn!(
        job.id = %job.id, job.attempt = job.attempt, %error, source,
        "A record could not be processed"
    );
    let failure = Failure::of(&error);
    let db = &ctx.handles().db;
    if !queue::exhausted(job) {
        return queue::fail(db, claim, &[job.id], &failure, ctx.now()).await;
    }
    let given_up = match record_of(job) {
        Ok(record) => give_up(ctx, claim, job, record, &failure.reason).await,
        Err(_) => {
            let tx = ctx.begin().await?;
            tx.bury(claim, &[job.id], &failure.reason).await?;
            tx.commit().await
        }
    };
    match given_up {
        // the claim was lost: whoever has it now decides
        Err(Error::Conflict(_)) => Ok(()),
        Err(error) => Err(error),
        Ok(()) => queue::detail(db, claim, job.id, &failure).await,
    }
}

fn record_of(job: &job::Model) -> Result<RecordId> {
    match Job::read(job)? {
        Job::ProcessRecord { record } => Ok(record),
        other => Err(Error::internal(format!("{other:?} is not about a record"))),
    }
}

async fn batch(ctx: &Ctx, engine: &Engine, claim: &Claim, jobs: &[job::Model]) -> Result<()> {
    let ids: Vec<RecordId> = jobs.iter().map(record_of).collect::<Result<_>>()?;
    let state = engine.state(ctx).await?;
    let read = ctx.read().await?;
    // one that is not RECEIVED any more was decided by an earlier attempt: its job is simply done
    let records = read
        .select::<record::Entity>()
        .filter(record::Column::Id.is_in(ids))
        .filter(record::Column::Status.eq(record::Status::Received))
        .all(read.on())
        .await?;
    drop(read);
    ctx.refresh().await;

    let gate = state.earned().gate();
    let trusted = Arc::clone(state.trusted());
    let categories = state.categories().clone();
    let answers = state.answers().clone();
    let mut looked = look_at_all(state, records).await?;
    if ctx.handles().vectors.asker().is_some() {
        let unsure: Vec<usize> = (0..looked.len())
            .filter(|at| !looked[*at].look.is_sure())
            .collect();
        let records: Vec<&record::Model> = unsure.iter().map(|at| &looked[*at].record).collect();
        let views = neighbours::consult(ctx, &records, &categories).await?;
        for (at, view) in unsure.into_iter().zip(views) {
            if let Some(view) = view {
                looked[at].look.hear(view);
            }
        }
    }
    let model = engine.asker().map(Asker::model);
    let mut ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
    if let Some(asker) = engine.asker()
        && looked.iter().any(|it| !it.look.is_sure())
    {
        let allowed = llm::standing(ctx).await?.enabled;
        ctx.refresh().await;
        let (sure, mut unsure): (Vec<_>, Vec<_>) =
            looked.into_iter().partition(|it| it.look.is_sure());
        if allowed && !sure.is_empty() {
            // who is sure does not wait for a model that is far away
            let waiting: HashSet<RecordId> = unsure.iter().map(|it| it.record.id).collect();
            let done = jobs.iter().filter(|job| {
                let record = record_of(job);
                record.is_ok_and(|record| !waiting.contains(&record))
            });
            let done: Vec<JobId> = done.map(|job| job.id).collect();
            ids.retain(|id| !done.contains(id));
            store(ctx, claim, &done, sure, (&gate, &trusted), model).await?;
            looked = ask(ctx, asker, unsure, &categories, &answers).await;
        } else if allowed {
            looked = ask(ctx, asker, unsure, &categories, &answers).await;
        } else {
            for looked in &mut unsure {
                looked.look.hear(View::silent(Tier::Llm, OFF));
            }
            looked = sure.into_iter().chain(unsure).collect();
        }
    }
    store(ctx, claim, &ids, looked, (&gate, &trusted), model).await?;
    engine.keep(ctx).await;
    Ok(())
}

async fn store(
    ctx: &Ctx,
    claim: &Claim,
    jobs: &[JobId],
    looked: Vec<Looked>,
    earned: (&Gate, &Trusted),
    model: Option<&str>,
) -> Result<()> {
    let decided = looked.into_iter().map(|looked| looked.settle(earned));
    let decided: Vec<Decided> = decided.collect();
    let found = links::find_pairs(ctx, decided.iter().map(|it| &it.record)).await?;
    write::store(ctx, claim, jobs, (decided, found), model).await
}

/// Hears the language model about each of these.
async fn ask(
    ctx: &Ctx,
    asker: &Asker,
    mut looked: Vec<Looked>,
    categories: &HashMap<CategoryId, Known>,
    answers: &Answers,
) -> Vec<Looked> {
    let budget = Budget::of(ctx.handles(), ctx.tenant(), asker.model());
    let records: Vec<&record::Model> = looked.iter().map(|it| &it.record).collect();
    let heard = asker
        .ask(&records, categories, answers, &budget, ctx.now())
        .await;
    for (looked, heard) in looked.iter_mut().zip(heard) {
        looked.cost_micros += heard.cost_micros;
        looked.latency_us += heard.latency_us;
        looked.look.hear(heard.told());
    }
    looked
}

struct Looked {
    record: record::Model,
    look: Look,
    latency_us: i64,
    cost_micros: i64,
}

impl Looked {
    fn settle(self, (gate, trusted): (&Gate, &Trusted)) -> Decided {
        let decision = self.look.settle();
        let record = &self.record;
        let filed = decision.rule.zip(decision.category);
        let by_itself = filed.and_then(|(rule, filed)| {
            trusted.vouches(rule, filed, &record.merchant_key, record.account_id)
        });
        let passage = gate.passage(decision.source, decision.confidence, by_itself, record);
        Decided {
            passage: match decision.flag {
                // a rule wants a person to look, whatever is earned
                Some(_) => Passage::default(),
                None => passage,
            },
            record: self.record,
            decision,
            latency_us: self.latency_us,
            cost_micros: self.cost_micros,
            instead_of: None,
        }
    }
}

/// Asks the tiers in this process about every record, off the async threads when that takes long.
async fn look_at_all(state: State, records: Vec<record::Model>) -> Result<Vec<Looked>> {
    let work = records.len() as u64 * (state.memory().approvals() + MODEL);
    let look = move || -> Vec<Looked> {
        records
            .into_iter()
            .map(|record| {
                let started = Instant::now();
                let look = decide::look(&record, &state);
                let latency_us = i64::try_from(started.elapsed().as_micros()).unwrap_or(i64::MAX);
                Looked {
                    record,
                    look,
                    latency_us,
                    cost_micros: 0,
                }
            })
            .collect()
    };
    if work <= SMALL {
        return Ok(look());
    }
    tokio::task::spawn_blocking(look)
        .await
        .map_err(Error::internal)
}
