//! Storing what was decided about a batch: one unit of work, a handful of statements whatever its size.

use std::collections::{HashMap, HashSet};

use entity::decision::Source;
use entity::{ApprovalId, DecisionId, JobId, RecordId, approval, decision, record};
use sea_orm::sea_query::{CaseStatement, Expr, SimpleExpr};
use sea_orm::{ColumnTrait, QueryFilter, Value};
use uuid::Uuid;

use super::VERSION;
use super::decide::Decision;
use super::model::FORMAT;
use crate::approvals;
use crate::automation::Passage;
use crate::ctx::{Ctx, Event, Outcome, Tx};
use crate::error::{Error, Result};
use crate::links::{self, Found};
use crate::queue::Claim;
use crate::records;
use crate::rules::{self, Hit};
use crate::splits;
use crate::tag;

/// A record and what is decided about it.
pub(super) struct Decided {
    pub record: record::Model,
    pub decision: Decision,
    pub passage: Passage,
    pub latency_us: i64,
    pub cost_micros: i64,
    /// The approval whose place in the queue this takes; none for a record that comes in.
    pub instead_of: Option<approval::Model>,
}

/// Completes the jobs and stores the decisions, each with the approval it opens and its event, and what seems to belong
/// together; or nothing at all.
pub(super) async fn store(
    ctx: &Ctx,
    claim: &Claim,
    jobs: &[JobId],
    (decided, found): (Vec<Decided>, Found),
    model: Option<&str>,
) -> Result<()> {
    let mut tx = ctx.begin().await?;
    tx.complete(claim, jobs).await?;
    if !decided.is_empty() {
        file(&mut tx, decided, record::Status::Received, model).await?;
        links::suggest(&mut tx, found).await?;
    }
    tx.commit().await
}

/// Completes the jobs and puts what is decided in the place of what waits; or nothing at all. What a person decided
/// meanwhile is left alone.
pub(super) async fn store_again(
    ctx: &Ctx,
    claim: &Claim,
    jobs: &[JobId],
    mut decided: Vec<Decided>,
) -> Result<()> {
    let mut tx = ctx.begin().await?;
    tx.complete(claim, jobs).await?;
    let waited = |it: &Decided| it.instead_of.as_ref().map(|row| row.id);
    let ids: Vec<ApprovalId> = decided.iter().filter_map(waited).collect();
    let withdrawn = approvals::withdraw(&mut tx, &ids).await?;
    decided.retain(|it| waited(it).is_some_and(|id| withdrawn.contains(&id)));
    if !decided.is_empty() {
        file(&mut tx, decided, record::Status::Processed, None).await?;
    }
    tx.commit().await
}

/// Stores decisions about records that are in this state, each with its approval and its event.
async fn file(
    tx: &mut Tx<'_>,
    decided: Vec<Decided>,
    leaving: record::Status,
    model: Option<&str>,
) -> Result<()> {
    let ctx = tx.ctx();
    let met = Met::of(&decided);
    let tags = tagged(tx, &decided).await?;
    let mut decisions = Vec::with_capacity(decided.len());
    let mut approvals = Vec::with_capacity(decided.len());
    let mut lines = Vec::new();
    for Decided {
        record,
        decision,
        passage,
        latency_us,
        cost_micros,
        instead_of,
    } in decided
    {
        let filed = decision.category.filter(|_| passage.automatic);
        let id: DecisionId = ctx.id();
        let place = instead_of.as_ref().map(|row| following(row.id));
        let approval = place.unwrap_or_else(|| ctx.id());
        tx.record(Event::Processed {
            record: record.id,
            decision: id,
            approval: Some(approval),
            source: source_name(decision.source),
            category: decision.category,
            confidence: format!("{:.4}", decision.confidence),
        });
        let split = splits::rows(tx.tenant(), (id, record.id), &decision.lines);
        if let Some(category) = filed {
            tx.record(Event::TxApproved {
                approval,
                record: record.id,
                decision: id,
                category,
                outcome: Outcome::Automatic,
                lines: splits::postings(&split, &record.currency),
            });
        }
        approvals.push(approval::Model {
            tenant_id: tx.tenant(),
            id: approval,
            record_id: record.id,
            decision_id: id,
            status: match filed {
                Some(_) => approval::Status::Approved,
                None => approval::Status::Pending,
            },
            proposed_category_id: decision.category,
            category_id: filed,
            source: decision.source,
            confidence: decision.confidence,
            flag: decision.flag.clone(),
            comment: None,
            decided_by: None,
            decided_at: filed.map(|_| ctx.now()),
            proposed_by: None,
            passes: passage.passes,
            automatic: filed.is_some(),
            audit: passage.audit,
            reopened_from: None,
            first_look: instead_of.map(|row| row.first_look.unwrap_or(row.id)),
            created_at: ctx.now(),
        });
        lines.extend(split);
        decisions.push(decision::Model {
            tenant_id: tx.tenant(),
            id,
            record_id: record.id,
            source: decision.source,
            category_id: decision.category,
            project: decision.project,
            note: decision.note,
            tags: tag::written(&decision.tags),
            flag: decision.flag,
            confidence: decision.confidence,
            model: match decision.source {
                Source::Llm => model.map(str::to_owned),
                Source::Model => Some(format!("learned/{FORMAT}")),
                _ => None,
            },
            version: VERSION.to_owned(),
            rationale: decision.rationale,
            considered: serde_json::to_string(&decision.considered)?,
            cost_micros,
            latency_us,
            actor: ctx.actor().to_string(),
            created_at: ctx.now(),
        });
    }
    let automatic: HashSet<DecisionId> = approvals
        .iter()
        .filter(|row: &&approval::Model| row.automatic)
        .map(|row| row.decision_id)
        .collect();
    propose(tx, &decisions, leaving, &automatic, &tags).await?;
    rules::forget_hits(tx, &met.again).await?;
    rules::note_hits(tx, met.hits).await?;
    tx.insert_all(decisions).await?;
    tx.insert_all(approvals).await?;
    tx.insert_all(lines).await
}

/// The id of an approval that takes the place of another: the next one. The queue is in the order of ids, and what is
/// proposed anew keeps its place there.
fn following(id: ApprovalId) -> ApprovalId {
    Uuid::from_u128(id.0.as_u128().wrapping_add(1)).into()
}

/// Moves records from where they are to PROCESSED with what was decided, or to APPROVED where it passed by itself, in one
/// statement. It holds every value itself: a join with the decisions just stored would hang on statistics that PostgreSQL
/// does not have yet.
async fn propose(
    tx: &Tx<'_>,
    decisions: &[decision::Model],
    leaving: record::Status,
    automatic: &HashSet<DecisionId>,
    tags: &HashMap<RecordId, String>,
) -> Result<()> {
    let passed = || {
        let passed = decisions.iter().filter(|it| automatic.contains(&it.id));
        record::Column::Id.is_in(passed.map(|it| it.record_id))
    };
    let status = CaseStatement::new()
        .case(passed(), Expr::value(record::Status::Approved))
        .finally(Expr::value(record::Status::Processed));
    let by_itself = CaseStatement::new()
        .case(passed(), Expr::value(true))
        .finally(Expr::value(false));
    let mut update = tx.update::<record::Entity>();
    if !tags.is_empty() {
        let after = tags.iter().fold(CaseStatement::new(), |case, (id, tags)| {
            case.case(record::Column::Id.eq(*id), Expr::value(tags.as_str()))
        });
        let after = after.finally(Expr::col(record::Column::Tags));
        update = update.col_expr(record::Column::Tags, after.into());
    }
    let updated = update
        .col_expr(record::Column::Status, status.into())
        .col_expr(record::Column::Automatic, by_itself.into())
        .col_expr(
            record::Column::CategoryId,
            each(decisions, |decision| decision.category_id),
        )
        .col_expr(
            record::Column::Project,
            each(decisions, |decision| decision.project.clone()),
        )
        .col_expr(
            record::Column::Note,
            each(decisions, |decision| decision.note.clone()),
        )
        .col_expr(
            record::Column::DecisionId,
            each(decisions, |decision| Some(decision.id)),
        )
        .col_expr(record::Column::UpdatedAt, Expr::value(tx.ctx().now()))
        .filter(record::Column::Id.is_in(decisions.iter().map(|decision| decision.record_id)))
        .filter(record::Column::Status.eq(leaving))
        .exec(tx.on())
        .await?;
    if updated.rows_affected == decisions.len() as u64 {
        Ok(())
    } else {
        Err(Error::conflict("a record was decided or voided meanwhile"))
    }
}

/// The tags that records will have to which rules add some: people and files may have left others on them. They are
/// looked up here and not where the records were read, so none that came meanwhile is lost; nobody else changes them
/// until this is stored.
async fn tagged(tx: &Tx<'_>, decided: &[Decided]) -> Result<HashMap<RecordId, String>> {
    // those of what is proposed anew were set when it came in, and may have been taken away since
    let new = decided.iter().filter(|it| it.instead_of.is_none());
    let by_rules = new.filter(|it| !it.decision.tags.is_empty());
    let by_rules: HashMap<RecordId, &[String]> = by_rules
        .map(|it| (it.record.id, it.decision.tags.as_slice()))
        .collect();
    if by_rules.is_empty() {
        return Ok(HashMap::new());
    }
    let held = records::hold_tags(tx, by_rules.keys().copied()).await?;
    let after = |(id, held): (RecordId, Vec<String>)| {
        let added = by_rules.get(&id).copied().unwrap_or_default();
        let after = tag::joined(held, added.to_vec());
        Some((id, tag::written(&after)?))
    };
    Ok(held.into_iter().filter_map(after).collect())
}

/// Which rules the records met. Each of a record's rules has one row, however often the record is processed.
struct Met {
    hits: Vec<(RecordId, Hit)>,
    /// Records that were decided before: what is known of them is noted anew.
    again: Vec<RecordId>,
}

impl Met {
    fn of(decided: &[Decided]) -> Self {
        let each = |it: &Decided| {
            let record = it.record.id;
            let hits = it.decision.hits.clone().into_iter();
            hits.map(move |hit| (record, hit))
        };
        // of what is only proposed anew no rule was asked: its hits stand
        let before = decided
            .iter()
            .filter(|it| it.record.decision_id.is_some() && it.instead_of.is_none());
        Self {
            hits: decided.iter().flat_map(each).collect(),
            again: before.map(|it| it.record.id).collect(),
        }
    }
}

/// For each record its own value; null for those without one.
fn each<T>(
    decisions: &[decision::Model],
    value: impl Fn(&decision::Model) -> Option<T>,
) -> SimpleExpr
where
    Option<T>: Into<Value>,
{
    let null = Expr::value(None::<T>);
    let mut case: Option<CaseStatement> = None;
    for decision in decisions {
        if let Some(value) = value(decision) {
            let of = record::Column::Id.eq(decision.record_id);
            let then = Expr::value(Some(value));
            case = Some(case.unwrap_or_default().case(of, then));
        }
    }
    match case {
        Some(case) => case.finally(null).into(),
        None => null,
    }
}

/// The public name of a source.
fn source_name(source: Source) -> &'static str {
    match source {
        Source::Rule => "RULE",
        Source::Exact => "EXACT",
        Source::Similar => "SIMILAR",
        Source::Model => "MODEL",
        Source::Llm => "LLM",
        Source::Person => "PERSON",
        Source::None => "NONE",
    }
}
