//! The order rules are tried in: those without a group, then those of each group. Positions count from 1 within a group,
//! without gaps.

use entity::{RuleGroupId, RuleId, rule};
use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{ColumnTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use super::groups;
use crate::ctx::{Ctx, Event, Read, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// Where a rule goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Destination {
    /// The group, or none; its own when absent.
    pub group: Option<Option<RuleGroupId>>,
    /// The position there, from 1; the end when absent.
    pub position: Option<i32>,
}

/// Moves a rule within its group, to another, or out of any; the ones around it make room.
#[tracing::instrument(skip_all, fields(rule.id = %id))]
pub async fn move_to(ctx: &Ctx, id: RuleId, to: Destination) -> Result<rule::Model> {
    ctx.require(Permission::WriteRules)?;
    let mut tx = ctx.begin().await?;
    // every row, locked: two people who order at once follow each other
    let rules = tx
        .select::<rule::Entity>()
        .filter(rule::Column::DeletedAt.is_null())
        .order_by_asc(rule::Column::Id)
        .lock_exclusive()
        .all(tx.on())
        .await?;
    let found = rules.iter().find(|rule| rule.id == id);
    let mut moved = found.cloned().ok_or(Error::NotFound("rule"))?;
    let (from_group, from) = (moved.group_id, moved.position);
    let group = to.group.unwrap_or(from_group);
    groups::check(&tx, group).await?;
    let others = rules
        .iter()
        .filter(|rule| rule.group_id == group && rule.id != id);
    let last = i32::try_from(others.count()).unwrap_or(i32::MAX - 1) + 1;
    let position = to
        .position
        .map_or(Ok(last), |position| checked(position, last))?;
    if (from_group, from) == (group, position) {
        return Ok(moved);
    }
    shift(&tx, from_group, -1, rule::Column::Position.gt(from)).await?;
    shift(&tx, group, 1, rule::Column::Position.gte(position)).await?;
    tx.update::<rule::Entity>()
        .col_expr(rule::Column::GroupId, Expr::value(group))
        .col_expr(rule::Column::Position, Expr::value(position))
        .col_expr(rule::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(rule::Column::Id.eq(id))
        .exec(tx.on())
        .await?;
    let mut diff = json!({ "position": { "from": from, "to": position } });
    if from_group != group {
        diff["group"] = json!({ "from": from_group, "to": group });
    }
    tx.record_diff(
        Event::RuleMoved {
            rule: id,
            position,
            group,
        },
        diff,
    );
    tx.commit().await?;
    (moved.group_id, moved.position, moved.updated_at) = (group, position, ctx.now());
    Ok(moved)
}

/// Every rule that was not removed in the order they are tried, and whether it is tried.
pub(super) async fn ordered(read: &Read) -> Result<Vec<(rule::Model, bool)>> {
    let groups = groups::places(read).await?;
    let rows = read
        .select::<rule::Entity>()
        .filter(rule::Column::DeletedAt.is_null())
        .all(read.on())
        .await?;
    let mut placed: Vec<(i32, rule::Model, bool)> = rows
        .into_iter()
        .map(|row| {
            let group = row.group_id.and_then(|id| groups.get(&id));
            let (place, on) = group.copied().unwrap_or((0, true));
            let tried = on && row.disabled_at.is_none();
            (place, row, tried)
        })
        .collect();
    placed.sort_by_key(|(place, row, _)| (*place, row.position, row.id));
    Ok(placed
        .into_iter()
        .map(|(_, row, tried)| (row, tried))
        .collect())
}

/// Every rule that was not removed in the order they are tried; those of a group that is off are told as switched off.
pub async fn in_order(read: &Read) -> Result<Vec<rule::Model>> {
    let rules = ordered(read).await?.into_iter();
    Ok(rules
        .map(|(mut row, tried)| {
            if !tried {
                row.disabled_at = row.disabled_at.or(Some(row.updated_at));
            }
            row
        })
        .collect())
}

/// Moves the rules of a range of a group by a step.
pub(super) async fn shift(
    tx: &Tx<'_>,
    group: Option<RuleGroupId>,
    step: i32,
    range: SimpleExpr,
) -> Result<()> {
    tx.update::<rule::Entity>()
        .col_expr(
            rule::Column::Position,
            Expr::col(rule::Column::Position).add(step),
        )
        .filter(rule::Column::DeletedAt.is_null())
        .filter(in_group(group))
        .filter(range)
        .exec(tx.on())
        .await?;
    Ok(())
}

/// The rules of a group, or of none.
pub(super) fn in_group(group: Option<RuleGroupId>) -> SimpleExpr {
    match group {
        Some(group) => rule::Column::GroupId.eq(group),
        None => rule::Column::GroupId.is_null(),
    }
}

/// A position that exists.
pub(super) fn checked(position: i32, last: i32) -> Result<i32> {
    if (1..=last).contains(&position) {
        Ok(position)
    } else {
        Err(Error::invalid(
            "position",
            format!("1 to {last} is accepted"),
        ))
    }
}
