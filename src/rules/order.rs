//! The order rules are tried in: positions count from 1 without gaps.

use entity::{RuleId, rule};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// Moves a rule to a position, from 1; the ones between make room.
#[tracing::instrument(skip_all, fields(rule.id = %id))]
pub async fn move_to(ctx: &Ctx, id: RuleId, position: i32) -> Result<rule::Model> {
    ctx.require(Permission::WriteRules)?;
    let mut tx = ctx.begin().await?;
    // every row, locked: two people who order at once follow each other
    let mut rules = tx
        .select::<rule::Entity>()
        .filter(rule::Column::DeletedAt.is_null())
        .order_by_asc(rule::Column::Position)
        .order_by_asc(rule::Column::Id)
        .lock_exclusive()
        .all(tx.on())
        .await?;
    let last = i32::try_from(rules.len()).unwrap_or(i32::MAX);
    let at = rules
        .iter()
        .position(|rule| rule.id == id)
        .ok_or(Error::NotFound("rule"))?;
    let mut moved = rules.swap_remove(at);
    let (from, to) = (moved.position, checked(position, last)?);
    if from == to {
        return Ok(moved);
    }
    let (step, between) = if to < from {
        (1, rule::Column::Position.between(to, from - 1))
    } else {
        (-1, rule::Column::Position.between(from + 1, to))
    };
    shift(&tx, step, between).await?;
    tx.update::<rule::Entity>()
        .col_expr(rule::Column::Position, Expr::value(to))
        .col_expr(rule::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(rule::Column::Id.eq(id))
        .exec(tx.on())
        .await?;
    tx.record_diff(
        Event::RuleMoved {
            rule: id,
            position: to,
        },
        json!({ "position": { "from": from, "to": to } }),
    );
    tx.commit().await?;
    moved.position = to;
    moved.updated_at = ctx.now();
    Ok(moved)
}

/// Moves the rules of a range by a step.
pub(super) async fn shift(
    tx: &Tx<'_>,
    step: i32,
    range: sea_orm::sea_query::SimpleExpr,
) -> Result<()> {
    tx.update::<rule::Entity>()
        .col_expr(
            rule::Column::Position,
            Expr::col(rule::Column::Position).add(step),
        )
        .filter(rule::Column::DeletedAt.is_null())
        .filter(range)
        .exec(tx.on())
        .await?;
    Ok(())
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
