//! Not agreeing to an override that somebody proposed.

use entity::approval::{self, Status};
use entity::{ApprovalId, record};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};
use serde_json::json;

use super::reject::checked_comment;
use super::reopen::{require_reach, wait_again};
use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// Declines an override that needs a second person, or takes one's own back: the record waits again for a decision
/// about what was proposed before it. The approval that waits now.
#[tracing::instrument(skip_all, fields(approval.id = %id))]
pub async fn decline(
    ctx: &Ctx,
    id: ApprovalId,
    comment: Option<String>,
) -> Result<approval::Model> {
    ctx.require(Permission::DecideApprovals)?;
    let comment = checked_comment(comment)?;
    let mut tx = ctx.begin().await?;
    let proposed = tx
        .select::<approval::Entity>()
        .filter(approval::Column::Id.eq(id))
        .lock_exclusive()
        .one(tx.on())
        .await?
        .ok_or(Error::NotFound("approval"))?;
    require_reach(&tx, &proposed).await?;
    let (Some(_), Some(before)) = (&proposed.proposed_by, proposed.reopened_from) else {
        return Err(Error::conflict(
            "no override is proposed there; approve, override or reject the record",
        ));
    };
    let declined = tx
        .update::<approval::Entity>()
        .col_expr(approval::Column::Status, Expr::value(Status::Declined))
        .col_expr(approval::Column::Comment, Expr::value(comment))
        .col_expr(approval::Column::DecidedBy, Expr::value(ctx.user()))
        .col_expr(approval::Column::DecidedAt, Expr::value(Some(ctx.now())))
        .filter(approval::Column::Id.eq(id))
        .filter(approval::Column::Status.eq(Status::Pending))
        .exec(tx.on())
        .await?;
    if declined.rows_affected == 0 {
        return Err(Error::conflict(
            "the override was decided already; look again",
        ));
    }
    let before = replaced(&tx, before).await?;
    let waiting = wait_again(&tx, &before, id, &[record::Status::Processed]).await?;
    tx.record_diff(
        Event::OverrideDeclined {
            approval: waiting.id,
            record: waiting.record_id,
            declined: id,
            category: proposed.proposed_category_id,
        },
        json!({ "status": { "from": "PENDING", "to": "DECLINED" } }),
    );
    tx.commit().await?;
    Ok(waiting)
}

/// The approval whose place a proposed override took. One that was decided and reopened since stands for the one before
/// it.
async fn replaced(tx: &Tx<'_>, mut id: ApprovalId) -> Result<approval::Model> {
    loop {
        let row = tx
            .select::<approval::Entity>()
            .filter(approval::Column::Id.eq(id))
            .one(tx.on())
            .await?
            .ok_or_else(|| Error::internal("an override of nothing"))?;
        match (row.status, row.reopened_from) {
            (Status::Reopened, Some(before)) => id = before,
            _ => return Ok(row),
        }
    }
}
