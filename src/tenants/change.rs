//! What a tenant is called and in which currency its reports are.

use entity::{TenantId, tenant};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use crate::ctx::{Ctx, Event};
use crate::error::{Error, Result};
use crate::identity;
use crate::permission::Permission;

/// What of a tenant is to be changed; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct TenantChange {
    /// What the company is called.
    pub name: Option<String>,
    /// ISO 4217 code its reports default to.
    pub base_currency: Option<String>,
}

/// Renames the tenant, or gives it another base currency: reports from now on default to it, and none that was made
/// changes.
#[tracing::instrument(skip_all)]
pub async fn change(ctx: &Ctx, change: TenantChange) -> Result<tenant::Model> {
    ctx.require(Permission::ManageTenant)?;
    let mut tx = ctx.begin().await?;
    let before = load(tx.on(), ctx.tenant()).await?;
    let name = change.name.unwrap_or_else(|| before.name.clone());
    let currency = change
        .base_currency
        .unwrap_or_else(|| before.base_currency.clone());
    let (name, currency) = identity::books(&name, &currency)?;
    let renamed = name != before.name;
    if !renamed && currency == before.base_currency {
        return Ok(before);
    }
    let changed = tenant::Entity::update_many()
        .col_expr(tenant::Column::Name, Expr::value(&name))
        .col_expr(tenant::Column::BaseCurrency, Expr::value(&currency))
        .col_expr(tenant::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(tenant::Column::Id.eq(ctx.tenant()))
        .filter(tenant::Column::Name.eq(&before.name))
        .filter(tenant::Column::BaseCurrency.eq(&before.base_currency))
        .exec_with_returning(tx.on())
        .await?
        .pop()
        .ok_or(Error::conflict(
            "the tenant was changed at the same time; look again",
        ))?;
    let event = Event::TenantChanged {
        tenant: ctx.tenant(),
        renamed,
    };
    if currency == before.base_currency {
        tx.record(event);
    } else {
        let diff =
            serde_json::json!({ "baseCurrency": { "from": before.base_currency, "to": currency } });
        tx.record_diff(event, diff);
    }
    tx.commit().await?;
    Ok(changed)
}

/// The row of a tenant.
pub(super) async fn load(on: &DatabaseTransaction, id: TenantId) -> Result<tenant::Model> {
    tenant::Entity::find()
        .filter(tenant::Column::Id.eq(id))
        .one(on)
        .await?
        .ok_or(Error::NotFound("tenant"))
}
