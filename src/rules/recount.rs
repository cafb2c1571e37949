//! Counting what became of the records that rules met anew: after an older version of balance worked on the same books.

use entity::{RecordId, record, rule_hit};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::ctx::{Ctx, Tx};
use crate::error::Result;

/// Records of one transaction.
const STEP: u64 = 1_000;

/// Makes the statistics of a tenant's rules what a count from scratch would say; of how many records the hits were looked
/// at. It can be interrupted and begun again: what is right already stays as it is.
pub async fn recount(ctx: &Ctx) -> Result<u64> {
    let (mut looked_at, mut after) = (0, None);
    loop {
        let mut tx = ctx.begin().await?;
        let next = next(&tx, after).await?;
        let Some(last) = next.last() else {
            return Ok(looked_at);
        };
        after = Some(*last);
        // whoever judges one of them meanwhile waits, or is waited for
        tx.select::<record::Entity>()
            .select_only()
            .column(record::Column::Id)
            .filter(record::Column::Id.is_in(next.iter().copied()))
            .order_by_asc(record::Column::Id)
            .lock_exclusive()
            .into_tuple::<RecordId>()
            .all(tx.on())
            .await?;
        looked_at += next.len() as u64;
        tx.recount(next);
        tx.commit().await?;
    }
}

/// The next records that met a rule.
async fn next(tx: &Tx<'_>, after: Option<RecordId>) -> Result<Vec<RecordId>> {
    let mut met = tx
        .select::<rule_hit::Entity>()
        .select_only()
        .column(rule_hit::Column::RecordId)
        .distinct()
        .order_by_asc(rule_hit::Column::RecordId)
        .limit(STEP);
    if let Some(after) = after {
        met = met.filter(rule_hit::Column::RecordId.gt(after));
    }
    Ok(met.into_tuple().all(tx.on()).await?)
}
