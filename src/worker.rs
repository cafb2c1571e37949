//! Background work: each job is mapped to one verb.

use std::sync::Arc;
use std::time::Duration;

use entity::job;
use futures::future::BoxFuture;
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::app::App;
use crate::bus::{self, Wake};
use crate::ctx::{Ctx, Job};
use crate::error::{Error, Result};
use crate::processing::neighbours;
use crate::queue::{self, Claim, Failure, Queue};
use crate::{
    audit, change_sets, connections, idempotency, identity, imports, mail, processing, reports,
    simulations, tenants,
};

/// How often a worker looks without being woken: for jobs whose time has come, and for wake-ups that were lost.
const POLL: Duration = Duration::from_secs(1);
/// How often finished jobs are forgotten and lapsed leases taken back.
const TIDY: Duration = Duration::from_secs(5);
/// How often it is seen which tenants are to be erased.
const REAP: Duration = Duration::from_secs(60);
/// How often it is seen which addresses beside the logs were kept long enough.
const PRUNE_ORIGINS: chrono::TimeDelta = chrono::TimeDelta::hours(1);

/// Works until the process is asked to stop, then finishes what it has begun.
pub async fn work(app: Arc<App>) {
    let worker = name();
    let mut lanes = JoinSet::new();
    for queue in Queue::ALL {
        for _ in 0..queue.policy().concurrency {
            lanes.spawn(lane(Arc::clone(&app), queue, worker.clone()));
        }
    }
    lanes.spawn(tidy(Arc::clone(&app), worker));
    lanes.spawn(reap(Arc::clone(&app)));
    lanes.spawn(catch_up(app));
    while lanes.join_next().await.is_some() {}
}

/// Works off everything that is due, alone and in order, and returns when nothing is left; how many jobs that were.
/// For `import --wait`, and for tests.
pub async fn drain(app: &Arc<App>) -> Result<usize> {
    let mut done = 0;
    loop {
        let before = done;
        for queue in Queue::ALL {
            done += drain_queue(app, queue).await?;
        }
        if done == before {
            return Ok(done);
        }
    }
}

/// Works off what is due in one queue; how many jobs that were.
pub async fn drain_queue(app: &Arc<App>, queue: Queue) -> Result<usize> {
    let worker = name();
    let mut done = 0;
    while let Some(claim) =
        queue::claim(&app.handles.db, queue, &worker, app.handles.clock.now()).await?
    {
        done += claim.jobs.len();
        perform(app, &claim).await;
    }
    Ok(done)
}

fn name() -> String {
    format!("{}-{}", std::process::id(), &crate::secret::token()[..6])
}

async fn lane(app: Arc<App>, queue: Queue, worker: String) {
    let mut wakes = app.handles.bus.listen();
    while !app.stopping.is_cancelled() {
        match queue::claim(&app.handles.db, queue, &worker, app.handles.clock.now()).await {
            Ok(Some(claim)) => perform(&app, &claim).await,
            Ok(None) => {
                tokio::select! {
                    () = woken(&mut wakes, queue) => {}
                    () = tokio::time::sleep(POLL) => {}
                    () = app.stopping.cancelled() => {}
                }
            }
            Err(error) => {
                tracing::warn!(queue.name = queue.as_str(), error = ?error, "Work could not be claimed");
                tokio::time::sleep(POLL).await;
            }
        }
    }
}

async fn woken(wakes: &mut tokio::sync::broadcast::Receiver<Wake>, queue: Queue) {
    loop {
        match bus::next(wakes).await {
            Wake::Jobs { queue: name } if name == queue.as_str() => return,
            Wake::Anything => return,
            _ => {}
        }
    }
}

/// Carries out a claim under a lease that is renewed meanwhile.
async fn perform(app: &Arc<App>, claim: &Claim) {
    let span =
        tracing::info_span!("claim", queue.name = claim.queue.as_str(), tenant.id = %claim.tenant);
    let started = std::time::Instant::now();
    let lease = claim.queue.policy().lease / 3;
    let renewing = async {
        loop {
            tokio::time::sleep(lease).await;
            match queue::renew(&app.handles.db, claim, app.handles.clock.now()).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::warn!(error = ?error, "A lease could not be renewed"),
            }
        }
    };
    let working = async {
        let outcome = attempt(app, claim).await;
        if let Err(error) = &outcome {
            settle(app, claim, error).await;
        }
        let outcome = if outcome.is_ok() { "ok" } else { "failed" };
        let duration_ms = started.elapsed().as_millis() as u64;
        tracing::debug!(
            jobs = claim.jobs.len(),
            duration_ms,
            outcome,
            "Claim {outcome}"
        );
    };
    async {
        tokio::pin!(working);
        tokio::select! {
            () = &mut working => {}
            // a lost lease stops nothing: what is begun fails at its first statement and leaves nothing behind
            () = renewing => working.await,
        }
    }
    .instrument(span)
    .await;
}

/// One verb per job. Boxed, so that the compiler proves it can move between threads here and not in every caller.
fn attempt<'a>(app: &'a Arc<App>, claim: &'a Claim) -> BoxFuture<'a, Result<()>> {
    Box::pin(async move {
        let ctx = Ctx::system(Arc::clone(&app.handles), claim.tenant);
        // jobs that are carried out together
        match claim.queue {
            Queue::Process => {
                return processing::process(&ctx, &app.engine, claim, &claim.jobs).await;
            }
            Queue::Vectors => return neighbours::store_vectors(&ctx, claim).await,
            Queue::Suggestions => {
                return processing::suggest_rules(&ctx, &app.engine, claim).await;
            }
            Queue::Reconsideration => {
                return processing::reconsider(&ctx, &app.engine, claim).await;
            }
            _ => {}
        }
        for job in &claim.jobs {
            match Job::read(job)? {
                Job::IngestImport { import } => imports::ingest(&ctx, claim, job, import).await?,
                Job::IngestDelivery { delivery } => {
                    connections::ingest(&ctx, claim, job, delivery).await?
                }
                Job::ExportTenant { export } => tenants::make(&ctx, claim, job, export).await?,
                Job::GenerateReport { report } => {
                    reports::generate(&ctx, claim, job, report).await?
                }
                Job::RunSimulation { simulation } => {
                    let asks = app.engine.asker().is_some();
                    simulations::run(&ctx, claim, job, simulation, asks).await?
                }
                Job::WorkChangeSet { change_set } => {
                    change_sets::work(&ctx, claim, job, change_set).await?
                }
                Job::MailResetLink { sealed } => {
                    identity::mail_reset_link(&ctx, claim, job, &sealed).await?
                }
                Job::SendMail { sealed } => mail::send(&ctx, claim, job, &sealed).await?,
                Job::StoreVectors { .. } | Job::RebuildVectors { .. } => {
                    neighbours::store_vectors(&ctx, claim).await?
                }
                Job::SuggestRules { .. } => {
                    processing::suggest_rules(&ctx, &app.engine, claim).await?
                }
                Job::ReconsiderProposals { .. } => {
                    processing::reconsider(&ctx, &app.engine, claim).await?
                }
                Job::ProcessRecord { .. } => {
                    processing::process(&ctx, &app.engine, claim, std::slice::from_ref(job))
                        .await?;
                }
            }
        }
        Ok(())
    })
}

/// After a failure: jobs with attempts left wait for another, the others are buried with what they were about.
async fn settle(app: &Arc<App>, claim: &Claim, error: &Error) {
    let failure = Failure::of(error);
    tracing::warn!(error = ?error, jobs = claim.jobs.len(), "Jobs failed");
    let now = app.handles.clock.now();
    let (spent, again): (Vec<_>, Vec<_>) = claim.jobs.iter().partition(|job| queue::exhausted(job));
    let again: Vec<_> = again.into_iter().map(|job| job.id).collect();
    if let Err(error) = queue::fail(&app.handles.db, claim, &again, &failure, now).await {
        tracing::warn!(error = ?error, "Failed jobs could not be put back; their lease will lapse");
    }
    for job in spent {
        if let Err(error) = bury(app, claim, job, &failure.reason).await {
            tracing::error!(job.id = %job.id, error = ?error, "A dead job could not be buried; it will be tried again");
        } else if let Err(error) = queue::detail(&app.handles.db, claim, job.id, &failure).await {
            tracing::warn!(job.id = %job.id, error = ?error, "The causes of a dead job were not kept; they are in the log");
        }
    }
}

/// What happens to the thing a dead job was about.
async fn bury(app: &Arc<App>, claim: &Claim, job: &job::Model, error: &str) -> Result<()> {
    let ctx = Ctx::system(Arc::clone(&app.handles), claim.tenant);
    match Job::read(job)? {
        Job::IngestImport { import } => imports::give_up(&ctx, claim, job, import, error).await,
        Job::IngestDelivery { delivery } => {
            connections::give_up(&ctx, claim, job, delivery, error).await
        }
        Job::ExportTenant { export } => tenants::give_up(&ctx, claim, job, export, error).await,
        Job::GenerateReport { report } => reports::give_up(&ctx, claim, job, report, error).await,
        Job::RunSimulation { simulation } => {
            simulations::give_up(&ctx, claim, job, simulation, error).await
        }
        Job::WorkChangeSet { change_set } => {
            change_sets::give_up(&ctx, claim, job, change_set, error).await
        }
        Job::SendMail { .. } | Job::MailResetLink { .. } => {
            mail::give_up(&ctx, claim, job, error).await
        }
        Job::ProcessRecord { record } => processing::give_up(&ctx, claim, job, record, error).await,
        Job::StoreVectors { .. } | Job::RebuildVectors { .. } => {
            neighbours::give_up(&ctx, claim, job, error).await
        }
        Job::SuggestRules { .. } | Job::ReconsiderProposals { .. } => {
            processing::give_up_looking(&ctx, claim, job, error).await
        }
    }
}

/// Asks once for the vectors that tenants lack: of a model that is new, or of books from before there were any.
async fn catch_up(app: Arc<App>) {
    let tenants = match identity::tenants(&app.handles).await {
        Ok(tenants) => tenants,
        Err(error) => {
            tracing::warn!(error = ?error, "Tenants without vectors could not be looked for");
            return;
        }
    };
    for tenant in tenants {
        if app.stopping.is_cancelled() {
            return;
        }
        let ctx = Ctx::system(Arc::clone(&app.handles), tenant);
        if let Err(error) = neighbours::begin_at_start(&ctx).await {
            tracing::warn!(tenant.id = %tenant, error = ?error, "The vectors of a tenant could not be asked for");
        }
    }
}

async fn tidy(app: Arc<App>, worker: String) {
    let mut last_prune = app.handles.clock.now();
    while !app.stopping.is_cancelled() {
        let now = app.handles.clock.now();
        match queue::recover(&app.handles.db, &worker, now).await {
            Ok(lost) => {
                for claim in lost {
                    for job in &claim.jobs {
                        if let Err(error) =
                            bury(&app, &claim, job, "the worker went away at each attempt").await
                        {
                            tracing::error!(job.id = %job.id, error = ?error, "A dead job could not be buried");
                        }
                    }
                }
            }
            Err(error) => tracing::warn!(error = ?error, "Lapsed leases could not be taken back"),
        }
        if now - last_prune > chrono::TimeDelta::minutes(1) {
            last_prune = now;
            if let Err(error) = queue::prune(&app.handles.db).await {
                tracing::warn!(error = ?error, "Finished jobs could not be forgotten");
            }
            if let Err(error) = identity::keep_signing_keys(&app.handles).await {
                tracing::warn!(error = ?error, "The keys that sign access tokens could not be looked after");
            }
            if let Err(error) = identity::prune(&app.handles).await {
                tracing::warn!(error = ?error, "Sessions that are long over could not be forgotten");
            }
            if let Err(error) = idempotency::prune(&app.handles).await {
                tracing::warn!(error = ?error, "Idempotency keys that are over could not be forgotten");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(TIDY) => {}
            () = app.stopping.cancelled() => {}
        }
    }
}

/// Erases tenants whose time is over, and removes exports nobody can download any more. A task of its own: erasing takes
/// as long as there are rows, and what is cut goes on where it stopped.
async fn reap(app: Arc<App>) {
    let mut last_prune = app.handles.clock.now();
    while !app.stopping.is_cancelled() {
        let work = async {
            if app.handles.clock.now() - last_prune > PRUNE_ORIGINS {
                last_prune = app.handles.clock.now();
                if let Err(error) = audit::prune(&app.handles).await {
                    tracing::warn!(error = ?error, "Addresses beside the logs could not be removed");
                }
            }
            if let Err(error) = tenants::erase_due(&app.handles).await {
                tracing::warn!(error = ?error, "A tenant could not be erased; trying again in a minute");
            }
            if let Err(error) = tenants::prune_exports(&app.handles).await {
                tracing::warn!(error = ?error, "Exports that are over could not be removed");
            }
            tokio::time::sleep(REAP).await;
        };
        tokio::select! {
            () = work => {}
            () = app.stopping.cancelled() => {}
        }
    }
}
