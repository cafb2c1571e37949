//! Asking for a simulation.

use entity::simulation::{Column as C, Status};
use entity::{SimulationId, change_set, record, simulated_change, simulation};
use sea_orm::{
    ColumnTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};

use super::hypothesis::Hypothesis;
use super::rule_changes::{applied, check_names, known_accounts};
use super::store::is_open;
use super::{KEPT, MAX_OPEN, MAX_RECORDS};
use crate::ctx::{Ctx, Event, Job, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;
use crate::processing::VERSION;
use crate::rules;

/// Asks for the pipeline to be replayed under a hypothesis. The oldest simulation makes room where there are too many.
#[tracing::instrument(skip_all)]
pub async fn request(ctx: &Ctx, hypothesis: &Hypothesis) -> Result<simulation::Model> {
    ctx.require(Permission::CreateReports)?;
    ctx.require(Permission::ReadRules)?;
    ctx.require_on_all(Permission::ReadRecords)?;
    hypothesis.check()?;
    let mut tx = ctx.begin().await?;
    let known = known_accounts(&tx, hypothesis.accounts.iter().copied()).await?;
    if !hypothesis.accounts.iter().all(|id| known.contains(id)) {
        return Err(Error::invalid(
            "accountIds",
            "an account is named that does not exist; choose among the accounts of the tenant",
        ));
    }
    let rules = rules::arranged_within(&tx).await?.rules;
    applied(rules, &hypothesis.rules, ctx.tenant(), ctx.now())?;
    check_names(&tx, &hypothesis.rules).await?;
    let total = hypothesis
        .among(tx.select::<record::Entity>())
        .count(tx.on())
        .await?;
    if total > MAX_RECORDS {
        return Err(Error::invalid(
            "to",
            format!(
                "that are {total} records; at most {MAX_RECORDS} are accepted, so narrow the time or the accounts"
            ),
        ));
    }
    let open = tx
        .select::<simulation::Entity>()
        .filter(is_open())
        .count(tx.on())
        .await?;
    if open >= MAX_OPEN {
        return Err(Error::conflict(format!(
            "{open} simulations wait or run; wait for one, or cancel one"
        )));
    }
    make_room(&tx).await?;
    let row = simulation::Model {
        tenant_id: tx.tenant(),
        id: ctx.id(),
        hypothesis: serde_json::to_string(hypothesis)?,
        status: Status::Queued,
        total_records: i32::try_from(total).map_err(Error::internal)?,
        done_records: 0,
        changed_records: 0,
        tally: None,
        error: None,
        as_of: None,
        stand: None,
        version: VERSION.to_owned(),
        created_by: ctx.user(),
        created_at: ctx.now(),
        finished_at: None,
    };
    tx.insert(row.clone()).await?;
    tx.record(Event::SimulationRequested { simulation: row.id });
    tx.enqueue(Job::RunSimulation { simulation: row.id });
    tx.commit().await?;
    Ok(row)
}

/// Removes the oldest that are over, so that one more is not too many.
async fn make_room(tx: &Tx<'_>) -> Result<()> {
    let old: Vec<SimulationId> = tx
        .select::<simulation::Entity>()
        .select_only()
        .column(C::Id)
        .order_by_desc(C::Id)
        .offset(KEPT - 1)
        .limit(KEPT)
        .into_tuple()
        .all(tx.on())
        .await?;
    if old.is_empty() {
        return Ok(());
    }
    // what is being applied is read from its simulation
    let needed = tx
        .select::<change_set::Entity>()
        .select_only()
        .column(change_set::Column::SimulationId)
        .filter(
            change_set::Column::Status
                .is_in([change_set::Status::Queued, change_set::Status::Applying]),
        )
        .into_query();
    let over: Vec<SimulationId> = tx
        .select::<simulation::Entity>()
        .select_only()
        .column(C::Id)
        .filter(C::Id.is_in(old))
        .filter(is_open().not())
        .filter(C::Id.not_in_subquery(needed))
        .into_tuple()
        .all(tx.on())
        .await?;
    tx.delete::<simulated_change::Entity>()
        .filter(simulated_change::Column::SimulationId.is_in(over.iter().copied()))
        .exec(tx.on())
        .await?;
    tx.delete::<simulation::Entity>()
        .filter(C::Id.is_in(over))
        .exec(tx.on())
        .await?;
    Ok(())
}
