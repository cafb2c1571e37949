//! What a tenant has subscribed to.

use entity::tenant::{self, SubscriptionTier};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveEnum, ColumnTrait, EntityTrait, QueryFilter};

use super::change::load;
use crate::ctx::{Actor, Ctx, Event};
use crate::error::{Error, Result};

/// Gives the tenant another subscription: for whoever runs the server, who knows what was paid.
#[tracing::instrument(skip_all)]
pub async fn subscribe(ctx: &Ctx, tier: SubscriptionTier) -> Result<tenant::Model> {
    if ctx.actor() != Actor::System {
        return Err(Error::conflict(
            "whoever runs the server subscribes tenants",
        ));
    }
    let mut tx = ctx.begin().await?;
    let before = load(tx.on(), ctx.tenant()).await?;
    if before.subscription_tier == tier {
        return Ok(before);
    }
    let subscribed = tenant::Entity::update_many()
        .col_expr(tenant::Column::SubscriptionTier, Expr::value(tier))
        .col_expr(tenant::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(tenant::Column::Id.eq(ctx.tenant()))
        .filter(tenant::Column::SubscriptionTier.eq(before.subscription_tier))
        .exec_with_returning(tx.on())
        .await?
        .pop()
        .ok_or(Error::conflict(
            "the tenant was changed at the same time; look again",
        ))?;
    let event = Event::TenantSubscribed {
        tenant: ctx.tenant(),
        tier: tier.to_value(),
    };
    let diff = serde_json::json!({
        "subscriptionTier": { "from": before.subscription_tier.to_value(), "to": tier.to_value() },
    });
    tx.record_diff(event, diff);
    tx.commit().await?;
    Ok(subscribed)
}
