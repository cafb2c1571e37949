//! What was really proposed about records, as their approvals tell.

use std::collections::HashMap;

use entity::{RecordId, approval, decision};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, Select};

use super::judge::Proposal;
use crate::ctx::Read;
use crate::error::Result;

/// The latest proposal of the pipeline about each record, in two statements.
pub(super) async fn latest(
    read: &Read,
    records: &[RecordId],
) -> Result<HashMap<RecordId, Proposal>> {
    proposals(read, about(read, records)).await
}

/// What was proposed about each record when the pipeline came to it, in two statements. What was proposed anew while it
/// waited knew of approvals that a replay of that moment does not.
pub(super) async fn first(
    read: &Read,
    records: &[RecordId],
) -> Result<HashMap<RecordId, Proposal>> {
    let first = approval::Column::FirstLook.is_null();
    proposals(read, about(read, records).filter(first)).await
}

fn about(read: &Read, records: &[RecordId]) -> Select<approval::Entity> {
    read.select::<approval::Entity>()
        .filter(approval::Column::RecordId.is_in(records.iter().copied()))
        .filter(approval::Column::Source.ne(decision::Source::Person))
}

/// The latest of these about each record.
async fn proposals(
    read: &Read,
    these: Select<approval::Entity>,
) -> Result<HashMap<RecordId, Proposal>> {
    let rows = these
        .order_by_asc(approval::Column::CreatedAt)
        .order_by_asc(approval::Column::Id)
        .all(read.on())
        .await?;
    let decisions: Vec<decision::Model> = crate::page::read_columns(
        read.select::<decision::Entity>()
            .filter(decision::Column::Id.is_in(rows.iter().map(|row| row.decision_id))),
        &[decision::Column::Id, decision::Column::Version],
        read.on(),
    )
    .await?;
    let versions: HashMap<_, _> = decisions
        .into_iter()
        .map(|decision| (decision.id, decision.version))
        .collect();
    let proposal = |row: approval::Model| {
        let proposal = Proposal {
            source: row.source,
            category: row.proposed_category_id,
            confidence: row.confidence,
            rationale: String::new(),
            passes: row.passes,
            automatic: row.automatic,
            asks: row.source == decision::Source::Llm,
            version: versions.get(&row.decision_id).cloned(),
        };
        (row.record_id, proposal)
    };
    Ok(rows.into_iter().map(proposal).collect())
}
