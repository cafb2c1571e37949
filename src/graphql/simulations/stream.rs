//! How far a simulation is, as it goes.

use std::time::Duration;

use async_graphql::{Context, ID, SimpleObject, Subscription};
use entity::SimulationId;
use futures::{Stream, StreamExt};

use super::{Simulation, SimulationStatus};
use crate::ctx::Ctx;
use crate::error::Result;
use crate::events::Filter;
use crate::graphql::events::follow;
use crate::graphql::live::Live;
use crate::graphql::node::local;
use crate::graphql::op::Op;
use crate::permission::Permission;
use crate::simulations;

/// How long the news of a simulation are gathered before they are told.
const GATHER: Duration = Duration::from_millis(250);

/// The events that move a simulation.
const KINDS: [&str; 4] = [
    "SIMULATION_ADVANCED",
    "SIMULATION_READY",
    "SIMULATION_CANCELLED",
    "SIMULATION_FAILED",
];

/// News of a simulation.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct SimulationNews {
    /// Where the log stands: events after it are told by later messages.
    pub cursor: String,
    /// The simulation as it is now.
    pub simulation: Simulation,
    /// Whether nothing more will come. The stream ends.
    pub finished: bool,
}

/// The stream of a page that waits for a simulation.
#[derive(Default)]
pub struct SimulationsSubscription;

#[Subscription]
impl SimulationsSubscription {
    /// How far a simulation is: at once, then whenever it has moved, until it is over. Needs `reports:read` and
    /// `records:read` for all records.
    async fn simulation_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The simulation.")] id: ID,
    ) -> Result<impl Stream<Item = async_graphql::Result<SimulationNews>> + use<>> {
        let id: SimulationId = local("Simulation", "id", &id)?;
        let live: Live = ctx.live()?;
        // followed before it is looked at, so that no news falls in between
        let followed = follow(ctx, Permission::ReadReports, None, Filter::kinds(KINDS));
        let mut events = Box::pin(followed.await?);
        simulations::load(&ctx.op()?.again(), id).await?;
        Ok(async_stream::stream! {
            let mut told = None;
            loop {
                let now = match look(&live.now(), id).await {
                    Ok(now) => now,
                    Err(error) if error.is_transient() => {
                        tokio::time::sleep(GATHER * 4).await;
                        continue;
                    }
                    Err(error) => {
                        yield Err(error.into());
                        return;
                    }
                };
                let seen = (now.simulation.status, now.simulation.done_records);
                if told.replace(seen) != Some(seen) {
                    let finished = now.finished;
                    yield Ok(now);
                    if finished {
                        return;
                    }
                }
                match events.next().await {
                    None => return,
                    Some(Err(error)) => {
                        yield Err(error.into());
                        return;
                    }
                    Some(Ok(_)) => {}
                }
                // what comes together is told together
                let until = tokio::time::Instant::now() + GATHER;
                while let Ok(Some(next)) = tokio::time::timeout_at(until, events.next()).await {
                    if let Err(error) = next {
                        yield Err(error.into());
                        return;
                    }
                }
            }
        })
    }
}

/// How far a simulation is now.
async fn look(op: &Ctx, id: SimulationId) -> Result<SimulationNews> {
    let ctx = op.again();
    let cursor = crate::events::head(&ctx).await?;
    let simulation: Simulation = simulations::load(&ctx, id).await?.try_into()?;
    let open = [SimulationStatus::Queued, SimulationStatus::Running];
    Ok(SimulationNews {
        cursor: cursor.to_string(),
        finished: !open.contains(&simulation.status),
        simulation,
    })
}
