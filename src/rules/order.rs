//! The order rules are tried in: those without a group, then those of each group. Positions count from 1 within a group,
//! without gaps.

use std::collections::{HashMap, HashSet};

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
    let mut tx = ctx.begin().await?;
    let moved = move_within(&mut tx, id, to).await?;
    tx.commit().await?;
    Ok(moved)
}

/// Moves a rule as part of a larger change; one that is there already stays.
pub async fn move_within(tx: &mut Tx<'_>, id: RuleId, to: Destination) -> Result<rule::Model> {
    let ctx = tx.ctx();
    ctx.require(Permission::WriteRules)?;
    let rules = locked(tx).await?;
    let found = rules.iter().find(|rule| rule.id == id);
    let mut moved = found.cloned().ok_or(Error::NotFound("rule"))?;
    let (from_group, from) = (moved.group_id, moved.position);
    let group = to.group.unwrap_or(from_group);
    groups::check(tx, group).await?;
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
    shift(tx, from_group, -1, rule::Column::Position.gt(from)).await?;
    shift(tx, group, 1, rule::Column::Position.gte(position)).await?;
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
    (moved.group_id, moved.position, moved.updated_at) = (group, position, ctx.now());
    Ok(moved)
}

/// Every rule that was not removed, locked: two people who order at once follow each other.
pub(super) async fn locked(tx: &Tx<'_>) -> Result<Vec<rule::Model>> {
    let rules = tx
        .select::<rule::Entity>()
        .filter(rule::Column::DeletedAt.is_null())
        .order_by_asc(rule::Column::Id)
        .lock_exclusive()
        .all(tx.on())
        .await?;
    Ok(rules)
}

/// Every rule that was not removed in the order they are tried, and whether it is tried.
pub(super) async fn ordered(read: &Read) -> Result<Vec<(rule::Model, bool)>> {
    let (rows, groups) = both(read).await?;
    Ok(placed(rows, &groups))
}

async fn both(read: &Read) -> Result<(Vec<rule::Model>, HashMap<RuleGroupId, (i32, bool)>)> {
    let groups = groups::places(read.select(), read.on()).await?;
    let rows = read
        .select::<rule::Entity>()
        .filter(rule::Column::DeletedAt.is_null())
        .all(read.on())
        .await?;
    Ok((rows, groups))
}

fn placed(
    rows: Vec<rule::Model>,
    groups: &HashMap<RuleGroupId, (i32, bool)>,
) -> Vec<(rule::Model, bool)> {
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
    let placed = placed.into_iter();
    placed.map(|(_, row, tried)| (row, tried)).collect()
}

/// Every rule that was not removed in the order they are tried, each with its own switch, and the groups that are off.
#[derive(Clone, Debug, Default)]
pub struct Arranged {
    /// The rules.
    pub rules: Vec<rule::Model>,
    /// Groups whose rules are not tried, whatever their own switch says.
    pub off: HashSet<RuleGroupId>,
}

impl Arranged {
    fn of(rows: Vec<rule::Model>, groups: &HashMap<RuleGroupId, (i32, bool)>) -> Self {
        let off = groups.iter().filter(|(_, (_, on))| !on);
        let off = off.map(|(group, _)| *group).collect();
        let rules = placed(rows, groups).into_iter();
        Self {
            rules: rules.map(|(row, _)| row).collect(),
            off,
        }
    }

    /// The rules; those of a group that is off are told as switched off.
    pub fn as_tried(self) -> Vec<rule::Model> {
        let off = self.off;
        let rules = self.rules.into_iter().map(|mut row| {
            if row.group_id.is_some_and(|group| off.contains(&group)) {
                row.disabled_at = row.disabled_at.or(Some(row.updated_at));
            }
            row
        });
        rules.collect()
    }
}

/// The rules and their groups as this reading transaction sees them.
pub async fn arranged(read: &Read) -> Result<Arranged> {
    let (rows, groups) = both(read).await?;
    Ok(Arranged::of(rows, &groups))
}

/// The rules and their groups, locked until the unit of work is over: nobody changes one meanwhile.
pub async fn arranged_within(tx: &Tx<'_>) -> Result<Arranged> {
    let rows = locked(tx).await?;
    let groups = groups::places(tx.select(), tx.on()).await?;
    Ok(Arranged::of(rows, &groups))
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
