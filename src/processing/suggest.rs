//! What approvals say about rules: the keys they were about, as the knowledge of the tenant has them, for
//! [`suggestions`](crate::suggestions) to note.

use std::collections::BTreeSet;

use entity::{AccountId, JobId, RecordId, record};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::engine::Engine;
use super::knowledge::Knowledge;
use crate::ctx::{Ctx, Job};
use crate::error::{Error, Result};
use crate::queue::Claim;
use crate::rules::matching::Facts;
use crate::suggestions::{self, Key, Seen};

/// Carries out claimed jobs: looks at the keys of all their records together.
#[tracing::instrument(skip_all, fields(tenant.id = %ctx.tenant(), jobs = claim.jobs.len()))]
pub async fn suggest_rules(ctx: &Ctx, engine: &Engine, claim: &Claim) -> Result<()> {
    let mut approved: Vec<RecordId> = Vec::new();
    for job in &claim.jobs {
        match Job::read(job)? {
            Job::SuggestRules { records } => approved.extend(records),
            other => return Err(Error::internal(format!("{other:?} suggests no rules"))),
        }
    }
    let keys = keys(ctx, &approved).await?;
    let state = engine.state(ctx).await?;
    let seen: Vec<Seen> = keys.into_iter().map(|key| seen(ctx, &state, key)).collect();
    let (sequence, classes) = (state.cursor(), state.habits().classes().tallies());
    drop(state);
    let jobs: Vec<JobId> = claim.jobs.iter().map(|job| job.id).collect();
    suggestions::note(ctx, claim, &jobs, &seen, sequence, &classes).await
}

async fn keys(ctx: &Ctx, records: &[RecordId]) -> Result<BTreeSet<Key>> {
    let read = ctx.read().await?;
    let mut keys = BTreeSet::new();
    for ids in records.chunks(1_000) {
        let rows: Vec<(String, Option<AccountId>)> = read
            .select::<record::Entity>()
            .select_only()
            .columns([record::Column::MerchantKey, record::Column::AccountId])
            .filter(record::Column::Id.is_in(ids.iter().copied()))
            .into_tuple()
            .all(read.on())
            .await?;
        for (merchant, account) in rows {
            keys.extend(Key::all(&merchant, account));
        }
    }
    Ok(keys)
}

fn seen(ctx: &Ctx, known: &Knowledge, key: Key) -> Seen {
    let habits = known.habits();
    let habit = habits.get(&key).cloned();
    let ready = habit.as_ref().is_some_and(|habit| {
        habits.is_ready(&key)
            && known.open_category(habit.category).is_some()
            && !is_said(ctx, known, &key, habit.category.0)
    });
    Seen { key, habit, ready }
}

/// Whether a rule files this merchant under the category already. One that goes by merchants alone does not say it for an
/// account: on an account a habit holds on when the merchant is filed elsewhere on another.
fn is_said(ctx: &Ctx, known: &Knowledge, key: &Key, category: uuid::Uuid) -> bool {
    let account = key.account.map(|id| id.0).unwrap_or_default();
    let facts = Facts::new(
        &key.merchant,
        &key.merchant,
        -100_000,
        "EUR",
        account,
        ctx.today(),
    );
    let Some(said) = known.rules().set.evaluate(&facts, false).category else {
        return false;
    };
    let wider = key.account.is_some() && known.trusted().goes_by_merchants(said.by.into());
    said.value == category && !wider
}
