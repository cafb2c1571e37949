//! Reserving tokens before a question and settling after it, exactly, however many workers ask at once.
//!
//! One row a tenant holds what is used or reserved of the current day and month. The condition is in the UPDATE, so two
//! workers never take the same tokens. A worker that disappears between the two leaves its reservation used until the
//! day, and the month, are over: nobody knows whether the service counted it.

use chrono::{Datelike, NaiveDate};
use entity::{llm_policy, llm_spending};
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, SimpleExpr};
use sea_orm::{ColumnTrait, QueryFilter};

use super::policy::{self, Limits, limits};
use super::usage;
use crate::ctx::{Ctx, Tx};
use crate::error::Result;

/// Tokens that are set aside for a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserved {
    tokens: i64,
    day: NaiveDate,
}

/// Why nothing was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The tenant does not want its records shown.
    Off,
    /// They do not fit into what is left of the day.
    Day(Limits),
    /// They do not fit into what is left of the month.
    Month(Limits),
}

/// What a question took in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Requests sent.
    pub calls: i64,
    /// Those that brought nothing usable.
    pub failures: i64,
    /// Questions in them.
    pub questions: i64,
    /// Tokens read.
    pub prompt_tokens: i64,
    /// Tokens written.
    pub completion_tokens: i64,
    /// What that costs, in millionths.
    pub cost_micros: i64,
}

/// Sets tokens aside; refuses when the tenant does not want it or they do not fit.
pub async fn reserve(ctx: &Ctx, tokens: i64) -> Result<Result<Reserved, Refused>> {
    let tx = ctx.begin().await?;
    let policy = policy::found(tx.select::<llm_policy::Entity>(), tx.on()).await?;
    if !policy.enabled {
        return Ok(Err(Refused::Off));
    }
    let limits = limits(&policy, &ctx.config().llm);
    let day = ctx.today();
    open(&tx, day).await?;
    let taken = add(&tx, day, tokens)
        .filter(within(Column::DayTokens, Column::OnDay, day, tokens).lte(limits.daily))
        .filter(
            within(Column::MonthTokens, Column::OnMonth, month(day), tokens).lte(limits.monthly),
        )
        .exec(tx.on())
        .await?;
    if taken.rows_affected == 1 {
        tx.commit().await?;
        return Ok(Ok(Reserved { tokens, day }));
    }
    let used = tx
        .select::<llm_spending::Entity>()
        .one(tx.on())
        .await?
        .filter(|row| row.on_day >= day)
        .map_or(0, |row| row.day_tokens);
    Ok(Err(if used.saturating_add(tokens) > limits.daily {
        Refused::Day(limits)
    } else {
        Refused::Month(limits)
    }))
}

/// Gives back what a question did not take, and counts what it did.
pub async fn settle(ctx: &Ctx, reserved: Reserved, model: &str, used: Used) -> Result<()> {
    let back = used.prompt_tokens + used.completion_tokens - reserved.tokens;
    let day = reserved.day;
    let tx = ctx.begin().await?;
    // a day or a month that began meanwhile does not know the reservation
    let less = |tokens, since: Column, at: NaiveDate| -> SimpleExpr {
        CaseStatement::new()
            .case(since.eq(at), Expr::col(tokens).add(back))
            .finally(Expr::col(tokens))
            .into()
    };
    tx.update::<llm_spending::Entity>()
        .col_expr(
            Column::DayTokens,
            less(Column::DayTokens, Column::OnDay, day),
        )
        .col_expr(
            Column::MonthTokens,
            less(Column::MonthTokens, Column::OnMonth, month(day)),
        )
        .exec(tx.on())
        .await?;
    usage::add(&tx, day, model, used, 0).await?;
    tx.commit().await
}

use llm_spending::Column;

/// Makes the row of a tenant that never asked before.
async fn open(tx: &Tx<'_>, day: NaiveDate) -> Result<()> {
    let row = llm_spending::Model {
        tenant_id: tx.tenant(),
        on_day: day,
        day_tokens: 0,
        on_month: month(day),
        month_tokens: 0,
    };
    tx.insert_new(vec![row]).await?;
    Ok(())
}

fn add(tx: &Tx<'_>, day: NaiveDate, tokens: i64) -> sea_orm::UpdateMany<llm_spending::Entity> {
    tx.update::<llm_spending::Entity>()
        .col_expr(
            Column::DayTokens,
            within(Column::DayTokens, Column::OnDay, day, tokens),
        )
        .col_expr(
            Column::MonthTokens,
            within(Column::MonthTokens, Column::OnMonth, month(day), tokens),
        )
        .col_expr(Column::OnDay, later(Column::OnDay, day))
        .col_expr(Column::OnMonth, later(Column::OnMonth, month(day)))
}

/// What a count is with these tokens: it begins again with a later day, and only with a later one, so that clocks that
/// differ a little lose nothing at midnight.
fn within(count: Column, since: Column, at: NaiveDate, tokens: i64) -> SimpleExpr {
    CaseStatement::new()
        .case(since.lt(at), Expr::value(tokens))
        .finally(Expr::col(count).add(tokens))
        .into()
}

fn later(since: Column, at: NaiveDate) -> SimpleExpr {
    CaseStatement::new()
        .case(since.lt(at), Expr::value(at))
        .finally(Expr::col(since))
        .into()
}

/// The first day of the month.
pub(super) fn month(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}
