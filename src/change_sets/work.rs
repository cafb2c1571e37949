//! The job that has records follow, forwards or backwards, in steps. Each step is one unit of work of the person who asked:
//! what they may not do any more is refused, and a worker that dies loses the step it was at.

use entity::change_set::{self, Status};
use entity::{ChangeSetId, job};
use sea_orm::{ColumnTrait, QueryFilter};

use super::apply::{keep, locked};
use super::{backwards, forwards};
use crate::ctx::{Actor, Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::identity;
use crate::queue::Claim;

/// Records of one step.
pub(super) const STEP: u64 = 200;

/// Has the records of a change set follow until none is left. Cut off anywhere, it can be run again: what is done is done
/// once.
#[tracing::instrument(skip_all, fields(change_set.id = %id))]
pub async fn work(ctx: &Ctx, claim: &Claim, job: &job::Model, id: ChangeSetId) -> Result<()> {
    loop {
        let who = who(ctx, id).await?;
        let acting = identity::acting(ctx.handles(), ctx.tenant(), who).await?;
        let mut tx = acting.begin().await?;
        tx.hold(claim, job.id).await?;
        let mut set = locked(&tx, id).await?;
        let over = match set.status {
            Status::Queued | Status::Applying => forwards::step(&mut tx, &mut set).await?,
            Status::Undoing => backwards::step(&mut tx, &mut set).await?,
            Status::Applied | Status::Undone | Status::Failed => true,
        };
        keep(&tx, &set).await?;
        if over {
            tx.complete(claim, &[job.id]).await?;
        }
        tx.commit().await?;
        if over {
            return Ok(());
        }
    }
}

/// As whom its records are changed.
async fn who(ctx: &Ctx, id: ChangeSetId) -> Result<Actor> {
    ctx.refresh().await;
    let read = ctx.read().await?;
    let set = read
        .select::<change_set::Entity>()
        .filter(change_set::Column::Id.eq(id))
        .one(read.on())
        .await?
        .ok_or(Error::NotFound("change set"))?;
    // none is held while the step writes
    drop(read);
    ctx.refresh().await;
    Actor::named(&set.acts_as).ok_or_else(|| Error::internal("a change set of nobody"))
}

/// Tells how far it is.
pub(super) fn advanced(tx: &mut Tx<'_>, set: &change_set::Model) {
    tx.record(Event::ChangeSetAdvanced {
        change_set: set.id,
        done_records: set.done_records,
        total_records: set.total_records,
    });
}

/// Buries the job of a change set that cannot be carried out, and says so. What is done stays done, and can be undone.
#[tracing::instrument(skip_all, fields(change_set.id = %id))]
pub async fn give_up(
    ctx: &Ctx,
    claim: &Claim,
    job: &job::Model,
    id: ChangeSetId,
    error: &str,
) -> Result<()> {
    let mut tx = ctx.begin().await?;
    tx.bury(claim, &[job.id], error).await?;
    let mut set = locked(&tx, id).await?;
    if matches!(
        set.status,
        Status::Queued | Status::Applying | Status::Undoing
    ) {
        set.status = Status::Failed;
        set.error = Some(error.to_owned());
        tx.record(Event::ChangeSetFailed { change_set: id });
        keep(&tx, &set).await?;
    }
    tx.commit().await
}
