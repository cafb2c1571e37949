//! Driving records again on which the pipeline gave up.

use std::collections::HashSet;

use entity::{RecordId, record};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect};

use super::reach::reached;

use crate::bulk::{Became, ErrorPolicy};
use crate::ctx::{Ctx, Event, Job, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// Records of one transaction, and of one call.
pub const MAX_RETRIED: usize = 1_000;

/// What became of a record that was to be driven again.
#[derive(Debug)]
pub struct Retried {
    /// Which one.
    pub record: RecordId,
    /// Whether it is on its way.
    pub became: Became<()>,
}

/// Sends these failed records through the pipeline again, with an answer for each. One that is not failed, or that the
/// actor does not reach, stays as it is.
#[tracing::instrument(skip_all, fields(records = records.len()))]
pub async fn retry_failed(
    ctx: &Ctx,
    records: &[RecordId],
    policy: ErrorPolicy,
) -> Result<Vec<Retried>> {
    ctx.require(Permission::VoidRecords)?;
    if records.len() > MAX_RETRIED {
        return Err(Error::invalid(
            "recordIds",
            format!("holds more than {MAX_RETRIED} records; retry them in portions, or all"),
        ));
    }
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = ctx.begin().await?;
    let driven: HashSet<RecordId> = drive(&mut tx, records).await?.into_iter().collect();
    let others = records.iter().filter(|record| !driven.contains(record));
    let others: HashSet<RecordId> = seen(&tx, others.copied().collect()).await?;
    let refused = records.iter().any(|record| !driven.contains(record));
    let held_back = refused && policy == ErrorPolicy::RejectAll;
    let stored = !driven.is_empty() && !held_back;
    match stored {
        true => tx.commit().await?,
        false => tx.rollback().await?,
    }
    let answer = |record: &RecordId| {
        let became = match (driven.contains(record), others.contains(record)) {
            (true, _) if stored => Became::Done(()),
            (true, _) => Became::NotDone,
            (false, true) => Became::Refused(Error::conflict("it is not failed")),
            (false, false) => Became::Refused(Error::NotFound("record")),
        };
        Retried {
            record: *record,
            became,
        }
    };
    Ok(records.iter().map(answer).collect())
}

/// Sends every failed record that the actor reaches through the pipeline again; those that were driven. A thousand at a
/// time: when it is cut short, the rest is still failed and can be retried.
#[tracing::instrument(skip_all)]
pub async fn retry_all(ctx: &Ctx) -> Result<Vec<RecordId>> {
    ctx.require(Permission::VoidRecords)?;
    let mut all = Vec::new();
    loop {
        let failed = failed(ctx).await?;
        if failed.is_empty() && all.is_empty() {
            return Ok(all);
        }
        let mut tx = ctx.begin().await?;
        let last = failed.len() < MAX_RETRIED;
        if !last {
            tx.disclaim().await?;
        }
        all.extend(drive(&mut tx, &failed).await?);
        tx.commit().await?;
        if last {
            return Ok(all);
        }
    }
}

/// The first failed records.
async fn failed(ctx: &Ctx) -> Result<Vec<RecordId>> {
    let read = ctx.read().await?;
    let select = reached(
        ctx,
        Permission::VoidRecords,
        read.select::<record::Entity>(),
    );
    Ok(select
        .select_only()
        .column(record::Column::Id)
        .filter(record::Column::Status.eq(record::Status::Failed))
        .order_by_asc(record::Column::Id)
        .limit(MAX_RETRIED as u64)
        .into_tuple()
        .all(read.on())
        .await?)
}

/// Which of these there are, as far as the actor reaches.
async fn seen(tx: &Tx<'_>, records: Vec<RecordId>) -> Result<HashSet<RecordId>> {
    if records.is_empty() {
        return Ok(HashSet::new());
    }
    let all = tx.select::<record::Entity>();
    let seen: Vec<RecordId> = reached(tx.ctx(), Permission::VoidRecords, all)
        .select_only()
        .column(record::Column::Id)
        .filter(record::Column::Id.is_in(records))
        .into_tuple()
        .all(tx.on())
        .await?;
    Ok(seen.into_iter().collect())
}

async fn drive(tx: &mut Tx<'_>, records: &[RecordId]) -> Result<Vec<RecordId>> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let ctx = tx.ctx();
    let reach = ctx.reach(Permission::VoidRecords).condition();
    let driven = tx
        .update::<record::Entity>()
        .filter(reach.unwrap_or_else(Condition::all))
        .col_expr(
            record::Column::Status,
            Expr::value(record::Status::Received),
        )
        .col_expr(record::Column::Error, Expr::value(Option::<String>::None))
        .col_expr(record::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(record::Column::Id.is_in(records.iter().copied()))
        .filter(record::Column::Status.eq(record::Status::Failed))
        .exec_with_returning(tx.on())
        .await?;
    let mut driven: Vec<RecordId> = driven.into_iter().map(|record| record.id).collect();
    driven.sort_unstable();
    for record in &driven {
        tx.record(Event::ProcessingRetried { record: *record });
        tx.enqueue(Job::ProcessRecord { record: *record });
    }
    Ok(driven)
}

/// Lets failed records wait for the pipeline again, whose jobs are on their way already; which of them were failed.
pub async fn receive_again(tx: &mut Tx<'_>, records: &[RecordId]) -> Result<HashSet<RecordId>> {
    if records.is_empty() {
        return Ok(HashSet::new());
    }
    let waiting = tx
        .update::<record::Entity>()
        .col_expr(
            record::Column::Status,
            Expr::value(record::Status::Received),
        )
        .col_expr(record::Column::Error, Expr::value(Option::<String>::None))
        .col_expr(record::Column::UpdatedAt, Expr::value(tx.ctx().now()))
        .filter(record::Column::Id.is_in(records.iter().copied()))
        .filter(record::Column::Status.eq(record::Status::Failed))
        .exec_with_returning(tx.on())
        .await?;
    let waiting: HashSet<RecordId> = waiting.into_iter().map(|record| record.id).collect();
    for record in records.iter().filter(|record| waiting.contains(record)) {
        tx.record(Event::ProcessingRetried { record: *record });
    }
    Ok(waiting)
}
