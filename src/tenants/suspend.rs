//! Putting a tenant on hold: nobody works in it, nothing enters it, and its jobs wait, until it is resumed.

use entity::tenant::{self, SuspendedBy};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::change::load;
use crate::ctx::{Actor, Ctx, Event};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// Suspends the tenant. Its owners can still enter, to resume it, to take an export and to delete it; everybody else is
/// refused.
#[tracing::instrument(skip_all)]
pub async fn suspend(ctx: &Ctx) -> Result<tenant::Model> {
    ctx.require(Permission::ManageTenant)?;
    let mut tx = ctx.begin().await?;
    let suspended = tenant::Entity::update_many()
        .col_expr(tenant::Column::SuspendedAt, Expr::value(ctx.now()))
        .col_expr(tenant::Column::SuspendedBy, Expr::value(who(ctx)))
        .col_expr(tenant::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(tenant::Column::Id.eq(ctx.tenant()))
        .filter(tenant::Column::SuspendedAt.is_null())
        .exec_with_returning(tx.on())
        .await?
        .pop();
    let Some(suspended) = suspended else {
        load(tx.on(), ctx.tenant()).await?;
        return Err(Error::conflict("the tenant is suspended already"));
    };
    tx.record(Event::TenantSuspended {
        tenant: ctx.tenant(),
    });
    tx.commit().await?;
    Ok(suspended)
}

/// Puts a suspended tenant back to work. What the operator suspended, the operator resumes.
#[tracing::instrument(skip_all)]
pub async fn resume(ctx: &Ctx) -> Result<tenant::Model> {
    ctx.require(Permission::ManageTenant)?;
    let mut tx = ctx.begin().await?;
    let mut resume = tenant::Entity::update_many()
        .col_expr(tenant::Column::SuspendedAt, Expr::cust("null"))
        .col_expr(tenant::Column::SuspendedBy, Expr::cust("null"))
        .col_expr(tenant::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(tenant::Column::Id.eq(ctx.tenant()))
        .filter(tenant::Column::SuspendedAt.is_not_null());
    if who(ctx) == SuspendedBy::Owner {
        resume = resume.filter(tenant::Column::SuspendedBy.eq(SuspendedBy::Owner));
    }
    let Some(resumed) = resume.exec_with_returning(tx.on()).await?.pop() else {
        let tenant = load(tx.on(), ctx.tenant()).await?;
        return Err(Error::conflict(match tenant.suspended_at {
            Some(_) => "the tenant was suspended by whoever runs the server, who can resume it",
            None => "the tenant is not suspended",
        }));
    };
    tx.record(Event::TenantResumed {
        tenant: ctx.tenant(),
    });
    tx.commit().await?;
    Ok(resumed)
}

fn who(ctx: &Ctx) -> SuspendedBy {
    match ctx.actor() {
        Actor::System => SuspendedBy::Operator,
        _ => SuspendedBy::Owner,
    }
}
