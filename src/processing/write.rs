//! Storing what was decided about a batch: one unit of work, a handful of statements whatever its size.

use entity::decision::Source;
use entity::{ApprovalId, DecisionId, JobId, approval, decision, record};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ExprTrait, QueryFilter, QueryTrait};

use super::VERSION;
use super::decide::Decision;
use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::queue::Claim;

/// A record and what is decided about it.
pub(super) struct Decided {
    pub record: record::Model,
    pub decision: Decision,
    pub latency_us: i64,
}

/// Completes the jobs and stores the decisions, each with the approval it opens and its event, or nothing at all.
pub(super) async fn store(
    ctx: &Ctx,
    claim: &Claim,
    jobs: &[JobId],
    decided: Vec<Decided>,
    model: Option<&str>,
) -> Result<()> {
    let mut tx = ctx.begin().await?;
    tx.complete(claim, jobs).await?;
    if decided.is_empty() {
        return tx.commit().await;
    }
    let mut decisions = Vec::with_capacity(decided.len());
    let mut approvals = Vec::with_capacity(decided.len());
    for Decided {
        record,
        decision,
        latency_us,
    } in decided
    {
        let (id, approval): (DecisionId, ApprovalId) = (ctx.id(), ctx.id());
        tx.record(Event::Processed {
            record: record.id,
            decision: id,
            approval: Some(approval),
            source: source_name(decision.source),
            category: decision.category,
            confidence: format!("{:.4}", decision.confidence),
        });
        approvals.push(approval::Model {
            tenant_id: tx.tenant(),
            id: approval,
            record_id: record.id,
            decision_id: id,
            status: approval::Status::Pending,
            proposed_category_id: decision.category,
            category_id: None,
            source: decision.source,
            confidence: decision.confidence,
            comment: None,
            decided_by: None,
            decided_at: None,
            reopened_from: None,
            created_at: ctx.now(),
        });
        decisions.push(decision::Model {
            tenant_id: tx.tenant(),
            id,
            record_id: record.id,
            source: decision.source,
            category_id: decision.category,
            project: decision.project,
            note: decision.note,
            confidence: decision.confidence,
            model: model
                .filter(|_| decision.source == Source::Llm)
                .map(str::to_owned),
            version: VERSION.to_owned(),
            rationale: decision.rationale,
            considered: serde_json::to_string(&decision.considered)?,
            cost_micros: 0,
            latency_us,
            actor: ctx.actor().to_string(),
            created_at: ctx.now(),
        });
    }
    let ids: Vec<DecisionId> = decisions.iter().map(|decision| decision.id).collect();
    tx.insert_all(decisions).await?;
    tx.insert_all(approvals).await?;
    propose(&tx, &ids).await?;
    tx.commit().await
}

/// Copies decisions onto their records, in one statement: from RECEIVED to PROCESSED.
async fn propose(tx: &Tx<'_>, decisions: &[DecisionId]) -> Result<()> {
    let of = |column| Expr::col((decision::Entity, column));
    let mut update = tx
        .update::<record::Entity>()
        .col_expr(
            record::Column::Status,
            Expr::value(record::Status::Processed),
        )
        .col_expr(record::Column::CategoryId, of(decision::Column::CategoryId))
        .col_expr(record::Column::Project, of(decision::Column::Project))
        .col_expr(record::Column::Note, of(decision::Column::Note))
        .col_expr(record::Column::DecisionId, of(decision::Column::Id))
        .col_expr(record::Column::UpdatedAt, Expr::value(tx.ctx().now()))
        .filter(record::Column::Status.eq(record::Status::Received))
        .filter(decision::Column::TenantId.eq(tx.tenant()))
        .filter(decision::Column::Id.is_in(decisions.iter().copied()))
        .filter(
            Expr::col((record::Entity, record::Column::Id))
                .equals((decision::Entity, decision::Column::RecordId)),
        );
    QueryTrait::query(&mut update).from(decision::Entity);
    let updated = update.exec(tx.on()).await?;
    if updated.rows_affected == decisions.len() as u64 {
        Ok(())
    } else {
        Err(Error::conflict("a record was decided or voided meanwhile"))
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
