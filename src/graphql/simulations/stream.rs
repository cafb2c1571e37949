//! How far a simulation is, as it goes.

use std::sync::Arc;

use async_graphql::{Context, ID, SimpleObject, Subscription};
use entity::SimulationId;
use futures::Stream;

use super::{Simulation, SimulationStatus};
use crate::ctx::Ctx;
use crate::error::Result;
use crate::events::Filter;
use crate::graphql::events::follow;
use crate::graphql::live::Live;
use crate::graphql::news::{self, News};
use crate::graphql::node::local;
use crate::graphql::op::Op;
use crate::permission::Permission;
use crate::simulations;

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
        let events = followed.await?;
        simulations::load(&ctx.op()?.again(), id).await?;
        Ok(news::tell(live, events, move |op| look(op, id)))
    }
}

impl News for SimulationNews {
    type Seen = (SimulationStatus, i32);

    fn seen(&self) -> Self::Seen {
        (self.simulation.status, self.simulation.done_records)
    }

    fn is_last(&self) -> bool {
        self.finished
    }
}

/// How far a simulation is now.
async fn look(op: Arc<Ctx>, id: SimulationId) -> Result<SimulationNews> {
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
