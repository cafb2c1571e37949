//! With everything that is known now: records in the order of their dates, and a replay that was cut goes on where it
//! stopped.

use entity::record;
use sea_orm::sea_query::{Expr, ExprTrait, SimpleExpr};
use sea_orm::{QueryFilter, QueryOrder, QuerySelect};

use super::hypothesis::Hypothesis;
use super::run::Bench;
use super::store::Store;
use super::stored;
use crate::ctx::{Ctx, Read};
use crate::error::{Error, Result};
use crate::page;

/// Records of one step.
const STEP: u64 = 1_000;

/// The columns that deciding looks at.
pub(super) const LOOKED_AT: [record::Column; 11] = [
    record::Column::TenantId,
    record::Column::Id,
    record::Column::AccountId,
    record::Column::OccurredOn,
    record::Column::Amount,
    record::Column::Currency,
    record::Column::Description,
    record::Column::MerchantKey,
    record::Column::Status,
    record::Column::CategoryId,
    record::Column::Automatic,
];

/// Decides about every record again. False when it was cancelled meanwhile.
pub(super) async fn replay(
    ctx: &Ctx,
    store: &Store<'_>,
    hypothesis: &Hypothesis,
    bench: Bench,
) -> Result<(Bench, bool)> {
    let mut bench = bench;
    loop {
        let read = ctx.read().await?;
        let records = portion(&read, hypothesis, &bench).await?;
        let full = records.len() as u64 == STEP;
        let known = match bench.is_stored() {
            true => {
                let ids: Vec<_> = records.iter().map(|record| record.id).collect();
                stored::latest(&read, &ids).await?
            }
            false => Default::default(),
        };
        drop(read);
        ctx.refresh().await;
        if records.is_empty() {
            return Ok((bench, true));
        }
        let mut known = known;
        let judging = tokio::task::spawn_blocking(move || {
            let mut changes = Vec::new();
            for record in records {
                bench.tally.reached = Some((record.occurred_on, record.id));
                let stored = known.remove(&record.id);
                let judged = bench.judge_knowing_all(record, stored);
                changes.extend(bench.count(judged));
            }
            (bench, changes)
        });
        let (back, changes) = judging.await.map_err(Error::internal)?;
        bench = back;
        if !store.step(changes, &mut bench.tally).await? {
            return Ok((bench, false));
        }
        if !full {
            return Ok((bench, true));
        }
    }
}

async fn portion(
    read: &Read,
    hypothesis: &Hypothesis,
    bench: &Bench,
) -> Result<Vec<record::Model>> {
    let mut select = hypothesis
        .among(read.select::<record::Entity>())
        .order_by_asc(record::Column::OccurredOn)
        .order_by_asc(record::Column::Id)
        .limit(STEP);
    if let Some((day, id)) = bench.tally.reached {
        let keys = SimpleExpr::Tuple(vec![
            Expr::col((record::Entity, record::Column::OccurredOn)),
            Expr::col((record::Entity, record::Column::Id)),
        ]);
        let values = SimpleExpr::Tuple(vec![Expr::value(day), Expr::value(id)]);
        select = select.filter(keys.gt(values));
    }
    page::read_columns(select, &LOOKED_AT, read.on()).await
}
