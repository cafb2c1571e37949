//! Groups of rules: made, renamed, ordered, switched off as a whole, and removed.
//!
//! Rules without a group are tried first, then those of each group in the order of the groups.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{RuleGroupId, rule, rule_group};
use sea_orm::sea_query::{Expr, Func, SimpleExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    Select,
};
use serde_json::json;

use super::create::checked_name;
use super::order::{checked, in_group};
use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// How many groups a tenant may have.
pub const MAX_GROUPS: usize = 100;

/// What to change about a group; the rest stays.
#[derive(Clone, Debug, Default)]
pub struct GroupChanges {
    /// What to call it.
    pub name: Option<String>,
    /// Whether its rules are tried.
    pub enabled: Option<bool>,
}

/// The groups of the tenant in their order; [`MAX_GROUPS`] bounds them.
pub async fn list(ctx: &Ctx) -> Result<Vec<rule_group::Model>> {
    ctx.require(Permission::ReadRules)?;
    let read = ctx.read().await?;
    let groups = read
        .select::<rule_group::Entity>()
        .order_by_asc(rule_group::Column::Position)
        .order_by_asc(rule_group::Column::Id)
        .all(read.on())
        .await?;
    Ok(groups)
}

/// Several groups at once, in no order.
pub async fn find_all(ctx: &Ctx, ids: &[RuleGroupId]) -> Result<Vec<rule_group::Model>> {
    ctx.require(Permission::ReadRules)?;
    let read = ctx.read().await?;
    let groups = read
        .select::<rule_group::Entity>()
        .filter(rule_group::Column::Id.is_in(ids.iter().copied()))
        .all(read.on())
        .await?;
    Ok(groups)
}

/// The place of every group, and whether its rules are tried.
pub(super) async fn places(
    groups: Select<rule_group::Entity>,
    on: &impl ConnectionTrait,
) -> Result<HashMap<RuleGroupId, (i32, bool)>> {
    let rows = groups.all(on).await?;
    let place = |row: rule_group::Model| (row.id, (row.position, row.disabled_at.is_none()));
    Ok(rows.into_iter().map(place).collect())
}

/// Refuses a group that the tenant does not have; none is a good place too.
pub(super) async fn check(tx: &Tx<'_>, group: Option<RuleGroupId>) -> Result<()> {
    let Some(group) = group else {
        return Ok(());
    };
    let found = tx
        .select::<rule_group::Entity>()
        .filter(rule_group::Column::Id.eq(group))
        .count(tx.on())
        .await?;
    match found {
        1 => Ok(()),
        _ => Err(Error::NotFound("rule group")),
    }
}

/// Makes a group, after the others or at a position.
#[tracing::instrument(skip_all)]
pub async fn create(ctx: &Ctx, name: &str, position: Option<i32>) -> Result<rule_group::Model> {
    ctx.require(Permission::WriteRules)?;
    let name = checked_name(name)?;
    let mut tx = ctx.begin().await?;
    let count = locked(&tx).await?.len();
    if count >= MAX_GROUPS {
        return Err(Error::invalid(
            "name",
            format!("at most {MAX_GROUPS} groups are accepted; remove one first"),
        ));
    }
    let last = i32::try_from(count).unwrap_or(i32::MAX - 1) + 1;
    let position = position.map_or(Ok(last), |position| checked(position, last))?;
    shift(&tx, 1, rule_group::Column::Position.gte(position)).await?;
    let row = rule_group::Model {
        tenant_id: tx.tenant(),
        id: ctx.id(),
        name,
        position,
        disabled_at: None,
        created_by: ctx.user(),
        created_at: ctx.now(),
        updated_at: ctx.now(),
    };
    tx.insert(row.clone()).await?;
    tx.record(Event::RuleGroupCreated { rule_group: row.id });
    tx.commit().await?;
    Ok(row)
}

/// Renames a group, or switches its rules on or off; each rule keeps its own switch.
#[tracing::instrument(skip_all, fields(rule_group.id = %id))]
pub async fn edit(ctx: &Ctx, id: RuleGroupId, changes: GroupChanges) -> Result<rule_group::Model> {
    ctx.require(Permission::WriteRules)?;
    let name = changes.name.as_deref().map(checked_name).transpose()?;
    let mut tx = ctx.begin().await?;
    let row = one(&tx, id).await?;
    let was = row.disabled_at.is_none();
    let enabled = changes.enabled.unwrap_or(was);
    let disabled_at: Option<DateTime<Utc>> = match enabled {
        true => None,
        false => row.disabled_at.or(Some(ctx.now())),
    };
    let name = name.unwrap_or_else(|| row.name.clone());
    if name == row.name && enabled == was {
        return Ok(row);
    }
    let mut changed = tx
        .update::<rule_group::Entity>()
        .col_expr(rule_group::Column::Name, Expr::value(name))
        .col_expr(rule_group::Column::DisabledAt, Expr::value(disabled_at))
        .col_expr(rule_group::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(rule_group::Column::Id.eq(id))
        .exec_with_returning(tx.on())
        .await?;
    let changed = changed.pop().ok_or(Error::NotFound("rule group"))?;
    let event = Event::RuleGroupChanged { rule_group: id };
    match was == enabled {
        true => tx.record(event),
        false => tx.record_diff(event, json!({ "enabled": { "from": was, "to": enabled } })),
    }
    tx.commit().await?;
    Ok(changed)
}

/// Moves a group to a position, from 1; the ones between make room.
#[tracing::instrument(skip_all, fields(rule_group.id = %id))]
pub async fn move_to(ctx: &Ctx, id: RuleGroupId, position: i32) -> Result<rule_group::Model> {
    ctx.require(Permission::WriteRules)?;
    let mut tx = ctx.begin().await?;
    let groups = locked(&tx).await?;
    let last = i32::try_from(groups.len()).unwrap_or(i32::MAX);
    let moved = groups.into_iter().find(|group| group.id == id);
    let mut moved = moved.ok_or(Error::NotFound("rule group"))?;
    let (from, to) = (moved.position, checked(position, last)?);
    if from == to {
        return Ok(moved);
    }
    shift(&tx, -1, rule_group::Column::Position.gt(from)).await?;
    shift(&tx, 1, rule_group::Column::Position.gte(to)).await?;
    tx.update::<rule_group::Entity>()
        .col_expr(rule_group::Column::Position, Expr::value(to))
        .col_expr(rule_group::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(rule_group::Column::Id.eq(id))
        .exec(tx.on())
        .await?;
    tx.record_diff(
        Event::RuleGroupMoved {
            rule_group: id,
            position: to,
        },
        json!({ "position": { "from": from, "to": to } }),
    );
    tx.commit().await?;
    (moved.position, moved.updated_at) = (to, ctx.now());
    Ok(moved)
}

/// Removes a group. Its rules stay, behind the others that have none; those of a group that was off are off, so that
/// nothing begins to decide by it.
#[tracing::instrument(skip_all, fields(rule_group.id = %id))]
pub async fn delete(ctx: &Ctx, id: RuleGroupId) -> Result<rule_group::Model> {
    ctx.require(Permission::WriteRules)?;
    let mut tx = ctx.begin().await?;
    let groups = locked(&tx).await?;
    let row = groups.into_iter().find(|group| group.id == id);
    let row = row.ok_or(Error::NotFound("rule group"))?;
    let before = tx
        .select::<rule::Entity>()
        .filter(rule::Column::DeletedAt.is_null())
        .filter(in_group(None))
        .count(tx.on())
        .await?;
    let before = i32::try_from(before).map_err(Error::internal)?;
    let disabled: SimpleExpr = match row.disabled_at {
        Some(at) => Func::coalesce([Expr::col(rule::Column::DisabledAt), Expr::value(at)]).into(),
        None => Expr::col(rule::Column::DisabledAt),
    };
    let parted = tx
        .update::<rule::Entity>()
        .col_expr(
            rule::Column::GroupId,
            Expr::value(Option::<RuleGroupId>::None),
        )
        .col_expr(
            rule::Column::Position,
            Expr::col(rule::Column::Position).add(before),
        )
        .col_expr(rule::Column::DisabledAt, disabled)
        .col_expr(rule::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(in_group(Some(id)))
        .exec(tx.on())
        .await?;
    tx.delete::<rule_group::Entity>()
        .filter(rule_group::Column::Id.eq(id))
        .exec(tx.on())
        .await?;
    shift(&tx, -1, rule_group::Column::Position.gt(row.position)).await?;
    tx.record(Event::RuleGroupDeleted {
        rule_group: id,
        rules: parted.rows_affected,
    });
    tx.commit().await?;
    Ok(row)
}

async fn one(tx: &Tx<'_>, id: RuleGroupId) -> Result<rule_group::Model> {
    tx.select::<rule_group::Entity>()
        .filter(rule_group::Column::Id.eq(id))
        .lock_exclusive()
        .one(tx.on())
        .await?
        .ok_or(Error::NotFound("rule group"))
}

/// Every group, locked: two people who order at once follow each other.
async fn locked(tx: &Tx<'_>) -> Result<Vec<rule_group::Model>> {
    Ok(tx
        .select::<rule_group::Entity>()
        .order_by_asc(rule_group::Column::Id)
        .lock_exclusive()
        .all(tx.on())
        .await?)
}

async fn shift(tx: &Tx<'_>, step: i32, range: SimpleExpr) -> Result<()> {
    tx.update::<rule_group::Entity>()
        .col_expr(
            rule_group::Column::Position,
            Expr::col(rule_group::Column::Position).add(step),
        )
        .filter(range)
        .exec(tx.on())
        .await?;
    Ok(())
}
