//! Choosing another category than the proposed one, and optionally making a rule of it.
//!
//! The person's choice becomes a decision of its own, in force from then on; the approval keeps pointing at what the
//! pipeline proposed. Choosing the very category that was proposed, to set a project or a note, counts as approving.

use entity::decision::Source;
use entity::{ApprovalId, CategoryId, approval, category, decision, record};
use sea_orm::sea_query::{CaseStatement, Expr};
use sea_orm::{ColumnTrait, QueryFilter};

use super::answer::{self, Answer};
use super::approve::all_moved;
use super::preview;
use crate::ctx::{Ctx, Event, Outcome, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;
use crate::rules::condition::{Actions, Condition};
use crate::rules::{self, NewRule, Place};

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
    let choice = checked(choice)?;
    let new = match rule {
        Some(rule) => {
            ctx.require(Permission::WriteRules)?;
            Some(rule_of(ctx, id, &choice, rule).await?)
        }
        None => None,
    };
    let mut tx = ctx.begin().await?;
    let answers = decide(&mut tx, &[id], &choice).await?;
    let row = answer::only(answers)?;
    if let Some(mut new) = new {
        if row.source == Source::Rule {
            new.place = Place::First;
        }
        rules::create_within(&mut tx, new, Some(id)).await?;
    }
    tx.commit().await?;
    Ok(row)
}

/// Files many records under one category, each on its own.
#[tracing::instrument(skip_all, fields(approvals = ids.len()))]
pub async fn override_many(ctx: &Ctx, ids: &[ApprovalId], choice: Override) -> Result<Vec<Answer>> {
    ctx.require(Permission::DecideApprovals)?;
    answer::checked(ids)?;
    let choice = checked(choice)?;
    let mut tx = ctx.begin().await?;
    let answers = decide(&mut tx, ids, &choice).await?;
    tx.commit().await?;
    Ok(answers)
}

fn checked(choice: Override) -> Result<Override> {
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
    })
}

async fn rule_of(
    ctx: &Ctx,
    id: ApprovalId,
    choice: &Override,
    rule: RuleFromOverride,
) -> Result<NewRule> {
    let read = ctx.read().await?;
    let record = preview::record_of(&read, id).await?;
    let conditions = match rule.conditions {
        Some(conditions) => conditions,
        None => {
            preview::suggestion(&read, &record, choice.category)
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
            note: None,
        },
        stop: rule.stop,
        place: Place::Last,
    })
}

/// Decides the approvals that wait, in a fixed number of statements.
async fn decide(tx: &mut Tx<'_>, ids: &[ApprovalId], choice: &Override) -> Result<Vec<Answer>> {
    let ctx = tx.ctx();
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
    let as_proposed = approval::Column::ProposedCategoryId.eq(choice.category);
    let status = CaseStatement::new()
        .case(as_proposed, Expr::value(approval::Status::Approved))
        .finally(Expr::value(approval::Status::Overridden));
    let decided = tx
        .update::<approval::Entity>()
        .col_expr(approval::Column::Status, status.into())
        .col_expr(
            approval::Column::CategoryId,
            Expr::value(Some(choice.category)),
        )
        .col_expr(approval::Column::DecidedBy, Expr::value(ctx.user()))
        .col_expr(approval::Column::DecidedAt, Expr::value(Some(ctx.now())))
        .filter(approval::Column::Id.is_in(ids.iter().copied()))
        .filter(approval::Column::Status.eq(approval::Status::Pending))
        .exec_with_returning(tx.on())
        .await?;
    let answers = answer::answers(tx, ids, &decided).await?;
    if decided.is_empty() {
        return Ok(answers);
    }
    let decisions = decisions(tx, &decided, choice, &chosen).await?;
    for (row, decision) in decided.iter().zip(&decisions) {
        let outcome = match row.status {
            approval::Status::Approved => Outcome::Approved,
            _ => Outcome::Overridden,
        };
        tx.record(Event::TxApproved {
            approval: row.id,
            record: row.record_id,
            decision: decision.id,
            category: choice.category,
            outcome,
        });
    }
    enter_books(tx, &decisions, choice).await?;
    tx.insert_all(decisions).await?;
    Ok(answers)
}

/// The decisions of the person, in the order of the approvals.
async fn decisions(
    tx: &Tx<'_>,
    decided: &[approval::Model],
    choice: &Override,
    chosen: &category::Model,
) -> Result<Vec<decision::Model>> {
    let ctx = tx.ctx();
    let records = tx
        .select::<record::Entity>()
        .filter(record::Column::Id.is_in(decided.iter().map(|row| row.record_id)))
        .all(tx.on())
        .await?;
    let decision = |row: &approval::Model| {
        let record = records.iter().find(|record| record.id == row.record_id);
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
            confidence: 1.0,
            model: None,
            version: "1".to_owned(),
            rationale: format!("A person chose {}.", chosen.name),
            considered: "[]".to_owned(),
            cost_micros: 0,
            latency_us: 0,
            actor: ctx.actor().to_string(),
            created_at: ctx.now(),
        }
    };
    Ok(decided.iter().map(decision).collect())
}

/// Moves records from PROCESSED to APPROVED with what the person decided, in one statement.
async fn enter_books(tx: &Tx<'_>, decisions: &[decision::Model], choice: &Override) -> Result<()> {
    let in_force = decisions
        .iter()
        .fold(CaseStatement::new(), |case, decision| {
            let of = record::Column::Id.eq(decision.record_id);
            case.case(of, Expr::value(Some(decision.id)))
        });
    let mut update = tx
        .update::<record::Entity>()
        .col_expr(
            record::Column::Status,
            Expr::value(record::Status::Approved),
        )
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
