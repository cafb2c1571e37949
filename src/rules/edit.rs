//! Changing a rule, switching it off and on, and removing it.

use chrono::{DateTime, Utc};
use entity::{RuleId, rule};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter};
use serde_json::json;

use super::condition::{Actions, Condition};
use super::{create, order};
use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// What to change about a rule; the rest stays.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// What to call it.
    pub name: Option<String>,
    /// When it matches.
    pub conditions: Option<Condition>,
    /// What it fills in, all of it.
    pub actions: Option<Actions>,
    /// Whether later rules are skipped once it matched.
    pub stop: Option<bool>,
    /// Whether it only watches; one that has watched long enough is switched live with `false`.
    pub shadow: Option<bool>,
}

/// Changes a rule. What it decided before stays decided.
#[tracing::instrument(skip_all, fields(rule.id = %id))]
pub async fn edit(ctx: &Ctx, id: RuleId, changes: Changes) -> Result<rule::Model> {
    let mut tx = ctx.begin().await?;
    let changed = edit_within(&mut tx, id, changes).await?;
    tx.commit().await?;
    Ok(changed)
}

/// Changes a rule as part of a larger change, such as the suggestion that extends it.
pub async fn edit_within(tx: &mut Tx<'_>, id: RuleId, changes: Changes) -> Result<rule::Model> {
    let ctx = tx.ctx();
    ctx.require(Permission::WriteRules)?;
    let row = live(tx, id).await?;
    let conditions = match changes.conditions {
        Some(conditions) => conditions,
        None => serde_json::from_str(&row.conditions)?,
    };
    let renewed = changes.actions.is_some();
    let mut actions = match changes.actions {
        Some(actions) => actions,
        None => serde_json::from_str(&row.actions)?,
    };
    let name = match &changes.name {
        Some(name) => create::checked_name(name)?,
        None => row.name,
    };
    create::check(tx, &conditions, &actions).await?;
    if renewed {
        actions = create::resolved(tx, actions).await?;
    }
    let stop = changes.stop.unwrap_or(row.stop);
    let shadow = changes.shadow.unwrap_or(row.shadow);
    let mut changed = tx
        .update::<rule::Entity>()
        .col_expr(rule::Column::Name, Expr::value(name))
        .col_expr(
            rule::Column::Conditions,
            Expr::value(serde_json::to_string(&conditions)?),
        )
        .col_expr(
            rule::Column::Actions,
            Expr::value(serde_json::to_string(&actions)?),
        )
        .col_expr(rule::Column::Stop, Expr::value(stop))
        .col_expr(rule::Column::Shadow, Expr::value(shadow))
        .col_expr(rule::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(rule::Column::Id.eq(id))
        .filter(rule::Column::DeletedAt.is_null())
        .exec_with_returning(tx.on())
        .await?;
    let changed = changed.pop().ok_or(Error::NotFound("rule"))?;
    let mut diff = json!({});
    for (name, from, to) in [("stop", row.stop, stop), ("shadow", row.shadow, shadow)] {
        if from != to {
            diff[name] = json!({ "from": from, "to": to });
        }
    }
    let event = Event::RuleChanged { rule: id };
    match diff.as_object().is_some_and(|diff| !diff.is_empty()) {
        true => tx.record_diff(event, diff),
        false => tx.record(event),
    }
    Ok(changed)
}

/// Switches a rule on; one that is on stays on.
pub async fn enable(ctx: &Ctx, id: RuleId) -> Result<rule::Model> {
    switch(ctx, id, true).await
}

/// Switches a rule off; it keeps its place.
pub async fn disable(ctx: &Ctx, id: RuleId) -> Result<rule::Model> {
    switch(ctx, id, false).await
}

#[tracing::instrument(skip_all, fields(rule.id = %id))]
async fn switch(ctx: &Ctx, id: RuleId, enabled: bool) -> Result<rule::Model> {
    let mut tx = ctx.begin().await?;
    let row = switch_within(&mut tx, id, enabled).await?;
    tx.commit().await?;
    Ok(row)
}

/// Switches a rule on or off as part of a larger change; one that is so already stays.
pub async fn switch_within(tx: &mut Tx<'_>, id: RuleId, enabled: bool) -> Result<rule::Model> {
    let ctx = tx.ctx();
    ctx.require(Permission::WriteRules)?;
    let disabled_at: Option<DateTime<Utc>> = (!enabled).then(|| ctx.now());
    let leaves = match disabled_at {
        Some(_) => rule::Column::DisabledAt.is_null(),
        None => rule::Column::DisabledAt.is_not_null(),
    };
    let mut changed = tx
        .update::<rule::Entity>()
        .col_expr(rule::Column::DisabledAt, Expr::value(disabled_at))
        .col_expr(rule::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(rule::Column::Id.eq(id))
        .filter(rule::Column::DeletedAt.is_null())
        .filter(leaves)
        .exec_with_returning(tx.on())
        .await?;
    let Some(row) = changed.pop() else {
        // it is as wanted already, or it is not there
        return live(tx, id).await;
    };
    tx.record_diff(
        Event::RuleChanged { rule: id },
        json!({ "enabled": { "from": !enabled, "to": enabled } }),
    );
    Ok(row)
}

/// Removes a rule; the ones behind it move up. Decisions that name it can still show it.
#[tracing::instrument(skip_all, fields(rule.id = %id))]
pub async fn delete(ctx: &Ctx, id: RuleId) -> Result<rule::Model> {
    let mut tx = ctx.begin().await?;
    let row = delete_within(&mut tx, id).await?;
    tx.commit().await?;
    Ok(row)
}

/// Removes a rule as part of a larger change.
pub async fn delete_within(tx: &mut Tx<'_>, id: RuleId) -> Result<rule::Model> {
    let ctx = tx.ctx();
    ctx.require(Permission::WriteRules)?;
    let mut gone = tx
        .update::<rule::Entity>()
        .col_expr(rule::Column::DeletedAt, Expr::value(ctx.now()))
        .col_expr(rule::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(rule::Column::Id.eq(id))
        .filter(rule::Column::DeletedAt.is_null())
        .exec_with_returning(tx.on())
        .await?;
    let row = gone.pop().ok_or(Error::NotFound("rule"))?;
    let behind = rule::Column::Position.gt(row.position);
    order::shift(tx, row.group_id, -1, behind).await?;
    tx.record(Event::RuleDeleted { rule: id });
    Ok(row)
}

async fn live(tx: &Tx<'_>, id: RuleId) -> Result<rule::Model> {
    tx.select::<rule::Entity>()
        .filter(rule::Column::Id.eq(id))
        .filter(rule::Column::DeletedAt.is_null())
        .one(tx.on())
        .await?
        .ok_or(Error::NotFound("rule"))
}
