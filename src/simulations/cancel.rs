//! Stopping a simulation.

use entity::simulation::{Column as C, Status};
use entity::{SimulationId, simulation};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter};

use super::find;
use super::store::is_open;
use crate::ctx::{Ctx, Event};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// Stops a simulation that waits or runs; its worker leaves it before its next step. What it found so far stays.
#[tracing::instrument(skip_all, fields(simulation.id = %id))]
pub async fn cancel(ctx: &Ctx, id: SimulationId) -> Result<simulation::Model> {
    ctx.require(Permission::CreateReports)?;
    find::may_read(ctx)?;
    let mut tx = ctx.begin().await?;
    let mut cancelled = tx
        .update::<simulation::Entity>()
        .col_expr(C::Status, Expr::value(Status::Cancelled))
        .col_expr(C::FinishedAt, Expr::value(ctx.now()))
        .filter(C::Id.eq(id))
        .filter(is_open())
        .exec_with_returning(tx.on())
        .await?;
    let Some(row) = cancelled.pop() else {
        tx.rollback().await?;
        let row = find::load(ctx, id).await?;
        return match row.status {
            Status::Cancelled => Ok(row),
            _ => Err(Error::conflict("the simulation is over already")),
        };
    };
    tx.record(Event::SimulationCancelled { simulation: id });
    tx.commit().await?;
    Ok(row)
}
