//! What a tenant wants of the language model.

use entity::llm_policy;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, EntityTrait, IntoActiveModel, Select};
use serde_json::json;

use crate::config::Llm;
use crate::ctx::{Ctx, Event, Job, Read, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;
use crate::vectors::Space;

/// What a tenant wants of the language model; nothing leaves until it is enabled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Whether its records may be shown to one.
    pub enabled: bool,
    /// Whether its texts may be sent to an embedding service.
    pub embeddings: bool,
    /// Tokens of a day; as many as the server allows when absent.
    pub daily_tokens: Option<i64>,
    /// Tokens of a month; as many as the server allows when absent.
    pub monthly_tokens: Option<i64>,
}

/// How many tokens may be used: what the tenant set, and never more than the server allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In a day.
    pub daily: i64,
    /// In a month.
    pub monthly: i64,
}

/// What changes; what is absent stays. A limit of `Some(None)` goes back to what the server allows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change {
    /// Whether records may be shown to a language model.
    pub enabled: Option<bool>,
    /// Whether texts may be sent to an embedding service.
    pub embeddings: Option<bool>,
    /// Tokens of a day.
    pub daily_tokens: Option<Option<i64>>,
    /// Tokens of a month.
    pub monthly_tokens: Option<Option<i64>>,
}

/// How many tokens a policy leaves, on a server with these settings.
pub fn limits(policy: &Policy, server: &Llm) -> Limits {
    let least = |own: Option<i64>, all: i64| own.map_or(all, |own| own.min(all));
    Limits {
        daily: least(policy.daily_tokens, server.llm_daily_tokens),
        monthly: least(policy.monthly_tokens, server.llm_monthly_tokens),
    }
}

/// What the tenant wants of the language model.
pub async fn standing(ctx: &Ctx) -> Result<Policy> {
    let read = ctx.read().await?;
    standing_within(&read).await
}

/// What the tenant wants of the language model, as this reading transaction sees it.
pub async fn standing_within(read: &Read) -> Result<Policy> {
    found(read.select(), read.on()).await
}

pub(super) async fn found(
    select: Select<llm_policy::Entity>,
    on: &impl ConnectionTrait,
) -> Result<Policy> {
    let row = select.one(on).await?;
    Ok(row.map_or_else(Policy::default, |row| Policy {
        enabled: row.enabled,
        embeddings: row.embeddings,
        daily_tokens: row.daily_tokens,
        monthly_tokens: row.monthly_tokens,
    }))
}

/// Changes what the tenant wants of the language model, from the next question on.
#[tracing::instrument(skip_all)]
pub async fn set(ctx: &Ctx, change: Change) -> Result<Policy> {
    ctx.require(Permission::ManageTenant)?;
    let mut tx = ctx.begin().await?;
    let before = found(tx.select(), tx.on()).await?;
    let after = changed(before, change)?;
    if after == before {
        return Ok(after);
    }
    put(&tx, after).await?;
    let diff = json!({
        "enabled": { "from": before.enabled, "to": after.enabled },
        "embeddings": { "from": before.embeddings, "to": after.embeddings },
        "dailyTokens": { "from": before.daily_tokens, "to": after.daily_tokens },
        "monthlyTokens": { "from": before.monthly_tokens, "to": after.monthly_tokens },
    });
    let tenant = ctx.tenant();
    tx.record_diff(Event::LanguageModelChanged { tenant }, diff);
    if after.embeddings != before.embeddings
        && let Some(asker) = ctx.handles().vectors.asker()
    {
        // the vectors of everything that is approved are made, or let go
        let Space { model, dimension } = asker.space().clone();
        tx.enqueue(Job::RebuildVectors {
            model,
            dimension,
            since: ctx.now(),
        });
    }
    tx.commit().await?;
    Ok(after)
}

fn changed(before: Policy, change: Change) -> Result<Policy> {
    let tokens = |field: &'static str, value: Option<Option<i64>>, now| match value {
        None => Ok(now),
        Some(Some(less)) if less < 0 => Err(Error::invalid(field, "0 or more is accepted")),
        Some(value) => Ok(value),
    };
    Ok(Policy {
        enabled: change.enabled.unwrap_or(before.enabled),
        embeddings: change.embeddings.unwrap_or(before.embeddings),
        daily_tokens: tokens("dailyTokens", change.daily_tokens, before.daily_tokens)?,
        monthly_tokens: tokens(
            "monthlyTokens",
            change.monthly_tokens,
            before.monthly_tokens,
        )?,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tenant's own row, which may be there already; the row holds the tenant"
)]
async fn put(tx: &Tx<'_>, policy: Policy) -> Result<()> {
    use llm_policy::Column;
    let row = llm_policy::Model {
        tenant_id: tx.tenant(),
        enabled: policy.enabled,
        embeddings: policy.embeddings,
        daily_tokens: policy.daily_tokens,
        monthly_tokens: policy.monthly_tokens,
        updated_at: tx.ctx().now(),
    };
    let again = OnConflict::column(Column::TenantId)
        .update_columns([
            Column::Enabled,
            Column::Embeddings,
            Column::DailyTokens,
            Column::MonthlyTokens,
            Column::UpdatedAt,
        ])
        .to_owned();
    llm_policy::Entity::insert(row.into_active_model())
        .on_conflict(again)
        .exec_without_returning(tx.on())
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_may_use_less_than_the_server_allows_and_never_more() {
        let server = Llm::default();
        let of = |daily| {
            let policy = Policy {
                daily_tokens: daily,
                ..Policy::default()
            };
            limits(&policy, &server).daily
        };
        assert_eq!(of(None), server.llm_daily_tokens);
        assert_eq!(of(Some(10)), 10);
        assert_eq!(of(Some(i64::MAX)), server.llm_daily_tokens);
        let less = Change {
            daily_tokens: Some(Some(-1)),
            ..Change::default()
        };
        assert!(changed(Policy::default(), less).is_err());
    }
}
