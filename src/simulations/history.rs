//! With what was known at the time: decisions and approvals in the order of the log, each approval learnt where it was
//! made. A fold that was cut is folded again from the start.

use std::collections::{HashMap, HashSet};

use entity::{RecordId, record};
use sea_orm::{ColumnTrait, QueryFilter};

use super::hypothesis::Hypothesis;
use super::judge::Proposal;
use super::now::LOOKED_AT;
use super::run::Bench;
use super::store::Store;
use super::stored;
use crate::ctx::{Ctx, Read};
use crate::error::{Error, Result};
use crate::page;
use crate::processing::replay::{History, Step};

/// Decides about every record again, each at its time. False when it was cancelled meanwhile.
pub(super) async fn replay(
    ctx: &Ctx,
    store: &Store<'_>,
    hypothesis: &Hypothesis,
    bench: Bench,
) -> Result<(Bench, bool)> {
    let mut bench = bench;
    let mut history = History::until(bench.head());
    let mut seen: HashSet<RecordId> = HashSet::new();
    loop {
        let read = ctx.read().await?;
        let Some(steps) = history.next(&read).await? else {
            return Ok((bench, true));
        };
        let (mut records, mut known) = portion(&read, hypothesis, &steps, &seen, &bench).await?;
        drop(read);
        ctx.refresh().await;
        seen.extend(records.keys().copied());
        let news = !records.is_empty();
        let judging = tokio::task::spawn_blocking(move || {
            let mut changes = Vec::new();
            for step in steps {
                match step {
                    // the first time that the pipeline came to it
                    Step::Decided(id) => {
                        if let Some(record) = records.remove(&id) {
                            let judged = bench.judge(record, known.remove(&id));
                            changes.extend(bench.count(judged));
                        }
                    }
                    Step::Taught(id, taught) => bench.hear(id, &taught),
                }
            }
            (bench, changes)
        });
        let (back, changes) = judging.await.map_err(Error::internal)?;
        bench = back;
        if news && !store.step(changes, &mut bench.tally).await? {
            return Ok((bench, false));
        }
    }
}

/// The records these steps decide for the first time, and what was proposed about them, where that is asked for.
async fn portion(
    read: &Read,
    hypothesis: &Hypothesis,
    steps: &[Step],
    seen: &HashSet<RecordId>,
    bench: &Bench,
) -> Result<(
    HashMap<RecordId, record::Model>,
    HashMap<RecordId, Proposal>,
)> {
    let decided = |step: &Step| match step {
        Step::Decided(id) => Some(*id).filter(|id| !seen.contains(id)),
        Step::Taught(..) => None,
    };
    let ids: HashSet<RecordId> = steps.iter().filter_map(decided).collect();
    if ids.is_empty() {
        return Ok(Default::default());
    }
    let select = hypothesis
        .among(read.select::<record::Entity>())
        .filter(record::Column::Id.is_in(ids));
    let records: Vec<record::Model> = page::read_columns(select, &LOOKED_AT, read.on()).await?;
    let ids: Vec<RecordId> = records.iter().map(|record| record.id).collect();
    let known = match bench.is_stored() && !ids.is_empty() {
        true => stored::first(read, &ids).await?,
        false => HashMap::new(),
    };
    let records = records.into_iter().map(|record| (record.id, record));
    Ok((records.collect(), known))
}
