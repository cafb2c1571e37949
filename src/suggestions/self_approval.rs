//! Letting a suggested rule approve by itself, and saying whether it does and why.

use std::collections::HashMap;

use entity::automation::Mode;
use entity::rule_suggestion::{self, Column, Kind, Status};
use entity::{RuleId, RuleSuggestionId, rule_habit};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter};

use super::habits::FORGIVEN;
use super::{Class, Tallies};
use crate::automation::bar::ENOUGH;
use crate::automation::{self, Policy};
use crate::ctx::{Ctx, Event, Read};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// Confirmations in a row that a rule needs, by what it goes by.
const SURE: [(Kind, i32); 2] = [(Kind::MerchantAccount, 5), (Kind::Merchant, 8)];

/// Whether a suggestion in force approves by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct SelfApproval {
    /// Whether a person lets it, and no contradiction has stopped it.
    pub on: bool,
    /// Whether it does now.
    pub allowed: bool,
    /// One sentence.
    pub reason: String,
    /// The class that answers for it; none while it was confirmed too seldom.
    pub class: Option<String>,
    /// What the share of its class that held is at least.
    pub lower_bound: Option<f64>,
    /// Outcomes of its class.
    pub outcomes: u32,
}

/// Refuses whoever may not let a rule approve by itself: a program, or a person who may not decide about all records.
pub(super) fn may_let(ctx: &Ctx) -> Result<()> {
    ctx.require(Permission::WriteRules)?;
    ctx.require_on_all(Permission::DecideApprovals)?;
    ctx.person().map(drop)
}

/// Lets a rule approve by itself as soon as its class has earned it, or not any more. It counts for what is processed from
/// now on.
#[tracing::instrument(skip_all, fields(rule.id = %id))]
pub async fn set_self_approval(ctx: &Ctx, id: RuleId, on: bool) -> Result<()> {
    may_let(ctx)?;
    let rule = crate::rules::load(ctx, id).await?;
    let mut tx = ctx.begin().await?;
    let since = on.then(|| ctx.now());
    let set = tx
        .update::<rule_suggestion::Entity>()
        .col_expr(Column::SelfApprovingAt, Expr::value(since))
        .col_expr(
            Column::StoppedAt,
            Expr::value(None::<chrono::DateTime<chrono::Utc>>),
        )
        .col_expr(Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(Column::RuleId.eq(rule.id))
        .filter(Column::Status.eq(Status::Accepted))
        .exec(tx.on())
        .await?;
    if set.rows_affected == 0 {
        return Err(Error::invalid(
            "ruleId",
            "it was not made of a suggestion; nothing is counted that it could earn this by",
        ));
    }
    tx.record(Event::RuleSelfApprovalSet { rule: id, on });
    tx.commit().await
}

/// Whether these suggestions approve by themselves: two statements, however many.
pub async fn self_approval(
    ctx: &Ctx,
    rows: &[rule_suggestion::Model],
) -> Result<HashMap<RuleSuggestionId, SelfApproval>> {
    ctx.require(Permission::ReadRules)?;
    let read = ctx.read().await?;
    let policy = automation::policy_within(&read).await?;
    let tallies = tallies(&read).await?;
    let judged = rows
        .iter()
        .map(|row| (row.id, judge(row, &policy, &tallies)));
    Ok(judged.collect())
}

async fn tallies(read: &Read) -> Result<Tallies> {
    let row = read.select::<rule_habit::Entity>().one(read.on()).await?;
    // what a later version wrote is not known here
    let known = row.and_then(|row| serde_json::from_str(&row.classes).ok());
    Ok(known.unwrap_or_default())
}

fn judge(row: &rule_suggestion::Model, policy: &Policy, tallies: &Tallies) -> SelfApproval {
    let in_a_row = row.in_a_row.unsigned_abs();
    let clean = row.contradictions == 0 || in_a_row >= FORGIVEN;
    let class = Class::of(row.kind, clean, in_a_row);
    let tally = class.map(|class| tallies.of(class)).unwrap_or_default();
    let sure = SURE.into_iter().find(|(kind, _)| *kind == row.kind);
    let least = sure.map_or(0, |(_, least)| least);
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let on = row.self_approving_at.is_some() && row.stopped_at.is_none();
    let refusal = if row.status != Status::Accepted {
        Some("It is in no rule.".to_owned())
    } else if let Some(at) = row.stopped_at {
        let day = at.date_naive();
        Some(format!(
            "A contradiction stopped it on {day}; a person can let it approve again."
        ))
    } else if row.self_approving_at.is_none() {
        Some("No person has let it approve by itself.".to_owned())
    } else if policy.mode != Mode::Automatic {
        Some("The tenant lets nothing pass without a person.".to_owned())
    } else if !clean {
        Some(format!(
            "It was contradicted; {FORGIVEN} confirmations in a row make up for that, and it has {in_a_row}."
        ))
    } else if row.in_a_row < least {
        Some(format!(
            "It takes {least} confirmations in a row, and it has {in_a_row}."
        ))
    } else if tally.outcomes < ENOUGH {
        Some(format!(
            "Its class has {} outcomes, and {ENOUGH} are needed.",
            tally.outcomes
        ))
    } else if !tally.holds(policy.target()) {
        Some(format!(
            "Its class held in {} of {} outcomes, which proves {} and not {}.",
            tally.right,
            tally.outcomes,
            percent(tally.lower_bound()),
            percent(policy.target())
        ))
    } else {
        None
    };
    SelfApproval {
        on,
        allowed: refusal.is_none(),
        reason: refusal.unwrap_or_else(|| {
            format!(
                "Its class held in {} of {} outcomes, which proves {}.",
                tally.right,
                tally.outcomes,
                percent(tally.lower_bound())
            )
        }),
        class: class.map(|class| class.name()),
        lower_bound: (tally.outcomes > 0).then(|| tally.lower_bound()),
        outcomes: tally.outcomes,
    }
}
