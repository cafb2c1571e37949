//! Proposing anew for what waits, in the light of what was approved since.
//!
//! A record is decided about when it comes in, and its proposal may wait for days: whoever reviews is fifty or five
//! hundred records behind. What they approve meanwhile says more about what still waits, and they should see that and not
//! what was known then. So approvals have what waits looked at again, and a better proposal takes the place of the one
//! that waited, in an approval of its own: who approves what they saw before is told that it changed.
//!
//! Only what learns from approvals is asked: rules act on what waits where somebody wants them to, and nothing outside is
//! asked twice. Nothing passes by itself here: what came to wait for a person goes on waiting for one.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use entity::approval::{self, Column as A, Status};
use entity::decision::{self, Source};
use entity::{ApprovalId, CategoryId, DecisionId, JobId, RecordId, record};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select};

use super::decide::{self, Decision, Tier, Verdict, View};
use super::engine::Engine;
use super::knowledge::Knowledge;
use super::learned;
use super::write::{self, Decided};
use crate::automation::Passage;
use crate::ctx::{Ctx, Job, Read};
use crate::error::{Error, Result};
use crate::queue::Claim;
use crate::tag;
use crate::text::fold;

/// How many are looked at that a reviewer sees next.
const NEXT: u64 = 200;
/// How many others are looked at, of the merchants that were approved.
const ALIKE: u64 = 500;
/// How many times as probable another category has to be.
const OUTDONE: f32 = 2.0;
/// Approved records, and merchants of these, that one look is about at most.
const ABOUT: usize = 5_000;
const MERCHANTS: usize = 1_000;

/// Carries out claimed jobs: looks once at what waits, for all of their records together.
#[tracing::instrument(skip_all, fields(tenant.id = %ctx.tenant(), jobs = claim.jobs.len()))]
pub async fn reconsider(ctx: &Ctx, engine: &Engine, claim: &Claim) -> Result<()> {
    let mut taught: Vec<RecordId> = Vec::new();
    for job in &claim.jobs {
        match Job::read(job)? {
            Job::ReconsiderProposals { records } => taught.extend(records),
            other => return Err(Error::internal(format!("{other:?} reconsiders nothing"))),
        }
    }
    taught.truncate(ABOUT);
    let waiting = waiting(ctx, &taught).await?;
    let state = engine.state(ctx).await?;
    ctx.refresh().await;
    // hundreds of records are some ten milliseconds of work
    let looking = tokio::task::spawn_blocking(move || {
        let better = |(record, waits)| better(record, waits, &state);
        waiting.into_iter().filter_map(better).collect()
    });
    let mut better: Vec<Decided> = looking.await.map_err(Error::internal)?;
    keep_the_rest(ctx, &mut better).await?;
    let jobs: Vec<JobId> = claim.jobs.iter().map(|job| job.id).collect();
    write::store_again(ctx, claim, &jobs, better).await
}

/// What should take the place of the proposal that waits, if anything should.
fn better(record: record::Model, waits: approval::Model, known: &Knowledge) -> Option<Decided> {
    let started = Instant::now();
    let decision = decide::look_at_approvals(&record, known).settle();
    let is_outdone = || is_outdone(&record, waits.proposed_category_id, known);
    is_better(&decision, &waits, is_outdone).then(|| Decided {
        record,
        decision,
        passage: Passage::default(),
        latency_us: i64::try_from(started.elapsed().as_micros()).unwrap_or(i64::MAX),
        cost_micros: 0,
        instead_of: Some(waits),
    })
}

/// Whether a proposal should take the place of one that waits: one that was learnt is replaced by another category that
/// outdoes it, and when it is believed half as much by now; one from outside, or none, by whatever is surer. Less would make
/// the queue restless.
fn is_better(now: &Decision, waits: &approval::Model, is_outdone: impl FnOnce() -> bool) -> bool {
    let other = now.category.is_some() && now.category != waits.proposed_category_id;
    match waits.source {
        Source::Exact | Source::Model if other => is_outdone(),
        Source::Exact | Source::Model => now.confidence * f64::from(OUTDONE) <= waits.confidence,
        _ => other && now.confidence > waits.confidence,
    }
}

/// Whether the best category by now is [`OUTDONE`] times as probable as this one.
fn is_outdone(record: &record::Model, category: Option<CategoryId>, known: &Knowledge) -> bool {
    let text = fold(&record.description);
    let (merchant, account) = (&record.merchant_key, record.account_id);
    let facts = learned::facts(&text, merchant, account, record.amount);
    let place = category.and_then(|category| known.model().place(&facts, known.chart(), category));
    // one that may not be proposed any more has no place
    place.is_none_or(|place| place.best_probability >= OUTDONE * place.probability)
}

/// Keeps what was not asked again as it was said when the record came in: what rules set, and what those saw who were
/// asked then.
async fn keep_the_rest(ctx: &Ctx, better: &mut [Decided]) -> Result<()> {
    let replaced = better.iter().filter_map(|it| it.instead_of.as_ref());
    let ids: Vec<DecisionId> = replaced.map(|row| row.decision_id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let read = ctx.read().await?;
    let before: Vec<(DecisionId, String, Option<String>)> = read
        .select::<decision::Entity>()
        .select_only()
        .columns([
            decision::Column::Id,
            decision::Column::Considered,
            decision::Column::Tags,
        ])
        .filter(decision::Column::Id.is_in(ids))
        .into_tuple()
        .all(read.on())
        .await?;
    let mut before: HashMap<DecisionId, (String, Option<String>)> = before
        .into_iter()
        .map(|(id, considered, tags)| (id, (considered, tags)))
        .collect();
    for Decided {
        record,
        decision,
        instead_of,
        ..
    } in better
    {
        let Some(waits) = instead_of else { continue };
        decision.project.clone_from(&record.project);
        decision.note.clone_from(&record.note);
        decision.flag.clone_from(&waits.flag);
        if let Some((considered, tags)) = before.remove(&waits.decision_id) {
            decision.tags = tag::read(tags.as_deref());
            let now = std::mem::take(&mut decision.considered);
            decision.considered = joined(serde_json::from_str(&considered)?, now);
        }
    }
    Ok(())
}

/// What was said then by those who were not asked again, and what is said now, in the order of the tiers.
fn joined(then: Vec<View>, now: Vec<View>) -> Vec<View> {
    let (mut rules, mut outside) = (Vec::new(), Vec::new());
    for mut view in then {
        if view.verdict == Verdict::Decided {
            view.verdict = Verdict::Considered;
        }
        match view.tier {
            Tier::Exact | Tier::Model => {}
            Tier::Rule if view.verdict != Verdict::Shadow => rules.push(view),
            _ => outside.push(view),
        }
    }
    rules.into_iter().chain(now).chain(outside).collect()
}

/// The records to look at again, each with the approval in which it waits, in a fixed number of statements.
async fn waiting(ctx: &Ctx, taught: &[RecordId]) -> Result<Vec<(record::Model, approval::Model)>> {
    let read = ctx.read().await?;
    let decided: Option<ApprovalId> = read
        .select::<approval::Entity>()
        .select_only()
        .column(A::Id)
        .filter(A::RecordId.is_in(taught.iter().copied()))
        .filter(A::DecidedAt.is_not_null())
        .order_by_desc(A::Id)
        .limit(1)
        .into_tuple()
        .one(read.on())
        .await?;
    let mut rows = Vec::new();
    if let Some(decided) = decided {
        let next = open(&read).filter(A::Id.gt(decided)).order_by_asc(A::Id);
        rows = next.limit(NEXT).all(read.on()).await?;
    }
    let room = NEXT.saturating_sub(rows.len() as u64);
    let oldest = open(&read).order_by_asc(A::Id).limit(room);
    rows.extend(oldest.all(read.on()).await?);
    let merchants = merchants(&read, taught).await?;
    let alike = read
        .select::<record::Entity>()
        .select_only()
        .column(record::Column::Id)
        .filter(record::Column::MerchantKey.is_in(merchants))
        .filter(record::Column::Status.eq(record::Status::Processed))
        // in the order of the index, or SQLite reads everything that waits
        .order_by_asc(record::Column::MerchantKey)
        .order_by_asc(record::Column::Id)
        .limit(ALIKE)
        .into_query();
    let alike = open(&read).filter(A::RecordId.in_subquery(alike));
    rows.extend(alike.all(read.on()).await?);
    let mut waiting: HashMap<RecordId, approval::Model> =
        rows.into_iter().map(|row| (row.record_id, row)).collect();
    let records = read
        .select::<record::Entity>()
        .filter(record::Column::Id.is_in(waiting.keys().copied()))
        .filter(record::Column::Status.eq(record::Status::Processed))
        .order_by_asc(record::Column::Id)
        .all(read.on())
        .await?;
    let with_approval = |record: record::Model| {
        let waits = waiting.remove(&record.id)?;
        Some((record, waits))
    };
    Ok(records.into_iter().filter_map(with_approval).collect())
}

/// What waits and neither a person nor a rule of theirs has had a say in, leaving out what is evidence of how well the
/// pipeline does by itself.
fn open(read: &Read) -> Select<approval::Entity> {
    read.select::<approval::Entity>()
        .filter(A::Status.eq(Status::Pending))
        .filter(A::ProposedBy.is_null())
        .filter(A::ReopenedFrom.is_null())
        .filter(A::Source.ne(Source::Rule))
        .filter(A::Passes.eq(false))
        .filter(A::Audit.eq(false))
}

async fn merchants(read: &Read, taught: &[RecordId]) -> Result<BTreeSet<String>> {
    let keys: Vec<String> = read
        .select::<record::Entity>()
        .select_only()
        .column(record::Column::MerchantKey)
        .distinct()
        .filter(record::Column::Id.is_in(taught.iter().copied()))
        .order_by_asc(record::Column::MerchantKey)
        .limit(MERCHANTS as u64)
        .into_tuple()
        .all(read.on())
        .await?;
    Ok(keys.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_asked_again_is_kept_and_decides_no_longer() {
        let category = CategoryId(uuid::Uuid::from_u128(7));
        let said = |tier, verdict| View {
            verdict,
            ..View::proposal(tier, category, 0.5, "then")
        };
        let then = vec![
            said(Tier::Rule, Verdict::Considered),
            said(Tier::Exact, Verdict::Considered),
            said(Tier::Model, Verdict::Considered),
            said(Tier::Llm, Verdict::Decided),
            said(Tier::Rule, Verdict::Shadow),
        ];
        let now = vec![View::proposal(Tier::Model, category, 0.9, "now")];
        let told: Vec<_> = joined(then, now)
            .into_iter()
            .map(|view| (view.tier, view.verdict, view.reason))
            .collect();
        let told: Vec<_> = told.iter().map(|it| (it.0, it.1, it.2.as_str())).collect();
        assert_eq!(
            told,
            [
                (Tier::Rule, Verdict::Considered, "then"),
                (Tier::Model, Verdict::Considered, "now"),
                (Tier::Llm, Verdict::Considered, "then"),
                (Tier::Rule, Verdict::Shadow, "then"),
            ]
        );
    }
}
