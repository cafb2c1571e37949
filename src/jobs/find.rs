//! Looking jobs up.

use std::collections::HashMap;

use entity::{JobId, job};
use sea_orm::{ColumnTrait, Condition, PaginatorTrait, QueryFilter};

use crate::ctx::{Ctx, Tx};
use crate::error::{Error, Result};
use crate::page::{self, Page, Window};
use crate::permission::Permission;
use crate::queue::{self, Progress, Queue, Standing, Told};

/// Which jobs.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of these queues; of all without one.
    pub queues: Vec<Queue>,
    /// In these states; in any without one.
    pub states: Vec<job::State>,
}

impl Filter {
    fn condition(&self) -> Condition {
        let mut wanted = Condition::all();
        if !self.queues.is_empty() {
            let names = self.queues.iter().map(|queue| queue.as_str());
            wanted = wanted.add(job::Column::Queue.is_in(names));
        }
        if !self.states.is_empty() {
            wanted = wanted.add(job::Column::State.is_in(self.states.iter().copied()));
        }
        wanted
    }
}

/// The queue that a field names.
pub fn named(field: &'static str, name: &str) -> Result<Queue> {
    let unknown = || Error::invalid(field, format!("there is no queue called {name}"));
    Queue::named(name).ok_or_else(unknown)
}

/// How the queues of the tenant stand, each that there is.
pub async fn standing(ctx: &Ctx) -> Result<Vec<Standing>> {
    ctx.require(Permission::ManageJobs)?;
    queue::standing(&ctx.handles().db, ctx.tenant(), ctx.now()).await
}

/// The jobs of the tenant that are kept, the latest first.
pub async fn list(ctx: &Ctx, filter: &Filter, window: &Window) -> Result<Page<job::Model>> {
    ctx.require(Permission::ManageJobs)?;
    let read = ctx.read().await?;
    let wanted = read.select::<job::Entity>().filter(filter.condition());
    page::page(wanted, &[job::Column::Id], true, window, read.on()).await
}

/// How many of them there are.
pub async fn count(ctx: &Ctx, filter: &Filter) -> Result<u64> {
    ctx.require(Permission::ManageJobs)?;
    let read = ctx.read().await?;
    let wanted = read.select::<job::Entity>().filter(filter.condition());
    Ok(wanted.count(read.on()).await?)
}

/// How far the jobs among these are that run and said so.
pub async fn progress(ctx: &Ctx, jobs: &[job::Model]) -> HashMap<JobId, Progress> {
    let running = jobs.iter().filter(|job| job.state == job::State::Running);
    let running: Vec<JobId> = running.map(|job| job.id).collect();
    let told = ctx.handles().kept.of::<Told>();
    told.of(&ctx.handles().bus, &running).await
}

/// Why a job was not in the state it had to leave.
pub(super) async fn why_not<T>(tx: &Tx<'_>, id: JobId) -> Result<T> {
    let found = tx
        .select::<job::Entity>()
        .filter(job::Column::Id.eq(id))
        .count(tx.on())
        .await?;
    Err(match found {
        0 => Error::NotFound("job"),
        _ => Error::conflict("the job is not dead: it waits, runs or is done"),
    })
}
