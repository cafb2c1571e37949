//! Writing down a simulation while it runs: step by step, each in one transaction with the event that tells of it, and
//! nothing but the simulation's own rows.

use entity::simulated_change::Effect;
use entity::simulation::{Column as C, Status};
use entity::{SimulationId, job, simulated_change, simulation};
use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{ColumnTrait, QueryFilter, UpdateMany};

use super::KEPT_CHANGES;
use super::judge::Judged;
use super::stand::Stand;
use super::tally::Tally;
use crate::ctx::{Ctx, Event, Tx};
use crate::error::Result;
use crate::queue::Claim;

/// The states of a simulation that is not over.
pub(super) const OPEN: [Status; 2] = [Status::Queued, Status::Running];

/// A simulation on a worker.
pub(super) struct Store<'w> {
    pub ctx: &'w Ctx,
    pub claim: &'w Claim,
    pub job: &'w job::Model,
    pub id: SimulationId,
    pub total: i32,
}

impl Store<'_> {
    /// Says that it runs. What an earlier attempt kept is removed, unless this one goes on from there. False when it was
    /// cancelled.
    pub async fn begin(
        &self,
        (as_of, stand): (i64, &Stand),
        tally: &Tally,
        goes_on: bool,
    ) -> Result<bool> {
        let mut tx = self.ctx.begin().await?;
        tx.hold(self.claim, self.job.id).await?;
        if !goes_on {
            tx.delete::<simulated_change::Entity>()
                .filter(simulated_change::Column::SimulationId.eq(self.id))
                .exec(tx.on())
                .await?;
        }
        let begun = self
            .marked(&tx, tally)?
            .col_expr(C::Status, Expr::value(Status::Running))
            .col_expr(C::TotalRecords, Expr::value(self.total))
            .col_expr(C::AsOf, Expr::value(as_of))
            .col_expr(C::Stand, Expr::value(serde_json::to_string(stand)?));
        if !self.advance(&mut tx, begun, tally).await? {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Keeps what changed about some records, and how far it is. False when it was cancelled.
    pub async fn step(&self, changes: Vec<(Effect, Judged)>, tally: &mut Tally) -> Result<bool> {
        let mut tx = self.ctx.begin().await?;
        tx.hold(self.claim, self.job.id).await?;
        let rows = self.rows(changes, tally);
        let marked = self.marked(&tx, tally)?;
        if !self.advance(&mut tx, marked, tally).await? {
            return Ok(false);
        }
        tx.insert_all(rows).await?;
        tx.commit().await?;
        let total = self.total.unsigned_abs();
        self.ctx.tell_progress(
            self.job.id,
            tally.after.records.unsigned_abs(),
            total.into(),
        );
        Ok(true)
    }

    /// Says that it is ready, and is done with the job.
    pub async fn finish(&self, tally: &Tally) -> Result<()> {
        let mut tx = self.ctx.begin().await?;
        tx.complete(self.claim, &[self.job.id]).await?;
        let finished = self
            .marked(&tx, tally)?
            .col_expr(C::Status, Expr::value(Status::Ready))
            .col_expr(C::FinishedAt, Expr::value(self.ctx.now()))
            .exec(tx.on())
            .await?;
        if finished.rows_affected == 1 {
            tx.record(Event::SimulationReady {
                simulation: self.id,
                changed_records: tally.changed(),
                total_records: self.total,
            });
        }
        tx.commit().await
    }

    /// Says that it cannot be made, and is done with the job.
    pub async fn fail(&self, reason: &str) -> Result<()> {
        let mut tx = self.ctx.begin().await?;
        tx.complete(self.claim, &[self.job.id]).await?;
        failed(&mut tx, self.id, reason).await?;
        tx.commit().await
    }

    /// Is done with the job of a simulation that is over.
    pub async fn leave(&self) -> Result<()> {
        let tx = self.ctx.begin().await?;
        tx.complete(self.claim, &[self.job.id]).await?;
        tx.commit().await
    }

    /// An update of the open simulation with what was counted.
    fn marked(&self, tx: &Tx<'_>, tally: &Tally) -> Result<UpdateMany<simulation::Entity>> {
        let done = i32::try_from(tally.after.records).unwrap_or(i32::MAX);
        Ok(tx
            .update::<simulation::Entity>()
            .col_expr(C::DoneRecords, Expr::value(done))
            .col_expr(C::ChangedRecords, Expr::value(tally.changed()))
            .col_expr(C::Tally, Expr::value(serde_json::to_string(tally)?))
            .filter(C::Id.eq(self.id))
            .filter(is_open()))
    }

    /// Carries the update out and tells of it. False when the simulation is over.
    async fn advance(
        &self,
        tx: &mut Tx<'_>,
        update: UpdateMany<simulation::Entity>,
        tally: &Tally,
    ) -> Result<bool> {
        if update.exec(tx.on()).await?.rows_affected == 0 {
            return Ok(false);
        }
        tx.record(Event::SimulationAdvanced {
            simulation: self.id,
            done_records: i32::try_from(tally.after.records).unwrap_or(i32::MAX),
            changed_records: tally.changed(),
            total_records: self.total,
        });
        Ok(true)
    }

    /// The rows of what changed, as many as are kept.
    fn rows(
        &self,
        changes: Vec<(Effect, Judged)>,
        tally: &mut Tally,
    ) -> Vec<simulated_change::Model> {
        let room = usize::try_from(KEPT_CHANGES - tally.kept).unwrap_or(0);
        let mut rows = Vec::with_capacity(changes.len().min(room));
        for (effect, judged) in changes.into_iter().take(room) {
            tally.kept += 1;
            rows.push(simulated_change::Model {
                tenant_id: self.ctx.tenant(),
                id: self.ctx.id(),
                simulation_id: self.id,
                number: tally.kept,
                record_id: judged.record.id,
                occurred_on: judged.record.occurred_on,
                amount: judged.record.amount,
                currency: judged.record.currency,
                effect,
                before_category_id: judged.before.category,
                before_source: judged.before.source,
                before_confidence: judged.before.confidence,
                before_passes: judged.before.passes,
                before_version: judged.before.version,
                after_category_id: judged.after.category,
                after_source: judged.after.source,
                after_confidence: judged.after.confidence,
                after_passes: judged.after.passes,
                after_rationale: judged.after.rationale,
                truth_category_id: judged.truth,
            });
        }
        rows
    }
}

/// Buries the job of a simulation that cannot be made, and says so in the simulation.
#[tracing::instrument(skip_all, fields(simulation.id = %id))]
pub async fn give_up(
    ctx: &Ctx,
    claim: &Claim,
    job: &job::Model,
    id: SimulationId,
    error: &str,
) -> Result<()> {
    let mut tx = ctx.begin().await?;
    tx.bury(claim, &[job.id], error).await?;
    failed(&mut tx, id, error).await?;
    tx.commit().await
}

/// Marks a simulation failed, unless it is over.
async fn failed(tx: &mut Tx<'_>, id: SimulationId, reason: &str) -> Result<()> {
    let failed = tx
        .update::<simulation::Entity>()
        .col_expr(C::Status, Expr::value(Status::Failed))
        .col_expr(C::Error, Expr::value(reason))
        .col_expr(C::FinishedAt, Expr::value(tx.ctx().now()))
        .filter(C::Id.eq(id))
        .filter(is_open())
        .exec(tx.on())
        .await?;
    if failed.rows_affected == 1 {
        tx.record(Event::SimulationFailed { simulation: id });
    }
    Ok(())
}

/// Not over yet.
pub(super) fn is_open() -> SimpleExpr {
    C::Status.is_in(OPEN)
}
