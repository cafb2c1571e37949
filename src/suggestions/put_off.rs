//! Not now, not ever, and after all.

use chrono::{DateTime, TimeDelta, Utc};
use entity::rule_suggestion::{self, Column, Status};
use entity::{RuleSuggestionId, UserId};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter};

use super::{accept, clause, find};
use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;
use crate::rules::{self, Changes};

/// How long a suggestion can be put off.
const MOST: TimeDelta = TimeDelta::days(366);

/// Refuses a suggestion for good: the same category is not suggested for the same merchant again.
#[tracing::instrument(skip_all, fields(suggestion.id = %id))]
pub async fn dismiss(ctx: &Ctx, id: RuleSuggestionId) -> Result<rule_suggestion::Model> {
    ctx.require(Permission::WriteRules)?;
    let mut tx = ctx.begin().await?;
    let from = [Status::Open, Status::Snoozed];
    let row = turn(&tx, id, &from, Status::Dismissed, None).await?;
    tx.record(Event::RuleSuggestionDismissed {
        rule_suggestion: id,
    });
    tx.commit().await?;
    Ok(row)
}

/// Does not show a suggestion until some moment.
#[tracing::instrument(skip_all, fields(suggestion.id = %id))]
pub async fn snooze(
    ctx: &Ctx,
    id: RuleSuggestionId,
    until: DateTime<Utc>,
) -> Result<rule_suggestion::Model> {
    ctx.require(Permission::WriteRules)?;
    if until <= ctx.now() || until > ctx.now() + MOST {
        return Err(Error::invalid(
            "until",
            format!("a moment in the next {} days is accepted", MOST.num_days()),
        ));
    }
    let mut tx = ctx.begin().await?;
    let from = [Status::Open, Status::Snoozed];
    let row = turn(&tx, id, &from, Status::Snoozed, Some(until)).await?;
    tx.record(Event::RuleSuggestionSnoozed {
        rule_suggestion: id,
        until,
    });
    tx.commit().await?;
    Ok(row)
}

/// Undoes it: what was dismissed or put off waits again, and a rule that was retired counts again.
#[tracing::instrument(skip_all, fields(suggestion.id = %id))]
pub async fn restore(ctx: &Ctx, id: RuleSuggestionId) -> Result<rule_suggestion::Model> {
    ctx.require(Permission::WriteRules)?;
    let mut tx = ctx.begin().await?;
    let row = find::found(&tx, id).await?;
    let (status, from) = match (row.status, row.rule_id) {
        (Status::Retired, Some(_)) => (Status::Accepted, Status::Retired),
        (Status::Retired | Status::Dismissed | Status::Snoozed, _) => (Status::Open, row.status),
        (Status::Open | Status::Accepted, _) => return Err(find::why_not(&row)),
    };
    let rule = match status {
        Status::Accepted => Some(put_back(&mut tx, &row).await?),
        _ => None,
    };
    let restored = turn(&tx, id, &[from], status, None).await?;
    let restored = match rule {
        None => restored,
        Some(rule) => {
            // what was approved before it came back does not count against it
            let mut watched = tx
                .update::<rule_suggestion::Entity>()
                .col_expr(Column::RuleId, Expr::value(Some(rule)))
                .col_expr(Column::AcceptedSeen, Expr::col(Column::Seen))
                .col_expr(Column::Checked, Expr::value(0))
                .col_expr(Column::Confirmed, Expr::value(0))
                .filter(Column::Id.eq(id))
                .exec_with_returning(tx.on())
                .await?;
            watched.pop().ok_or(Error::NotFound("suggestion"))?
        }
    };
    tx.record(Event::RuleSuggestionRestored {
        rule_suggestion: id,
        rule,
    });
    tx.commit().await?;
    Ok(restored)
}

/// Puts what was retired back: the rule is switched on again, or gets its clause again, or is made anew.
async fn put_back(tx: &mut Tx<'_>, row: &rule_suggestion::Model) -> Result<entity::RuleId> {
    use entity::rule;
    let before = tx
        .select::<rule::Entity>()
        .filter(rule::Column::Id.is_in(row.rule_id))
        .filter(rule::Column::DeletedAt.is_null())
        .one(tx.on())
        .await?;
    let Some(before) = before else {
        let how = accept::Acceptance::default();
        return Ok(accept::file(tx, row, how).await?.0.id);
    };
    if before.disabled_at.is_some() {
        rules::switch_within(tx, before.id, true).await?;
    } else {
        let conditions = serde_json::from_str(&before.conditions)?;
        let changes = Changes {
            conditions: Some(clause::with(conditions, clause::clause(row))),
            ..Changes::default()
        };
        rules::edit_within(tx, before.id, changes).await?;
    }
    Ok(before.id)
}

/// Brings a suggestion into another state, if it is in one of these.
async fn turn(
    tx: &Tx<'_>,
    id: RuleSuggestionId,
    from: &[Status],
    to: Status,
    until: Option<DateTime<Utc>>,
) -> Result<rule_suggestion::Model> {
    let ctx = tx.ctx();
    let who: Option<UserId> = ctx.user();
    let mut changed = tx
        .update::<rule_suggestion::Entity>()
        .col_expr(Column::Status, Expr::value(to))
        .col_expr(Column::SnoozedUntil, Expr::value(until))
        .col_expr(Column::DecidedBy, Expr::value(who))
        .col_expr(Column::DecidedAt, Expr::value(Some(ctx.now())))
        .col_expr(Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(Column::Id.eq(id))
        .filter(Column::Status.is_in(from.iter().copied()))
        .exec_with_returning(tx.on())
        .await?;
    match changed.pop() {
        Some(row) => Ok(row),
        None => Err(find::why_not(&find::found(tx, id).await?)),
    }
}
