//! Choosing another category than the proposed one, and optionally making a rule of it.
//!
//! The person's choice becomes a decision of its own, in force from then on; the approval keeps pointing at what the
//! pipeline proposed. Choosing the very category that was proposed, to set a project or a note, counts as approving.
//!
//! Above the tenant's ceiling the choice is a proposal, in an approval that takes the place of the first; see
//! [`decline`](super::decline).

use std::collections::HashMap;

use entity::decision::Source;
use entity::{ApprovalId, CategoryId, approval, category, decision, record, record_split};
use sea_orm::sea_query::{CaseStatement, Expr, SimpleExpr};
use sea_orm::{ColumnTrait, QueryFilter};

use super::answer::{self, Answer};
use super::approve::all_moved;
use super::plan::{Plan, plan};
use super::preview;
use crate::bulk::{Became, ErrorPolicy};
use crate::ctx::{Actor, Ctx, Event, Outcome, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;
use crate::projects;
use crate::rules::condition::{Actions, Condition};
use crate::rules::{self, NewRule, Place};
use crate::splits::{self, Line};

/// How many characters a project may have.
const MAX_PROJECT: usize = 200;
/// How many characters a note may have.
const MAX_NOTE: usize = 2_000;

/// What is chosen instead of the proposal.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// The category.
    pub category: CategoryId,
    /// The project; what was proposed stays when absent.
    pub project: Option<String>,
    /// The note; what was proposed stays when absent.
    pub note: Option<String>,
    /// The lines it is split into; none where the category holds the whole of it.
    pub lines: Vec<Line>,
}

/// The rule to make of an override.
#[derive(Clone, Debug, Default)]
pub struct RuleFromOverride {
    /// What to call it; the merchant when absent.
    pub name: Option<String>,
    /// When it matches; as [`rule_preview`](super::rule_preview) suggests when absent.
    pub conditions: Option<Condition>,
    /// Whether later rules are skipped once it matched.
    pub stop: bool,
}

/// Files the record of a waiting approval under another category, and makes a rule of it when asked to. A rule made
/// where a rule was wrong goes before all others, else after them.
#[tracing::instrument(skip_all, fields(approval.id = %id))]
pub async fn override_category(
    ctx: &Ctx,
    id: ApprovalId,
    choice: Override,
    rule: Option<RuleFromOverride>,
) -> Result<approval::Model> {
    ctx.require(Permission::DecideApprovals)?;
    let mut choice = checked(choice)?;
    let new = match rule {
        Some(rule) => {
            ctx.require(Permission::WriteRules)?;
            Some(rule_of(ctx, id, &choice, rule).await?)
        }
        None => None,
    };
    let mut tx = ctx.begin().await?;
    let answers = decide(&mut tx, &[id], &mut choice).await?;
    let row = answer::only(answers)?;
    if let Some(mut new) = new {
        if row.status == approval::Status::Pending {
            return Err(Error::invalid(
                "makeRule",
                "the amount needs a second person; override it without a rule, and make the rule once they agreed",
            ));
        }
        if row.source == Source::Rule {
            new.place = Place::First;
        }
        rules::create_within(&mut tx, new, Some(id)).await?;
    }
    tx.commit().await?;
    Ok(row)
}

/// Files many records under one category; the policy says whether one that cannot be filed holds back the others.
#[tracing::instrument(skip_all, fields(approvals = ids.len()))]
pub async fn override_many(
    ctx: &Ctx,
    ids: &[ApprovalId],
    choice: Override,
    policy: ErrorPolicy,
) -> Result<Vec<Answer>> {
    ctx.require(Permission::DecideApprovals)?;
    answer::checked(ids)?;
    let mut choice = checked(choice)?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = ctx.begin().await?;
    let answers = decide(&mut tx, ids, &mut choice).await?;
    answer::settle(tx, policy, answers).await
}

pub(super) fn checked(choice: Override) -> Result<Override> {
    let trimmed = |field: &'static str, text: Option<String>, most: usize| match text {
        Some(text) if text.chars().count() > most => Err(Error::invalid(
            field,
            format!("at most {most} characters are accepted"),
        )),
        text => Ok(text
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())),
    };
    Ok(Override {
        category: choice.category,
        project: trimmed("project", choice.project, MAX_PROJECT)?,
        note: trimmed("note", choice.note, MAX_NOTE)?,
        lines: choice.lines,
    })
}

async fn rule_of(
    ctx: &Ctx,
    id: ApprovalId,
    choice: &Override,
    rule: RuleFromOverride,
) -> Result<NewRule> {
    let read = ctx.read().await?;
    let record = preview::record_of(ctx, &read, id).await?;
    let conditions = match rule.conditions {
        Some(conditions) => conditions,
        None => {
            preview::suggestion(ctx, &read, &record, choice.category)
                .await?
                .conditions
        }
    };
    let named_after = [&record.merchant_key, &record.description];
    let name = rule.name.unwrap_or_else(|| {
        let text = named_after.iter().find(|text| !text.trim().is_empty());
        text.map_or("Rule", |text| text).chars().take(100).collect()
    });
    Ok(NewRule {
        name,
        conditions,
        actions: Actions {
            category: Some(choice.category.0),
            project: choice.project.clone(),
            ..Actions::default()
        },
        stop: rule.stop,
        shadow: false,
        place: Place::Last,
    })
}

/// Decides one approval, and stores that.
pub(super) async fn decide_one(
    mut tx: Tx<'_>,
    id: ApprovalId,
    mut choice: Override,
) -> Result<approval::Model> {
    let row = answer::only(decide(&mut tx, &[id], &mut choice).await?)?;
    tx.commit().await?;
    Ok(row)
}

/// Decides the approvals that wait, in a fixed number of statements. What is above the tenant's ceiling is proposed to a
/// second person instead.
async fn decide(tx: &mut Tx<'_>, ids: &[ApprovalId], choice: &mut Override) -> Result<Vec<Answer>> {
    let chosen = tx
        .select::<category::Entity>()
        .filter(category::Column::Id.eq(choice.category))
        .filter(category::Column::ArchivedAt.is_null())
        .one(tx.on())
        .await?
        .ok_or_else(|| {
            Error::invalid(
                "categoryId",
                "there is no such category, or it is archived; choose one that is open",
            )
        })?;
    if let Some(project) = &choice.project {
        choice.project = Some(projects::resolve(tx, "project", project).await?);
    }
    let plan = plan(tx, ids, choice).await?;
    let as_proposed = approval::Column::Id.is_in(plan.as_proposed.iter().copied());
    let status = CaseStatement::new()
        .case(as_proposed, Expr::value(approval::Status::Approved))
        .finally(Expr::value(approval::Status::Overridden));
    let decided = settle(tx, &plan.alone, choice, status.into()).await?;
    let escalated = Expr::value(approval::Status::Escalated);
    let escalated = settle(tx, &plan.together, choice, escalated).await?;
    let (alone, together) = (
        decisions(tx, &decided, choice, &chosen, &plan, false),
        decisions(tx, &escalated, choice, &chosen, &plan, true),
    );
    for (row, decision) in decided.iter().zip(&alone) {
        let outcome = match row.status {
            approval::Status::Approved => Outcome::Approved,
            _ => Outcome::Overridden,
        };
        let currency = plan
            .records
            .get(&row.record_id)
            .map_or("", |record| &record.currency);
        let approved = Event::TxApproved {
            approval: row.id,
            record: row.record_id,
            decision: decision.id,
            category: choice.category,
            outcome,
            lines: splits::postings(&rows(decision, &choice.lines), currency),
        };
        tx.record_diff(approved, answer::diff(row));
    }
    file(tx, &alone, choice, record::Status::Approved).await?;
    file(tx, &together, choice, record::Status::Processed).await?;
    let proposed = propose(tx, &escalated, &together, choice).await?;
    let made = alone.iter().chain(&together);
    let lines = made.flat_map(|decision| rows(decision, &choice.lines));
    let lines: Vec<record_split::Model> = lines.collect();
    tx.insert_all(alone).await?;
    tx.insert_all(together).await?;
    tx.insert_all(lines).await?;

    // an approval that took the place of one is the answer to it
    let mut done = decided;
    let instead: HashMap<ApprovalId, approval::Model> = proposed
        .into_iter()
        .filter_map(|row| Some((row.reopened_from?, row)))
        .collect();
    done.extend(escalated);
    let mut answers = answer::answers(tx, ids, &done).await?;
    for answer in &mut answers {
        if let Some(row) = instead.get(&answer.id) {
            answer.became = Became::Done(row.clone());
        }
    }
    Ok(answers)
}

/// The rows of the lines of a decision.
fn rows(of: &decision::Model, lines: &[Line]) -> Vec<record_split::Model> {
    splits::rows(of.tenant_id, (of.id, of.record_id), lines)
}

/// Takes approvals out of the queue.
async fn settle(
    tx: &Tx<'_>,
    ids: &[ApprovalId],
    choice: &Override,
    status: SimpleExpr,
) -> Result<Vec<approval::Model>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // the condition is in the UPDATE: two reviewers, one decision
    Ok(tx
        .update::<approval::Entity>()
        .col_expr(approval::Column::Status, status)
        .col_expr(
            approval::Column::CategoryId,
            Expr::value(Some(choice.category)),
        )
        .col_expr(approval::Column::DecidedBy, Expr::value(tx.ctx().user()))
        .col_expr(
            approval::Column::DecidedAt,
            Expr::value(Some(tx.ctx().now())),
        )
        .filter(approval::Column::Id.is_in(ids.iter().copied()))
        .filter(approval::Column::Status.eq(approval::Status::Pending))
        .exec_with_returning(tx.on())
        .await?)
}

/// The decisions of the person, in the order of the approvals.
fn decisions(
    tx: &Tx<'_>,
    rows: &[approval::Model],
    choice: &Override,
    chosen: &category::Model,
    plan: &Plan,
    proposed: bool,
) -> Vec<decision::Model> {
    let ctx = tx.ctx();
    let who = match ctx.actor() {
        Actor::Service(_) => "A program",
        _ => "A person",
    };
    let what = match choice.lines.len() {
        0 => chosen.name.clone(),
        lines => format!("a split over {lines} lines, most of it {}", chosen.name),
    };
    let rationale = match proposed {
        false => format!("{who} chose {what}."),
        true => format!("{who} proposed {what}; a second person has to agree."),
    };
    let decision = |row: &approval::Model| {
        let record = plan.records.get(&row.record_id);
        decision::Model {
            tenant_id: tx.tenant(),
            id: ctx.id(),
            record_id: row.record_id,
            source: Source::Person,
            category_id: Some(choice.category),
            project: choice
                .project
                .clone()
                .or_else(|| record.and_then(|record| record.project.clone())),
            note: choice
                .note
                .clone()
                .or_else(|| record.and_then(|record| record.note.clone())),
            tags: record.and_then(|record| record.tags.clone()),
            flag: None,
            confidence: 1.0,
            model: None,
            version: "1".to_owned(),
            rationale: rationale.clone(),
            considered: "[]".to_owned(),
            cost_micros: 0,
            latency_us: 0,
            actor: ctx.actor().to_string(),
            created_at: ctx.now(),
        }
    };
    rows.iter().map(decision).collect()
}

/// Opens an approval for a second person in the place of each that was escalated.
async fn propose(
    tx: &mut Tx<'_>,
    escalated: &[approval::Model],
    decisions: &[decision::Model],
    choice: &Override,
) -> Result<Vec<approval::Model>> {
    let ctx = tx.ctx();
    let waiting = |(row, decision): (&approval::Model, &decision::Model)| approval::Model {
        tenant_id: row.tenant_id,
        id: ctx.id(),
        record_id: row.record_id,
        decision_id: decision.id,
        status: approval::Status::Pending,
        proposed_category_id: Some(choice.category),
        category_id: None,
        source: Source::Person,
        confidence: 1.0,
        flag: None,
        comment: None,
        decided_by: None,
        decided_at: None,
        proposed_by: Some(ctx.actor().to_string()),
        passes: false,
        automatic: false,
        audit: false,
        reopened_from: Some(row.id),
        first_look: row.first_look,
        created_at: ctx.now(),
    };
    let rows: Vec<approval::Model> = escalated.iter().zip(decisions).map(waiting).collect();
    for row in &rows {
        let Some(escalated) = row.reopened_from else {
            continue;
        };
        tx.record(Event::OverrideProposed {
            approval: row.id,
            record: row.record_id,
            escalated,
            decision: row.decision_id,
            category: choice.category,
        });
    }
    tx.insert_all(rows.clone()).await?;
    Ok(rows)
}

/// Gives processed records what the person decided, or proposes, in one statement.
async fn file(
    tx: &Tx<'_>,
    decisions: &[decision::Model],
    choice: &Override,
    status: record::Status,
) -> Result<()> {
    if decisions.is_empty() {
        return Ok(());
    }
    let in_force = decisions
        .iter()
        .fold(CaseStatement::new(), |case, decision| {
            let of = record::Column::Id.eq(decision.record_id);
            case.case(of, Expr::value(Some(decision.id)))
        });
    let mut update = tx
        .update::<record::Entity>()
        .col_expr(record::Column::Status, Expr::value(status))
        .col_expr(
            record::Column::CategoryId,
            Expr::value(Some(choice.category)),
        )
        .col_expr(record::Column::DecisionId, in_force.into())
        .col_expr(record::Column::UpdatedAt, Expr::value(tx.ctx().now()));
    if let Some(project) = &choice.project {
        update = update.col_expr(record::Column::Project, Expr::value(project.as_str()));
    }
    if let Some(note) = &choice.note {
        update = update.col_expr(record::Column::Note, Expr::value(note.as_str()));
    }
    let updated = update
        .filter(record::Column::Id.is_in(decisions.iter().map(|decision| decision.record_id)))
        .filter(record::Column::Status.eq(record::Status::Processed))
        .exec(tx.on())
        .await?;
    all_moved(updated.rows_affected, decisions.len())
}
