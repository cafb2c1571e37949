//! Driving records again on which the pipeline gave up.

use entity::{RecordId, record};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect};

use super::reach::reached;

use crate::ctx::{Ctx, Event, Job};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// Records of one transaction.
const STEP: usize = 1_000;

/// Which failed records.
#[derive(Clone, Debug)]
pub enum Retry {
    /// These.
    Records(Vec<RecordId>),
    /// Every one.
    All,
}

/// Sends failed records through the pipeline again; those that were driven. Records that are not failed, or that the
/// actor does not reach, stay as they are. A thousand at a time: when it is cut short, the rest is still failed and can be retried.
pub async fn retry_failed(ctx: &Ctx, retry: Retry) -> Result<Vec<RecordId>> {
    ctx.require(Permission::VoidRecords)?;
    let mut driven = Vec::new();
    match retry {
        Retry::Records(records) if records.len() > STEP => {
            return Err(Error::invalid(
                "recordIds",
                format!("holds more than {STEP} records; retry them in portions, or all"),
            ));
        }
        Retry::Records(records) => driven = drive(ctx, records).await?,
        Retry::All => loop {
            let step = drive(ctx, failed(ctx).await?).await?;
            if step.is_empty() {
                break;
            }
            driven.extend(step);
        },
    }
    Ok(driven)
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
        .limit(STEP as u64)
        .into_tuple()
        .all(read.on())
        .await?)
}

async fn drive(ctx: &Ctx, records: Vec<RecordId>) -> Result<Vec<RecordId>> {
    if records.is_empty() {
        return Ok(records);
    }
    let mut tx = ctx.begin().await?;
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
        .filter(record::Column::Id.is_in(records))
        .filter(record::Column::Status.eq(record::Status::Failed))
        .exec_with_returning(tx.on())
        .await?;
    let mut driven: Vec<RecordId> = driven.into_iter().map(|record| record.id).collect();
    driven.sort_unstable();
    for record in &driven {
        tx.record(Event::ProcessingRetried { record: *record });
        tx.enqueue(Job::ProcessRecord { record: *record });
    }
    tx.commit().await?;
    Ok(driven)
}
