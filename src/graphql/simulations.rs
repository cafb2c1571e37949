//! What the pipeline would decide if …, as clients see it.

mod figures;
mod input;
mod stream;

use std::collections::HashMap;
use std::convert::identity;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, Enum, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{CategoryId, RecordId, SimulationId, simulated_change, simulation};
pub use figures::{SimulatedLine, SimulatedMonth, SimulationEffects, SimulationFigures};
pub use input::{
    CancelSimulationInput, SimulatePipelineInput, SimulatedChangeFilter, SimulationBefore,
    SimulationKnowledge,
};
pub use stream::{SimulationNews, SimulationsSubscription};

use super::categories::Category;
use super::decisions::DecisionSource;
use super::loader::{OpLoader, find};
use super::node::{global, local};
use super::op::Op;
use super::page::{Connection, as_of, asks, window};
use super::payload::payloads;
use super::records::Record;
use super::scalar::{Date, Money};
use crate::error::{Error, Result};
use crate::simulations::{self, Hypothesis, Tally};

/// How far a simulation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "simulation::Status")]
pub enum SimulationStatus {
    /// Waiting for a worker.
    Queued,
    /// Records are being decided.
    Running,
    /// Every record is decided.
    Ready,
    /// It could not be made; see the error.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

/// What another decision is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "simulated_change::Effect")]
pub enum SimulatedEffect {
    /// It was wrong and would be right, by what a person approved.
    Fixed,
    /// It was right and would be wrong, by what a person approved.
    Broken,
    /// Another category, and nobody has approved the right one, or neither is it.
    Different,
    /// The same category, which would be sure enough to pass.
    Passes,
    /// The same category, which would not be sure enough to pass any more.
    Waits,
}

/// A replay of the pipeline on records of the past under a hypothesis. Nothing of the books is changed by it.
#[derive(Clone, SimpleObject)]
#[graphql(complex, serial)]
pub struct Simulation {
    /// Opaque global id. `GET /api/v1/exports/simulations/{id}.csv` is what changed as CSV.
    pub id: ID,
    /// How far it is.
    pub status: SimulationStatus,
    /// The first day of its records.
    pub from: Date,
    /// The last day of its records.
    pub to: Date,
    /// With which knowledge records are decided again.
    pub knowledge: SimulationKnowledge,
    /// What the hypothesis is compared with.
    pub compared_with: SimulationBefore,
    /// How many changes of the rules it supposes.
    pub rule_changes: i32,
    /// The target of automation it supposes; absent where it supposes no other.
    pub target_precision: Option<f64>,
    /// Records of its time.
    pub total_records: i32,
    /// Of those, the ones that are decided.
    pub done_records: i32,
    /// Of those, the ones that would be decided in another way.
    pub changed_records: i32,
    /// How many of these `simulatedChanges` lists: the first 10,000.
    pub kept_changes: i32,
    /// What changed, by what it is worth.
    pub effects: SimulationEffects,
    /// What it comes to without the hypothesis.
    pub before: SimulationFigures,
    /// What it comes to with the hypothesis.
    pub after: SimulationFigures,
    /// How the statement of accounts would differ if every proposal were followed: by category and currency, the largest
    /// difference first. Categories that do not differ are left out.
    pub profit_and_loss_difference: Vec<SimulatedLine>,
    /// The version of the pipeline that decided.
    pub pipeline_version: String,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it was over.
    pub finished_at: Option<DateTime<Utc>>,
}

impl TryFrom<simulation::Model> for Simulation {
    type Error = Error;

    fn try_from(row: simulation::Model) -> Result<Self> {
        let hypothesis: Hypothesis = serde_json::from_str(&row.hypothesis)?;
        let tally: Tally = match &row.tally {
            Some(tally) => serde_json::from_str(tally)?,
            None => Tally::default(),
        };
        let figures = |figures| SimulationFigures::of(figures, hypothesis.prices);
        Ok(Self {
            id: global("Simulation", row.id),
            status: row.status.into(),
            from: Date(hypothesis.from),
            to: Date(hypothesis.to),
            knowledge: hypothesis.knowing.into(),
            compared_with: hypothesis.before.into(),
            rule_changes: i32::try_from(hypothesis.rules.len()).unwrap_or(i32::MAX),
            target_precision: hypothesis.automation.and_then(|it| it.target),
            total_records: row.total_records,
            done_records: row.done_records,
            changed_records: row.changed_records,
            kept_changes: tally.kept,
            effects: tally.effects.into(),
            before: figures(&tally.before),
            after: figures(&tally.after),
            profit_and_loss_difference: SimulatedLine::all(&tally.flows),
            pipeline_version: row.version,
            error: row.error,
            created_at: row.created_at,
            finished_at: row.finished_at,
        })
    }
}

#[ComplexObject]
impl Simulation {
    /// The share of its records that are decided, 0 to 1.
    async fn progress(&self) -> f64 {
        match (self.status, self.total_records) {
            (SimulationStatus::Ready, _) => 1.0,
            (_, 0) => 0.0,
            (_, total) => (f64::from(self.done_records) / f64::from(total)).min(1.0),
        }
    }
}

impl Loader<SimulationId> for OpLoader {
    type Value = Simulation;
    type Error = Arc<Error>;

    async fn load(
        &self,
        ids: &[SimulationId],
    ) -> Result<HashMap<SimulationId, Simulation>, Arc<Error>> {
        let rows = simulations::by_ids(&self.ctx, ids).await;
        let rows = rows.map_err(Arc::new)?.into_iter();
        let found = rows.map(|row| Ok((row.id, row.try_into()?)));
        found.collect::<Result<_>>().map_err(Arc::new)
    }
}

/// A decision that would be another.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct SimulatedChange {
    /// Its place among the changes of its simulation, from 1.
    pub number: i32,
    /// What it is worth.
    pub effect: SimulatedEffect,
    /// When the money moved.
    pub occurred_on: Date,
    /// How much of it.
    pub amount: Money,
    /// What is proposed without the hypothesis.
    pub before: SimulatedProposal,
    /// What is proposed with the hypothesis.
    pub after: SimulatedProposal,
    #[graphql(skip)]
    record_id: RecordId,
    #[graphql(skip)]
    truth_id: Option<CategoryId>,
}

#[ComplexObject]
impl SimulatedChange {
    /// The record as it is now.
    async fn record(&self, ctx: &Context<'_>) -> Result<Option<Record>> {
        find(ctx, self.record_id).await
    }

    /// The category a person has approved; absent when nobody has.
    async fn approved_category(&self, ctx: &Context<'_>) -> Result<Option<Category>> {
        category(ctx, self.truth_id).await
    }
}

/// What is proposed about a record, one way or the other.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct SimulatedProposal {
    /// Who proposes.
    pub source: DecisionSource,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
    /// Whether it is sure enough to pass without a person.
    pub passes: bool,
    /// Why, in one sentence; told of what is proposed with the hypothesis.
    pub reason: Option<String>,
    /// The version of the pipeline that proposed, where what was stored is compared.
    pub pipeline_version: Option<String>,
    #[graphql(skip)]
    category_id: Option<CategoryId>,
}

#[ComplexObject]
impl SimulatedProposal {
    /// The category, if any.
    async fn category(&self, ctx: &Context<'_>) -> Result<Option<Category>> {
        category(ctx, self.category_id).await
    }
}

async fn category(ctx: &Context<'_>, id: Option<CategoryId>) -> Result<Option<Category>> {
    match id {
        Some(id) => find(ctx, id).await,
        None => Ok(None),
    }
}

impl From<simulated_change::Model> for SimulatedChange {
    fn from(row: simulated_change::Model) -> Self {
        Self {
            number: row.number,
            effect: row.effect.into(),
            occurred_on: Date(row.occurred_on),
            amount: Money::of(row.amount, &row.currency),
            before: SimulatedProposal {
                source: row.before_source.into(),
                confidence: row.before_confidence,
                passes: row.before_passes,
                reason: None,
                pipeline_version: row.before_version,
                category_id: row.before_category_id,
            },
            after: SimulatedProposal {
                source: row.after_source.into(),
                confidence: row.after_confidence,
                passes: row.after_passes,
                reason: Some(row.after_rationale),
                pipeline_version: None,
                category_id: row.after_category_id,
            },
            record_id: row.record_id,
            truth_id: row.truth_category_id,
        }
    }
}

payloads! {
    /// A simulation that was cancelled.
    CancelSimulationPayload {
        /// The simulation, with what it found until then.
        simulation: Simulation
    },
    /// A simulation that was asked for.
    SimulatePipelinePayload {
        /// The simulation, waiting for a worker; `simulationProgress` tells how far it is.
        simulation: Simulation
    },
}

/// Questions about simulations.
#[derive(Default)]
pub struct SimulationsQuery;

#[Object]
impl SimulationsQuery {
    /// The simulations that were asked for, the latest first; the latest 20 are kept. Needs `reports:read` and
    /// `records:read` for all records.
    async fn simulations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor they follow.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor they precede.")] before: Option<String>,
    ) -> Result<Connection<Simulation>> {
        let window = window(first, after, last, before)?;
        let op = ctx.op()?;
        let as_of = as_of(ctx).await?;
        let page = simulations::list(op, &window).await?;
        let page = page.try_map(Simulation::try_from)?;
        let mut found = Connection::of(page, identity);
        found.as_of = as_of;
        if asks(ctx, "totalCount") {
            found.total_count = Some(simulations::count(op).await? as i64);
        }
        Ok(found)
    }

    /// One simulation; absent when there is no such thing. Needs `reports:read` and `records:read` for all records.
    async fn simulation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: ID,
    ) -> Result<Option<Simulation>> {
        ctx.op()?;
        find::<SimulationId, _>(ctx, local("Simulation", "id", &id)?).await
    }

    /// The decisions that would be others, in the order they were found: of a simulation that runs, those found so far.
    /// Needs `reports:read` and `records:read` for all records.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn simulated_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of which simulation.")] simulation_id: ID,
        #[graphql(desc = "Only these.")] filter: Option<SimulatedChangeFilter>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor they follow.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor they precede.")] before: Option<String>,
    ) -> Result<Connection<SimulatedChange>> {
        let op = ctx.op()?;
        let window = window(first, after, last, before)?;
        let simulation = local("Simulation", "simulationId", &simulation_id)?;
        let filter = filter.unwrap_or_default().read()?;
        let as_of = as_of(ctx).await?;
        let page = simulations::changes(op, simulation, &filter, &window).await?;
        let mut found = Connection::of(page, SimulatedChange::from);
        found.as_of = as_of;
        if asks(ctx, "totalCount") {
            let total = simulations::count_changes(op, simulation, &filter).await?;
            found.total_count = Some(total as i64);
        }
        Ok(found)
    }
}

/// What can be done with simulations.
#[derive(Default)]
pub struct SimulationsMutation;

#[Object]
impl SimulationsMutation {
    /// Replay the pipeline on records of the past under a hypothesis: other rules, another target of automation, fewer
    /// tiers. Nothing of the books is changed and no language model is asked. At most 3 wait or run at a time. Needs
    /// `reports:create` and `rules:read` and `records:read` for all records.
    async fn simulate_pipeline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to suppose, and of which records.")] input: SimulatePipelineInput,
    ) -> Result<SimulatePipelinePayload> {
        let asked = async {
            let op = ctx.op()?;
            simulations::request(op, &input.read(op)?).await?.try_into()
        };
        SimulatePipelinePayload::of::<Simulation>(asked.await)
    }

    /// Stop a simulation that waits or runs; what it found until then stays. Needs `reports:create` and `records:read` for
    /// all records.
    async fn cancel_simulation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: CancelSimulationInput,
    ) -> Result<CancelSimulationPayload> {
        let cancelled = async {
            let id = local("Simulation", "simulationId", &input.simulation_id)?;
            simulations::cancel(ctx.op()?, id).await?.try_into()
        };
        CancelSimulationPayload::of::<Simulation>(cancelled.await)
    }
}
