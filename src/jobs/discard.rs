//! Forgetting a dead job.

use entity::{JobId, job};
use sea_orm::{ColumnTrait, QueryFilter};

use super::find::why_not;
use crate::ctx::{Ctx, Event};
use crate::error::Result;
use crate::permission::Permission;

/// Forgets a dead job; the job as it was. What it was about stays as it is: failed, and with its reason.
#[tracing::instrument(skip_all, fields(job.id = %id))]
pub async fn discard(ctx: &Ctx, id: JobId) -> Result<job::Model> {
    ctx.require(Permission::ManageJobs)?;
    let mut tx = ctx.begin().await?;
    let discarded = tx
        .delete::<job::Entity>()
        .filter(job::Column::Id.eq(id))
        .filter(job::Column::State.eq(job::State::Dead))
        .exec_with_returning(tx.on())
        .await?
        .pop();
    let Some(row) = discarded else {
        return why_not(&tx, id).await;
    };
    tx.record(Event::JobDiscarded {
        job: row.id,
        queue: row.queue.clone(),
    });
    tx.commit().await?;
    Ok(row)
}
