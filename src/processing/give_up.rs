//! Admitting that a record cannot be decided: people see it as FAILED, with the reason, and can drive it again.

use entity::{RecordId, job, record};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter};

use crate::ctx::{Ctx, Event};
use crate::error::Result;
use crate::queue::Claim;

/// Buries the job and marks the record FAILED, in one unit of work. A record that was decided meanwhile stays so.
#[tracing::instrument(skip_all, fields(record.id = %record))]
pub async fn give_up(
    ctx: &Ctx,
    claim: &Claim,
    job: &job::Model,
    record: RecordId,
    error: &str,
) -> Result<()> {
    let mut tx = ctx.begin().await?;
    tx.bury(claim, &[job.id], error).await?;
    let failed = tx
        .update::<record::Entity>()
        .col_expr(record::Column::Status, Expr::value(record::Status::Failed))
        .col_expr(record::Column::Error, Expr::value(error))
        .col_expr(record::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(record::Column::Id.eq(record))
        .filter(record::Column::Status.eq(record::Status::Received))
        .exec(tx.on())
        .await?;
    if failed.rows_affected > 0 {
        tx.record(Event::ProcessingFailed { record });
    }
    tx.commit().await
}

/// Buries a job that looks at what approvals say. Nothing is lost: the next approval looks again.
pub async fn give_up_looking(
    ctx: &Ctx,
    claim: &Claim,
    job: &job::Model,
    error: &str,
) -> Result<()> {
    let tx = ctx.begin().await?;
    tx.bury(claim, &[job.id], error).await?;
    tx.commit().await
}
