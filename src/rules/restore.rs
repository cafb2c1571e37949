//! Bringing a removed rule back.

use entity::{RuleId, rule};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter};

use super::{Destination, MAX_RULES, groups, order};
use crate::ctx::{Event, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// Brings a rule back that was removed, as it was then, as part of a larger change; the ones behind its place make room.
/// Without a group in `to` it goes among the rules that have none.
pub async fn restore_within(tx: &mut Tx<'_>, id: RuleId, to: Destination) -> Result<rule::Model> {
    let ctx = tx.ctx();
    ctx.require(Permission::WriteRules)?;
    let rules = order::locked(tx).await?;
    if rules.len() >= MAX_RULES {
        return Err(Error::conflict(format!(
            "at most {MAX_RULES} rules are accepted; remove one first"
        )));
    }
    let group = to.group.flatten();
    groups::check(tx, group).await?;
    let others = rules.iter().filter(|rule| rule.group_id == group);
    let last = i32::try_from(others.count()).unwrap_or(i32::MAX - 1) + 1;
    let position = to
        .position
        .map_or(Ok(last), |position| order::checked(position, last))?;
    order::shift(tx, group, 1, rule::Column::Position.gte(position)).await?;
    let mut back = tx
        .update::<rule::Entity>()
        .col_expr(
            rule::Column::DeletedAt,
            Expr::value(Option::<chrono::DateTime<chrono::Utc>>::None),
        )
        .col_expr(rule::Column::GroupId, Expr::value(group))
        .col_expr(rule::Column::Position, Expr::value(position))
        .col_expr(rule::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(rule::Column::Id.eq(id))
        .filter(rule::Column::DeletedAt.is_not_null())
        .exec_with_returning(tx.on())
        .await?;
    let row = back.pop().ok_or(Error::NotFound("rule"))?;
    tx.record(Event::RuleRestored { rule: id });
    Ok(row)
}
