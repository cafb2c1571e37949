//! What a tenant lets pass.

use entity::automation::{self, Mode};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveEnum, ConnectionTrait, EntityTrait, IntoActiveModel, Select};
use serde_json::json;

use super::Bars;
use crate::ctx::{Ctx, Event, Read, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// Less than this much right is not worth having; all of it is not to be had.
const TARGET: std::ops::RangeInclusive<i32> = 900..=999;
/// Without looking at any, nobody would see books drift.
const AUDIT: std::ops::RangeInclusive<i32> = 10..=1_000;

/// What a tenant lets pass without a person. Shares are in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether anything passes.
    pub mode: Mode,
    /// How much of what passes is to be right.
    pub target_permille: i32,
    /// How much of what would pass is shown to a person all the same.
    pub audit_permille: i32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            mode: Mode::ProposeOnly,
            target_permille: 980,
            audit_permille: 50,
        }
    }
}

impl Policy {
    /// How much of what passes is to be right, 0 to 1.
    pub fn target(&self) -> f64 {
        f64::from(self.target_permille) / 1_000.0
    }

    /// How much of what would pass is shown to a person all the same, 0 to 1.
    pub fn audit_share(&self) -> f64 {
        f64::from(self.audit_permille) / 1_000.0
    }

    /// What it would be with a change; one out of range is refused.
    pub fn with(self, change: Change) -> Result<Self> {
        changed(self, change)
    }
}

/// What changes; what is absent stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change {
    /// Whether anything passes.
    pub mode: Option<Mode>,
    /// How much of what passes is to be right, 0 to 1.
    pub target: Option<f64>,
    /// How much of what would pass is shown to a person all the same, 0 to 1.
    pub audit_share: Option<f64>,
}

/// What the tenant lets pass, and the bars that its outcomes make now.
pub async fn standing(ctx: &Ctx) -> Result<(Policy, Bars)> {
    let read = ctx.read().await?;
    let policy = policy_within(&read).await?;
    let bars = super::latest(&read).await?.bars(policy.target());
    Ok((policy, bars))
}

/// What the tenant lets pass, as this reading transaction sees it.
pub async fn policy_within(read: &Read) -> Result<Policy> {
    found(read.select(), read.on()).await
}

async fn found(select: Select<automation::Entity>, on: &impl ConnectionTrait) -> Result<Policy> {
    let row = select.one(on).await?;
    Ok(row.map_or_else(Policy::default, |row| Policy {
        mode: row.mode,
        target_permille: row.target_permille,
        audit_permille: row.audit_permille,
    }))
}

/// Changes what passes from now on. What passed before stays; `approvals::reopen_automatic` takes it back.
#[tracing::instrument(skip_all)]
pub async fn set(ctx: &Ctx, change: Change) -> Result<Policy> {
    let mut tx = ctx.begin().await?;
    let after = set_within(&mut tx, change).await?;
    tx.commit().await?;
    Ok(after)
}

/// What the tenant lets pass, as this unit of work sees it.
pub async fn policy_in(tx: &Tx<'_>) -> Result<Policy> {
    found(tx.select(), tx.on()).await
}

/// Changes what passes as part of a larger change; what is so already stays.
pub async fn set_within(tx: &mut Tx<'_>, change: Change) -> Result<Policy> {
    let ctx = tx.ctx();
    ctx.require(Permission::ManageTenant)?;
    let before = policy_in(tx).await?;
    let after = changed(before, change)?;
    if after == before {
        return Ok(after);
    }
    put(tx, after).await?;
    let two = |from: i32, to: i32| json!({ "from": from, "to": to });
    let diff = json!({
        "mode": { "from": before.mode.to_value(), "to": after.mode.to_value() },
        "targetPermille": two(before.target_permille, after.target_permille),
        "auditPermille": two(before.audit_permille, after.audit_permille),
    });
    let tenant = ctx.tenant();
    tx.record_diff(Event::AutomationChanged { tenant }, diff);
    Ok(after)
}

fn changed(before: Policy, change: Change) -> Result<Policy> {
    let share =
        |field: &'static str, value: Option<f64>, now, range: std::ops::RangeInclusive<i32>| {
            let Some(value) = value else { return Ok(now) };
            let permille = (value * 1_000.0).round() as i32;
            if range.contains(&permille) {
                return Ok(permille);
            }
            let (from, to) = (*range.start(), *range.end());
            let message = format!("{} to {} is accepted", thousandths(from), thousandths(to));
            Err(Error::invalid(field, message))
        };
    Ok(Policy {
        mode: change.mode.unwrap_or(before.mode),
        target_permille: share(
            "targetPrecision",
            change.target,
            before.target_permille,
            TARGET,
        )?,
        audit_permille: share(
            "auditShare",
            change.audit_share,
            before.audit_permille,
            AUDIT,
        )?,
    })
}

fn thousandths(permille: i32) -> f64 {
    f64::from(permille) / 1_000.0
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tenant's own row, which may be there already; the row holds the tenant"
)]
async fn put(tx: &Tx<'_>, policy: Policy) -> Result<()> {
    use automation::Column;
    let row = automation::Model {
        tenant_id: tx.tenant(),
        mode: policy.mode,
        target_permille: policy.target_permille,
        audit_permille: policy.audit_permille,
        updated_at: tx.ctx().now(),
    };
    let again = OnConflict::column(Column::TenantId)
        .update_columns([
            Column::Mode,
            Column::TargetPermille,
            Column::AuditPermille,
            Column::UpdatedAt,
        ])
        .to_owned();
    automation::Entity::insert(row.into_active_model())
        .on_conflict(again)
        .exec_without_returning(tx.on())
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_out_of_range_is_named() {
        let of = |target| {
            changed(
                Policy::default(),
                Change {
                    target: Some(target),
                    ..Change::default()
                },
            )
        };
        assert_eq!(of(0.99).unwrap().target_permille, 990);
        for refused in [0.5, 1.0, -1.0, f64::NAN, 98.0] {
            let error = of(refused).unwrap_err().to_string();
            assert!(
                error.contains("targetPrecision") && error.contains("0.9 to 0.999"),
                "{error}"
            );
        }
        let none = Change {
            audit_share: Some(0.0),
            ..Change::default()
        };
        assert!(
            changed(Policy::default(), none).is_err(),
            "some are always looked at"
        );
    }
}
