//! Noting what approvals say about rules: new suggestions, what becomes of those there are, and how well classes hold. One
//! unit of work, a handful of statements however many approvals.

use std::collections::BTreeSet;

use entity::rule_suggestion::{self, Column, Status};
use entity::{JobId, RuleSuggestionId, rule_habit};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveEnum, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter};

use super::habits::is_failing;
use super::{Habit, Key, Tallies, clause, find, retire};
use crate::ctx::{Ctx, Event, Tx};
use crate::error::Result;
use crate::queue::Claim;
use crate::text;

/// Suggestions that wait at a time: more than people look through.
const MAX_OPEN: u64 = 200;
/// Suggestions of a tenant altogether.
const MAX: u64 = 20_000;

/// A key that was approved, and how it stands.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Which key.
    pub key: Key,
    /// How it is filed; none when nothing of it is left.
    pub habit: Option<Habit>,
    /// Whether a rule for it is worth suggesting, and no rule says so already.
    pub ready: bool,
}

/// What is to be done.
#[derive(Debug, Default)]
struct Plan {
    new: Vec<rule_suggestion::Model>,
    measured: Vec<rule_suggestion::Model>,
    again: Vec<RuleSuggestionId>,
    withdrawn: Vec<RuleSuggestionId>,
    failing: Vec<RuleSuggestionId>,
    stopped: Vec<RuleSuggestionId>,
}

/// Completes the jobs and notes how these keys stand, and how classes held up to this place in the log.
pub async fn note(
    ctx: &Ctx,
    claim: &Claim,
    jobs: &[JobId],
    seen: &[Seen],
    sequence: i64,
    classes: &Tallies,
) -> Result<()> {
    let mut tx = ctx.begin().await?;
    tx.complete(claim, jobs).await?;
    let merchants: BTreeSet<&str> = seen.iter().map(|it| it.key.merchant.as_str()).collect();
    let known = tx
        .select::<rule_suggestion::Entity>()
        .filter(Column::MerchantKey.is_in(merchants))
        .all(tx.on())
        .await?;
    let mut plan = plan(&tx, seen, &known);
    if !plan.new.is_empty() {
        let room = room(&tx).await?;
        plan.new.truncate(room);
    }
    carry_out(&mut tx, plan).await?;
    put_classes(&tx, sequence, classes).await?;
    tx.commit().await
}

fn plan(tx: &Tx<'_>, seen: &[Seen], known: &[rule_suggestion::Model]) -> Plan {
    let mut plan = Plan::default();
    for Seen { key, habit, ready } in seen {
        let own = known.iter().filter(|row| clause::key(row) == *key);
        for row in own.clone() {
            let Some(habit) = habit else {
                if matches!(row.status, Status::Open | Status::Snoozed) {
                    plan.withdrawn.push(row.id);
                }
                continue;
            };
            let measured = measured(tx, row, habit);
            let now_contradicted = measured.contradictions > row.contradictions;
            match row.status {
                Status::Open | Status::Snoozed if measured.in_a_row == 0 => {
                    plan.withdrawn.push(row.id);
                }
                Status::Retired if *ready && habit.category == row.category_id => {
                    plan.again.push(row.id);
                }
                Status::Accepted => {
                    if is_failing(
                        measured.checked.unsigned_abs(),
                        measured.confirmed.unsigned_abs(),
                    ) {
                        plan.failing.push(row.id);
                    } else if now_contradicted
                        && row.self_approving_at.is_some()
                        && row.stopped_at.is_none()
                    {
                        plan.stopped.push(row.id);
                    }
                }
                _ => {}
            }
            plan.measured.push(measured);
        }
        if let Some(habit) = habit.as_ref().filter(|_| *ready)
            && !own.clone().any(|row| row.category_id == habit.category)
        {
            plan.new.push(suggestion(tx, key, habit));
        }
    }
    plan
}

/// A suggestion as its key stands now.
fn measured(tx: &Tx<'_>, row: &rule_suggestion::Model, habit: &Habit) -> rule_suggestion::Model {
    let count = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let support = habit.support(row.category_id);
    let (checked, confirmed) = match row.status {
        Status::Accepted => habit.since(row.accepted_seen.unsigned_abs(), row.category_id),
        _ => (row.checked.unsigned_abs(), row.confirmed.unsigned_abs()),
    };
    rule_suggestion::Model {
        support: count(support),
        in_a_row: count(habit.row_of(row.category_id)),
        contradictions: count(habit.seen.saturating_sub(support)),
        seen: count(habit.seen),
        checked: count(checked),
        confirmed: count(confirmed),
        updated_at: tx.ctx().now(),
        ..row.clone()
    }
}

fn suggestion(tx: &Tx<'_>, key: &Key, habit: &Habit) -> rule_suggestion::Model {
    let ctx = tx.ctx();
    let account = key.account.map(|id| id.to_string()).unwrap_or_default();
    let row = rule_suggestion::Model {
        tenant_id: tx.tenant(),
        id: ctx.id(),
        kind: key.kind(),
        merchant_key: key.merchant.clone(),
        account_id: key.account,
        category_id: habit.category,
        key: text::key(&format!("{account}\n{}\n{}", habit.category, key.merchant)),
        status: Status::Open,
        support: 0,
        in_a_row: 0,
        contradictions: 0,
        seen: 0,
        accepted_seen: 0,
        checked: 0,
        confirmed: 0,
        rule_id: None,
        self_approving_at: None,
        stopped_at: None,
        snoozed_until: None,
        decided_by: None,
        decided_at: None,
        created_at: ctx.now(),
        updated_at: ctx.now(),
    };
    measured(tx, &row, habit)
}

/// How many more suggestions there may be.
async fn room(tx: &Tx<'_>) -> Result<usize> {
    let open = tx
        .select::<rule_suggestion::Entity>()
        .filter(find::is(Status::Open, tx.ctx().now()))
        .count(tx.on())
        .await?;
    let all = tx
        .select::<rule_suggestion::Entity>()
        .count(tx.on())
        .await?;
    let room = MAX_OPEN.saturating_sub(open).min(MAX.saturating_sub(all));
    Ok(usize::try_from(room).unwrap_or(0))
}

async fn carry_out(tx: &mut Tx<'_>, plan: Plan) -> Result<()> {
    // another process may have noted the same
    let stored = tx.insert_new(plan.new.clone()).await?;
    for row in &plan.new {
        if stored.iter().any(|(_, id)| *id == row.id) {
            suggested(tx, row);
        }
    }
    measure(tx, plan.measured).await?;
    let again = move_on(tx, &plan.again, &[Status::Retired], Status::Open).await?;
    for row in &again {
        suggested(tx, row);
    }
    let waiting = [Status::Open, Status::Snoozed];
    let withdrawn = move_on(tx, &plan.withdrawn, &waiting, Status::Retired).await?;
    for row in &withdrawn {
        tx.record(Event::RuleSuggestionWithdrawn {
            rule_suggestion: row.id,
        });
    }
    retire::retire(tx, &plan.failing).await?;
    stop(tx, &plan.stopped).await
}

fn suggested(tx: &mut Tx<'_>, row: &rule_suggestion::Model) {
    tx.record(Event::RuleSuggested {
        rule_suggestion: row.id,
        rule_kind: row.kind.to_value(),
        account: row.account_id,
        category: row.category_id,
        in_a_row: row.in_a_row,
    });
}

/// Stores how suggestions stand, whatever a person decides about them meanwhile.
#[expect(
    clippy::disallowed_methods,
    reason = "rows that were read with the tenant, in one statement; each row holds it"
)]
async fn measure(tx: &Tx<'_>, rows: Vec<rule_suggestion::Model>) -> Result<()> {
    for rows in rows.chunks(500) {
        let again = OnConflict::columns([Column::TenantId, Column::Id])
            .update_columns([
                Column::Support,
                Column::InARow,
                Column::Contradictions,
                Column::Seen,
                Column::Checked,
                Column::Confirmed,
                Column::UpdatedAt,
            ])
            .to_owned();
        let rows = rows.iter().cloned().map(IntoActiveModel::into_active_model);
        rule_suggestion::Entity::insert_many(rows)
            .on_conflict(again)
            .exec_without_returning(tx.on())
            .await?;
    }
    Ok(())
}

async fn move_on(
    tx: &Tx<'_>,
    ids: &[RuleSuggestionId],
    from: &[Status],
    to: Status,
) -> Result<Vec<rule_suggestion::Model>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(tx
        .update::<rule_suggestion::Entity>()
        .col_expr(Column::Status, Expr::value(to))
        .col_expr(Column::DecidedAt, Expr::value(Some(tx.ctx().now())))
        .filter(Column::Id.is_in(ids.iter().copied()))
        .filter(Column::Status.is_in(from.iter().copied()))
        .exec_with_returning(tx.on())
        .await?)
}

/// Lets contradicted ones propose only, until a person lets them approve again.
async fn stop(tx: &mut Tx<'_>, ids: &[RuleSuggestionId]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let stopped = tx
        .update::<rule_suggestion::Entity>()
        .col_expr(Column::StoppedAt, Expr::value(Some(tx.ctx().now())))
        .filter(Column::Id.is_in(ids.iter().copied()))
        .filter(Column::Status.eq(Status::Accepted))
        .filter(Column::SelfApprovingAt.is_not_null())
        .filter(Column::StoppedAt.is_null())
        .exec_with_returning(tx.on())
        .await?;
    for row in &stopped {
        if let Some(rule) = row.rule_id {
            tx.record(Event::RuleSelfApprovalStopped {
                rule,
                rule_suggestion: row.id,
            });
        }
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tenant's own row, which may be there already; the row holds the tenant"
)]
async fn put_classes(tx: &Tx<'_>, sequence: i64, classes: &Tallies) -> Result<()> {
    use rule_habit::Column;
    let row = rule_habit::Model {
        tenant_id: tx.tenant(),
        sequence,
        classes: serde_json::to_string(classes)?,
        updated_at: tx.ctx().now(),
    };
    let newer = Column::Sequence.lte(sequence);
    let again = OnConflict::column(Column::TenantId)
        .update_columns([Column::Sequence, Column::Classes, Column::UpdatedAt])
        .action_and_where(newer)
        .to_owned();
    rule_habit::Entity::insert(row.into_active_model())
        .on_conflict(again)
        .exec_without_returning(tx.on())
        .await?;
    Ok(())
}
