//! Ending a rule that stopped holding, with notice.

use entity::rule_suggestion::{self, Column, Status};
use entity::{RuleId, RuleSuggestionId, rule};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter};

use super::clause;
use crate::ctx::{Event, Tx};
use crate::error::Result;
use crate::rules::{self, Changes};

/// Retires accepted suggestions: each is taken out of its rule, and a rule that holds nothing else is disabled. The log
/// tells each of them.
pub(super) async fn retire(tx: &mut Tx<'_>, ids: &[RuleSuggestionId]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let retired = tx
        .update::<rule_suggestion::Entity>()
        .col_expr(Column::Status, Expr::value(Status::Retired))
        .col_expr(
            Column::SelfApprovingAt,
            Expr::value(None::<chrono::DateTime<chrono::Utc>>),
        )
        .col_expr(Column::DecidedAt, Expr::value(Some(tx.ctx().now())))
        .col_expr(Column::UpdatedAt, Expr::value(tx.ctx().now()))
        .filter(Column::Id.is_in(ids.iter().copied()))
        .filter(Column::Status.eq(Status::Accepted))
        .exec_with_returning(tx.on())
        .await?;
    for row in &retired {
        let Some(rule) = row.rule_id else { continue };
        let disabled = take_out(tx, rule, row).await?;
        tx.record(Event::RuleRetired {
            rule,
            rule_suggestion: row.id,
            checked: row.checked,
            confirmed: row.confirmed,
            disabled,
        });
    }
    Ok(())
}

/// Takes a suggestion out of its rule; whether the rule was disabled by that.
async fn take_out(tx: &mut Tx<'_>, id: RuleId, row: &rule_suggestion::Model) -> Result<bool> {
    let found = tx
        .select::<rule::Entity>()
        .filter(rule::Column::Id.eq(id))
        .filter(rule::Column::DeletedAt.is_null())
        .one(tx.on())
        .await?;
    let Some(found) = found else {
        return Ok(false);
    };
    // the rule goes on without it, when it holds others
    let rest = serde_json::from_str(&found.conditions)
        .ok()
        .and_then(|conditions| clause::without(conditions, &clause::clause(row)));
    let Some(rest) = rest else {
        rules::switch_within(tx, id, false).await?;
        return Ok(true);
    };
    let changes = Changes {
        conditions: Some(rest),
        ..Changes::default()
    };
    rules::edit_within(tx, id, changes).await?;
    Ok(false)
}
