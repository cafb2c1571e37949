//! The unit of work: rows, events and jobs that commit together or not at all.

use entity::rule_hit::{self, Standing};
use entity::{JobId, RecordId, TenantId, Tenanted, job};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, DeleteMany, EntityTrait, Insert, IntoActiveModel, ModelTrait,
    PaginatorTrait, PrimaryKeyTrait, QueryFilter, Select, UpdateMany,
};

use super::tally::Tally;
use super::{Ctx, Event, Job, Outcome, append, claim, read};
use crate::bus::Wake;
use crate::error::{Error, Result};
use crate::queue::Claim;

/// Parameters one statement may hold: SQLite takes 32,766, PostgreSQL 65,535.
const PARAMETERS: usize = 30_000;

/// An open unit of work of one tenant. Dropped without [`commit`](Self::commit), it leaves nothing behind. Nothing is
/// called, mailed or published while it is open.
pub struct Tx<'c> {
    ctx: &'c Ctx,
    tx: DatabaseTransaction,
    events: Vec<append::Entry>,
    jobs: Vec<job::Model>,
    approved: Vec<RecordId>,
    /// Records whose approval taught something, or was taken back.
    taught: Vec<RecordId>,
    /// Records whose hits of rules are to be counted anew.
    judged: Vec<RecordId>,
    tally: Tally,
    woken: Vec<Wake>,
    /// The row of the idempotency key that this stores.
    claimed: Option<String>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the place where the tenant is added"
)]
impl<'c> Tx<'c> {
    pub(super) fn new(ctx: &'c Ctx, tx: DatabaseTransaction, claimed: Option<String>) -> Self {
        Self {
            ctx,
            tx,
            events: Vec::new(),
            jobs: Vec::new(),
            approved: Vec::new(),
            taught: Vec::new(),
            judged: Vec::new(),
            tally: Tally::default(),
            woken: Vec::new(),
            claimed,
        }
    }

    /// The operation it belongs to.
    pub fn ctx(&self) -> &'c Ctx {
        self.ctx
    }

    /// The tenant it writes.
    pub fn tenant(&self) -> TenantId {
        self.ctx.tenant
    }

    /// The connection to run a query on.
    pub fn on(&self) -> &DatabaseTransaction {
        &self.tx
    }

    /// How a query starts: it already holds the tenant.
    pub fn select<E: Tenanted>(&self) -> Select<E> {
        read::select::<E>(self.ctx.tenant)
    }

    /// How an update starts: it already holds the tenant. Add the state it leaves to its filter.
    pub fn update<E: Tenanted>(&self) -> UpdateMany<E> {
        E::update_many().filter(E::TENANT.eq(self.ctx.tenant))
    }

    /// How a removal starts: it already holds the tenant.
    pub fn delete<E: Tenanted>(&self) -> DeleteMany<E> {
        E::delete_many().filter(E::TENANT.eq(self.ctx.tenant))
    }

    /// Stores one row.
    pub async fn insert<M>(&self, row: M) -> Result<()>
    where
        M: ModelTrait<Entity: Tenanted<Model = M>>,
    {
        self.insert_all(vec![row]).await
    }

    /// Stores rows, in as few statements as the database takes.
    pub async fn insert_all<M>(&self, rows: Vec<M>) -> Result<()>
    where
        M: ModelTrait<Entity: Tenanted<Model = M>>,
    {
        for rows in self.portions(rows)? {
            M::Entity::insert_many(rows)
                .exec_without_returning(&self.tx)
                .await?;
        }
        Ok(())
    }

    /// Stores the rows that break no unique key; the primary keys of those that were stored.
    pub async fn insert_new<M>(
        &self,
        rows: Vec<M>,
    ) -> Result<Vec<<<M::Entity as EntityTrait>::PrimaryKey as PrimaryKeyTrait>::ValueType>>
    where
        M: ModelTrait<Entity: Tenanted<Model = M>>,
    {
        let mut stored = Vec::with_capacity(rows.len());
        for rows in self.portions(rows)? {
            let known = OnConflict::new().do_nothing().to_owned();
            let keys = Insert::<<M::Entity as EntityTrait>::ActiveModel>::many(rows)
                .on_conflict(known)
                .exec_with_returning_keys(&self.tx)
                .await?;
            stored.extend(keys);
        }
        Ok(stored)
    }

    /// Cuts rows into statements, after making sure that each is this tenant's.
    fn portions<M>(&self, rows: Vec<M>) -> Result<Vec<Vec<<M::Entity as EntityTrait>::ActiveModel>>>
    where
        M: ModelTrait<Entity: Tenanted<Model = M>>,
    {
        let own = sea_orm::Value::from(self.ctx.tenant);
        let columns = <<M::Entity as EntityTrait>::Column as sea_orm::Iterable>::iter().count();
        let size = (PARAMETERS / columns).min(1_000);
        let mut portions = Vec::with_capacity(rows.len() / size + 1);
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let mut portion = Vec::with_capacity(size.min(rows.len()));
            for row in rows.by_ref().take(size) {
                if row.get(M::Entity::TENANT) != own {
                    return Err(Error::internal(
                        "a row of another tenant was about to be stored",
                    ));
                }
                portion.push(row.into_active_model());
            }
            portions.push(portion);
        }
        Ok(portions)
    }

    /// Files an event; it enters the log at commit.
    pub fn record(&mut self, event: Event) {
        self.file(event, None);
    }

    /// Files an event with what changed: an object of `field: {from, to}` with ids, enums, amounts and dates.
    pub fn record_diff(&mut self, event: Event, diff: serde_json::Value) {
        self.file(event, Some(diff));
    }

    fn file(&mut self, event: Event, diff: Option<serde_json::Value>) {
        // whoever approves, what was approved becomes evidence; what passed by itself proves nothing
        match &event {
            Event::TxApproved { outcome, .. } if *outcome == Outcome::Automatic => {}
            Event::TxApproved { record, .. } => {
                self.approved.push(*record);
                self.taught.push(*record);
                self.judged.push(*record);
            }
            Event::ApprovalReopened {
                record, category, ..
            }
            | Event::RecordVoided {
                record, category, ..
            } => {
                self.taught.extend(category.map(|_| *record));
                self.judged.push(*record);
            }
            _ => {}
        }
        self.events.push(append::Entry::new(self.ctx, event, diff));
    }

    /// Counts the hits of rules as `to` that were counted as what they say, once everything else is stored.
    pub fn tally(&mut self, hits: &[rule_hit::Model], to: Standing) {
        for hit in hits {
            let of = (hit.rule_id, hit.shadow, hit.hit_at);
            self.tally.count(of, hit.standing, to);
        }
    }

    /// Counts the hits of rules of these records anew, once everything else is stored. What an event tells of a record
    /// that is approved, reopened or voided does so by itself.
    pub fn recount(&mut self, records: impl IntoIterator<Item = RecordId>) {
        self.judged.extend(records);
    }

    /// Wakes whoever works a queue once this has committed.
    pub fn wake(&mut self, queue: &str) {
        let wake = Wake::Jobs {
            queue: queue.to_owned(),
        };
        if !self.woken.contains(&wake) {
            self.woken.push(wake);
        }
    }

    /// Wants a job done once this has committed.
    pub fn enqueue(&mut self, job: Job) {
        self.jobs.push(job.into_row(self.ctx));
    }

    /// Declares claimed jobs done, as the first statement of their effect: a worker that lost its claim fails here
    /// and stores nothing.
    pub async fn complete(&self, claim: &Claim, jobs: &[JobId]) -> Result<()> {
        self.finish(claim, jobs, job::State::Done, None).await
    }

    /// Declares claimed jobs dead, together with what that means for the things they were about. The error is what
    /// the tenant may read.
    pub async fn bury(&self, claim: &Claim, jobs: &[JobId], error: &str) -> Result<()> {
        self.finish(claim, jobs, job::State::Dead, Some(error))
            .await
    }

    /// Stops a worker whose claim went to another one, before it stores a step of a longer work.
    pub async fn hold(&self, claim: &Claim, job: JobId) -> Result<()> {
        let held = self
            .select::<job::Entity>()
            .filter(job::Column::Id.eq(job))
            .filter(job::Column::Claim.eq(claim.id))
            .filter(job::Column::State.eq(job::State::Running))
            .count(&self.tx)
            .await?;
        match held {
            1 => Ok(()),
            _ => Err(Error::conflict(
                "the claim was lost: another worker has the work",
            )),
        }
    }

    async fn finish(
        &self,
        claim: &Claim,
        jobs: &[JobId],
        state: job::State,
        error: Option<&str>,
    ) -> Result<()> {
        let mut finish = self
            .update::<job::Entity>()
            .col_expr(job::Column::State, Expr::value(state))
            .col_expr(job::Column::FinishedAt, Expr::value(self.ctx.now()))
            .filter(job::Column::Id.is_in(jobs.iter().copied()))
            .filter(job::Column::Claim.eq(claim.id))
            .filter(job::Column::State.eq(job::State::Running));
        if let Some(error) = error {
            finish = finish
                .col_expr(job::Column::LastError, Expr::value(error))
                .col_expr(job::Column::Reason, Expr::value(error));
        }
        let finished = finish.exec(&self.tx).await?;
        if finished.rows_affected == jobs.len() as u64 {
            Ok(())
        } else {
            Err(Error::conflict(
                "the claim was lost: another worker has the work",
            ))
        }
    }

    /// Leaves the idempotency key to a later unit of work: this one is a step, and asked again it goes on from there.
    pub async fn disclaim(&mut self) -> Result<()> {
        match self.claimed.take() {
            Some(id) => claim::release(&self.tx, &id).await,
            None => Ok(()),
        }
    }

    /// Stores everything or nothing, then wakes whoever listens. Jobs are written before the head of the log is
    /// locked, and nothing follows that lock but the events themselves, so it can take part in no deadlock. Nor can the
    /// tally of the rules, whose rows are locked just before it and in their order.
    pub async fn commit(mut self) -> Result<()> {
        if !self.approved.is_empty() {
            let records = std::mem::take(&mut self.approved);
            self.enqueue(Job::SuggestRules {
                records: records.clone(),
            });
            self.enqueue(Job::StoreVectors { records });
        }
        if !self.taught.is_empty() {
            let records = std::mem::take(&mut self.taught);
            self.enqueue(Job::ReconsiderProposals { records });
        }
        let mut wakes: Vec<Wake> = std::mem::take(&mut self.woken);
        for job in &self.jobs {
            let wake = Wake::Jobs {
                queue: job.queue.clone(),
            };
            if !wakes.contains(&wake) {
                wakes.push(wake);
            }
        }
        let mut jobs = self.jobs.into_iter().peekable();
        while jobs.peek().is_some() {
            let rows = jobs
                .by_ref()
                .take(1_000)
                .map(IntoActiveModel::into_active_model);
            let again = OnConflict::new().do_nothing().to_owned();
            Insert::<job::ActiveModel>::many(rows)
                .on_conflict(again)
                .exec_without_returning(&self.tx)
                .await?;
        }
        if let (Some(id), Some(first)) = (&self.claimed, self.events.first()) {
            claim::about(&self.tx, id, first.subject()).await?;
        }
        let tenant = self.ctx.tenant;
        self.tally.recount(&self.tx, tenant, &self.judged).await?;
        self.tally.write(&self.tx, tenant).await?;
        let access = self.events.iter().any(append::Entry::changes_access);
        if !self.events.is_empty() {
            let sequence = append::append(&self.tx, self.ctx, self.events).await?;
            wakes.push(Wake::Events {
                tenant: self.ctx.tenant,
                sequence,
            });
        }
        self.tx.commit().await?;
        if self.claimed.is_some() {
            self.ctx.claims.hold();
        }
        if access {
            self.ctx.handles.access_changed(self.ctx.tenant);
        }
        if !wakes.is_empty() {
            self.ctx.handles.bus.publish(wakes);
        }
        Ok(())
    }

    /// Leaves nothing behind, and waits for the connection to be free again.
    pub async fn rollback(self) -> Result<()> {
        Ok(self.tx.rollback().await?)
    }
}
