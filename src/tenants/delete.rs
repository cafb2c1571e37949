//! Asking for the end of a tenant, and thinking better of it.

use chrono::{DateTime, TimeDelta, Utc};
use entity::tenant;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::change::load;
use super::export;
use crate::ctx::{Ctx, Event};
use crate::error::{Error, Result};
use crate::identity;
use crate::mail::{self, Message};
use crate::permission::Permission;

/// Asks for the tenant to be erased, once the grace period is over. The owner types its name to confirm. Everything of it
/// is written to a file first, and work in it goes on until then.
#[tracing::instrument(skip_all)]
pub async fn request_deletion(ctx: &Ctx, name: &str) -> Result<tenant::Model> {
    ctx.require(Permission::ManageTenant)?;
    let grace = TimeDelta::days(i64::from(ctx.config().tenant_deletion_days));
    let erase_at = ctx.now() + grace;
    let mut tx = ctx.begin().await?;
    let before = load(tx.on(), ctx.tenant()).await?;
    if before.name != name.trim() {
        return Err(Error::invalid(
            "tenantName",
            "is not the name of this tenant; type it as it is to confirm",
        ));
    }
    let asked = tenant::Entity::update_many()
        .col_expr(tenant::Column::DeletionRequestedAt, Expr::value(ctx.now()))
        .col_expr(tenant::Column::EraseAt, Expr::value(erase_at))
        .col_expr(tenant::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(tenant::Column::Id.eq(ctx.tenant()))
        .filter(tenant::Column::EraseAt.is_null())
        .exec_with_returning(tx.on())
        .await?
        .pop()
        .ok_or(Error::conflict("its deletion was asked for already"))?;
    export::ask(&mut tx, true).await?;
    if mail::has_server(ctx.config()) {
        for owner in identity::owners(&tx).await? {
            mail::enqueue(&mut tx, warning(owner.email, erase_at))?;
        }
    }
    tx.record(Event::TenantDeletionRequested {
        tenant: ctx.tenant(),
        erase_at,
    });
    tx.commit().await?;
    Ok(asked)
}

/// What every owner reads, in case it was not they who asked.
fn warning(to: String, erase_at: DateTime<Utc>) -> Message {
    Message {
        to,
        subject: "Books of yours will be deleted".to_owned(),
        text: format!(
            "An owner has asked for a company whose books you keep to be deleted. It will be erased on {} (UTC).\n\n\
             Until then any owner can cancel this, and download everything of it, in the settings of the company.\n",
            erase_at.format("%Y-%m-%d %H:%M"),
        ),
    }
}

/// Keeps a tenant whose deletion was asked for, as long as its erasure has not begun.
#[tracing::instrument(skip_all)]
pub async fn cancel_deletion(ctx: &Ctx) -> Result<tenant::Model> {
    ctx.require(Permission::ManageTenant)?;
    let mut tx = ctx.begin().await?;
    let kept = tenant::Entity::update_many()
        .col_expr(tenant::Column::DeletionRequestedAt, Expr::cust("null"))
        .col_expr(tenant::Column::EraseAt, Expr::cust("null"))
        .col_expr(tenant::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(tenant::Column::Id.eq(ctx.tenant()))
        .filter(tenant::Column::EraseAt.is_not_null())
        .filter(tenant::Column::EraseBegunAt.is_null())
        .exec_with_returning(tx.on())
        .await?
        .pop();
    let Some(kept) = kept else {
        load(tx.on(), ctx.tenant()).await?;
        return Err(Error::conflict("its deletion was not asked for"));
    };
    tx.record(Event::TenantDeletionCancelled {
        tenant: ctx.tenant(),
    });
    tx.commit().await?;
    Ok(kept)
}
