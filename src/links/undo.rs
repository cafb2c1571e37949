//! Saying that two records do not belong together, or do not any more.

use entity::LinkId;
use entity::record_link::{self, Column, Kind, Status};
use sea_orm::sea_query::{Expr, SelectStatement};
use sea_orm::{ColumnTrait, Condition, QueryFilter};

use super::confirm::{load, lock};
use super::event;
use crate::ctx::{Ctx, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// Says that a suggestion is wrong. The pair is not suggested again; it can still be confirmed.
#[tracing::instrument(skip_all, fields(link.id = %id))]
pub async fn dismiss(ctx: &Ctx, kind: Kind, id: LinkId) -> Result<record_link::Model> {
    leave(ctx, kind, id, Status::Suggested, Status::Dismissed).await
}

/// Takes a confirmed link back: its records count as they stand again.
#[tracing::instrument(skip_all, fields(link.id = %id))]
pub async fn unlink(ctx: &Ctx, kind: Kind, id: LinkId) -> Result<record_link::Model> {
    leave(ctx, kind, id, Status::Confirmed, Status::Unlinked).await
}

async fn leave(
    ctx: &Ctx,
    kind: Kind,
    id: LinkId,
    from: Status,
    to: Status,
) -> Result<record_link::Model> {
    ctx.require(Permission::DecideApprovals)?;
    let mut tx = ctx.begin().await?;
    let link = load(&tx, kind, id).await?;
    lock(&tx, link.out_id, link.in_id).await?;
    let left = tx
        .update::<record_link::Entity>()
        .col_expr(Column::Status, Expr::value(to))
        .col_expr(Column::DecidedBy, Expr::value(ctx.user()))
        .col_expr(Column::DecidedAt, Expr::value(Some(ctx.now())))
        .filter(Column::Id.eq(id))
        .filter(Column::Status.eq(from))
        .exec_with_returning(tx.on())
        .await?;
    let Some(link) = left.into_iter().next() else {
        return Err(Error::conflict(match from {
            Status::Suggested => "it is no suggestion any more",
            _ => "it is not confirmed",
        }));
    };
    tx.record(event(&link));
    tx.commit().await?;
    Ok(link)
}

/// Lets go of records that leave the books: what was confirmed about them is unlinked, what was suggested is dismissed.
/// `records` selects their ids; they are locked already.
pub async fn release(tx: &mut Tx<'_>, records: &SelectStatement) -> Result<()> {
    for (from, to) in [
        (Status::Confirmed, Status::Unlinked),
        (Status::Suggested, Status::Dismissed),
    ] {
        let either = Condition::any()
            .add(Column::OutId.in_subquery(records.clone()))
            .add(Column::InId.in_subquery(records.clone()));
        let left = tx
            .update::<record_link::Entity>()
            .col_expr(Column::Status, Expr::value(to))
            .col_expr(Column::DecidedBy, Expr::value(tx.ctx().user()))
            .col_expr(Column::DecidedAt, Expr::value(Some(tx.ctx().now())))
            .filter(Column::Status.eq(from))
            .filter(either)
            .exec_with_returning(tx.on())
            .await?;
        for link in &left {
            tx.record(event(link));
        }
    }
    Ok(())
}
