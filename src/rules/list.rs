//! Looking rules up.

use entity::{RuleId, rule};
use sea_orm::{ColumnTrait, QueryFilter};

use super::order;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::permission::Permission;

/// The rules of the tenant in the order they are tried; [`MAX_RULES`](super::MAX_RULES) bounds them.
pub async fn list(ctx: &Ctx) -> Result<Vec<rule::Model>> {
    ctx.require(Permission::ReadRules)?;
    let read = ctx.read().await?;
    let rules = order::ordered(&read).await?;
    Ok(rules.into_iter().map(|(row, _)| row).collect())
}

/// A rule, also one that was removed: decisions still name it.
pub async fn find(ctx: &Ctx, id: RuleId) -> Result<Option<rule::Model>> {
    Ok(find_all(ctx, &[id]).await?.pop())
}

/// Several rules at once, in no order, also removed ones.
pub async fn find_all(ctx: &Ctx, ids: &[RuleId]) -> Result<Vec<rule::Model>> {
    ctx.require(Permission::ReadRules)?;
    let read = ctx.read().await?;
    let rules = read
        .select::<rule::Entity>()
        .filter(rule::Column::Id.is_in(ids.iter().copied()))
        .all(read.on())
        .await?;
    Ok(rules)
}

/// A rule that must be there.
pub async fn load(ctx: &Ctx, id: RuleId) -> Result<rule::Model> {
    find(ctx, id).await?.ok_or(Error::NotFound("rule"))
}
