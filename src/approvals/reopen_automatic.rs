//! Taking back what entered the books by itself, all of it or since some moment.

use chrono::{DateTime, Utc};
use entity::approval::{self, Status};
use entity::decision::Source;
use entity::record;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use super::approve::all_moved;
use super::reopen::in_place_of;
use crate::ctx::{Ctx, Event};
use crate::error::Result;
use crate::permission::Permission;

/// Approvals taken back in one unit of work.
const STEP: u64 = 200;

/// Lets every record wait again that entered the books without a person since `from`, by this source or by any; how many.
/// It goes on in steps: what it has taken back when something stops it stays so, and asking again takes back the rest.
#[tracing::instrument(skip_all)]
pub async fn reopen_automatic(
    ctx: &Ctx,
    from: Option<DateTime<Utc>>,
    source: Option<Source>,
) -> Result<u64> {
    ctx.require_on_all(Permission::DecideApprovals)?;
    let wanted = Condition::all()
        .add_option(from.map(|from| approval::Column::CreatedAt.gte(from)))
        .add_option(source.map(|source| approval::Column::Source.eq(source)));
    let mut taken_back = 0;
    loop {
        let step = reopen_step(ctx, &wanted).await?;
        taken_back += step;
        if step < STEP {
            return Ok(taken_back);
        }
    }
}

async fn reopen_step(ctx: &Ctx, wanted: &Condition) -> Result<u64> {
    let mut tx = ctx.begin().await?;
    let found = tx
        .select::<approval::Entity>()
        .filter(approval::Column::Automatic.eq(true))
        .filter(approval::Column::Status.eq(Status::Approved))
        .filter(wanted.clone())
        .order_by_asc(approval::Column::Id)
        .limit(STEP)
        .lock_exclusive()
        .all(tx.on())
        .await?;
    if found.is_empty() {
        return Ok(0);
    }
    let reopened = tx
        .update::<approval::Entity>()
        .col_expr(approval::Column::Status, Expr::value(Status::Reopened))
        .filter(approval::Column::Id.is_in(found.iter().map(|row| row.id)))
        .filter(approval::Column::Status.eq(Status::Approved))
        .exec(tx.on())
        .await?;
    all_moved(reopened.rows_affected, found.len())?;
    // category, project and note stay: they are what is proposed
    let moved = tx
        .update::<record::Entity>()
        .col_expr(
            record::Column::Status,
            Expr::value(record::Status::Processed),
        )
        .col_expr(record::Column::Automatic, Expr::value(false))
        .col_expr(record::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(record::Column::Id.is_in(found.iter().map(|row| row.record_id)))
        .filter(record::Column::Status.eq(record::Status::Approved))
        .exec(tx.on())
        .await?;
    all_moved(moved.rows_affected, found.len())?;
    let waiting: Vec<approval::Model> = found
        .iter()
        .map(|row| in_place_of(&tx, row, row.id))
        .collect();
    for (row, instead) in found.iter().zip(&waiting) {
        let reopened = Event::ApprovalReopened {
            approval: instead.id,
            record: row.record_id,
            reopened: row.id,
            category: None,
        };
        tx.record_diff(
            reopened,
            json!({ "status": { "from": "APPROVED", "to": "REOPENED" } }),
        );
    }
    tx.insert_all(waiting).await?;
    tx.commit().await?;
    Ok(found.len() as u64)
}
