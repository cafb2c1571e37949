//! What a tenant used of a language model, by day and model.

use chrono::NaiveDate;
use entity::{llm_spending, llm_usage};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveModelTrait, ColumnTrait, Insert, IntoActiveModel, QueryFilter, QueryOrder};

use super::budget::{Used, month};
use crate::ctx::{Ctx, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// Days that can be asked for at once.
pub const MAX_DAYS: i64 = 366;

/// Tokens used or reserved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Today.
    pub day: i64,
    /// This month.
    pub month: i64,
}

/// Adds to the usage of a day.
pub(super) async fn add(
    tx: &Tx<'_>,
    day: NaiveDate,
    model: &str,
    used: Used,
    cache_hits: i64,
) -> Result<()> {
    use llm_usage::{Column, Entity};
    let row = llm_usage::Model {
        tenant_id: tx.tenant(),
        on_day: day,
        model: model.to_owned(),
        calls: used.calls,
        failures: used.failures,
        questions: used.questions,
        cache_hits,
        prompt_tokens: used.prompt_tokens,
        completion_tokens: used.completion_tokens,
        cost_micros: used.cost_micros,
    };
    let more = |column: Column, excluded: &'static str| {
        let more = Expr::col((Entity, column)).add(Expr::cust(excluded));
        (column, more)
    };
    let again = OnConflict::columns([Column::TenantId, Column::OnDay, Column::Model])
        .values([
            more(Column::Calls, "excluded.calls"),
            more(Column::Failures, "excluded.failures"),
            more(Column::Questions, "excluded.questions"),
            more(Column::CacheHits, "excluded.cache_hits"),
            more(Column::PromptTokens, "excluded.prompt_tokens"),
            more(Column::CompletionTokens, "excluded.completion_tokens"),
            more(Column::CostMicros, "excluded.cost_micros"),
        ])
        .to_owned();
    Insert::<llm_usage::ActiveModel>::one(row.into_active_model().reset_all())
        .on_conflict(again)
        .exec_without_returning(tx.on())
        .await?;
    Ok(())
}

/// Counts records that were answered by what was known already.
pub async fn hits(ctx: &Ctx, model: &str, records: i64) -> Result<()> {
    let tx = ctx.begin().await?;
    add(&tx, ctx.today(), model, Used::default(), records).await?;
    tx.commit().await
}

/// What was used from one day to another, oldest first, and by model within a day.
pub async fn usage(ctx: &Ctx, from: NaiveDate, to: NaiveDate) -> Result<Vec<llm_usage::Model>> {
    ctx.require(Permission::ReadAudit)?;
    if to < from {
        return Err(Error::invalid("to", "it is before the first day"));
    }
    if (to - from).num_days() >= MAX_DAYS {
        return Err(Error::invalid(
            "to",
            format!("at most {MAX_DAYS} days at once"),
        ));
    }
    let read = ctx.read().await?;
    let rows = read
        .select::<llm_usage::Entity>()
        .filter(llm_usage::Column::OnDay.gte(from))
        .filter(llm_usage::Column::OnDay.lte(to))
        .order_by_asc(llm_usage::Column::OnDay)
        .order_by_asc(llm_usage::Column::Model)
        .all(read.on())
        .await?;
    Ok(rows)
}

/// What is used or reserved of today and of this month.
pub async fn spent(ctx: &Ctx) -> Result<Spent> {
    let read = ctx.read().await?;
    let row = read.select::<llm_spending::Entity>().one(read.on()).await?;
    let today = ctx.today();
    Ok(row.map_or_else(Spent::default, |row| Spent {
        day: if row.on_day >= today {
            row.day_tokens
        } else {
            0
        },
        month: if row.on_month >= month(today) {
            row.month_tokens
        } else {
            0
        },
    }))
}
