//! Reading what people said of proposals.
//!
//! A bar is for what is proposed when a record comes in, so that is what is held against the decision, also where
//! something better was proposed while the record waited: what was replaced was wrong more often than not.

use std::collections::HashMap;

use entity::approval::{self, Column, Status};
use entity::decision::Source;
use entity::{ApprovalId, CategoryId};
use sea_orm::{
    ColumnTrait, ExprTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Select,
};

use super::bar::{Outcome, Outcomes, REMEMBERED};
use crate::ctx::Read;
use crate::error::Result;

/// An approval as a person decided it.
#[derive(FromQueryResult)]
struct Decided {
    id: ApprovalId,
    source: Source,
    confidence: f64,
    status: Status,
    category_id: Option<CategoryId>,
    first_look: Option<ApprovalId>,
}

/// What was proposed when a record came in.
#[derive(FromQueryResult)]
struct FirstLook {
    id: ApprovalId,
    source: Source,
    confidence: f64,
    proposed_category_id: Option<CategoryId>,
}

/// The latest outcomes of the tenant, in a fixed number of statements.
pub async fn latest(read: &Read) -> Result<Outcomes> {
    let mut rows = decided(read)
        .order_by_desc(Column::DecidedAt)
        .order_by_desc(Column::Id)
        .limit(REMEMBERED as u64)
        .into_model::<Decided>()
        .all(read.on())
        .await?;
    rows.reverse();
    Ok(Outcomes::of(outcomes(read, rows).await?))
}

/// The outcomes of these approvals, in the order in which they were decided.
pub async fn of(read: &Read, approvals: &[ApprovalId]) -> Result<Vec<Outcome>> {
    let mut all = Vec::with_capacity(approvals.len());
    for ids in approvals.chunks(1_000) {
        let rows = decided(read)
            .filter(Column::Id.is_in(ids.iter().copied()))
            .order_by_asc(Column::DecidedAt)
            .order_by_asc(Column::Id)
            .into_model::<Decided>()
            .all(read.on())
            .await?;
        all.extend(outcomes(read, rows).await?);
    }
    Ok(all)
}

/// What people decided about what the pipeline proposed.
fn decided(read: &Read) -> Select<approval::Entity> {
    read.select::<approval::Entity>()
        .select_only()
        .columns([
            Column::Id,
            Column::Source,
            Column::Confidence,
            Column::Status,
            Column::CategoryId,
            Column::FirstLook,
        ])
        .filter(Column::DecidedAt.is_not_null())
        .filter(Column::Status.is_in([Status::Approved, Status::Overridden]))
        .filter(Column::Automatic.eq(false))
        .filter(Column::Source.ne(Source::Person))
        .filter(
            Column::ProposedCategoryId
                .is_not_null()
                .or(Column::FirstLook.is_not_null()),
        )
}

async fn outcomes(read: &Read, rows: Vec<Decided>) -> Result<Vec<Outcome>> {
    let renewed: Vec<ApprovalId> = rows.iter().filter_map(|row| row.first_look).collect();
    let mut first: HashMap<ApprovalId, FirstLook> = HashMap::new();
    for ids in renewed.chunks(REMEMBERED) {
        let looks = read
            .select::<approval::Entity>()
            .select_only()
            .columns([
                Column::Id,
                Column::Source,
                Column::Confidence,
                Column::ProposedCategoryId,
            ])
            .filter(Column::Id.is_in(ids.iter().copied()))
            .into_model::<FirstLook>()
            .all(read.on())
            .await?;
        first.extend(looks.into_iter().map(|look| (look.id, look)));
    }
    let outcome = |row: Decided| {
        let Some(look) = row.first_look.and_then(|id| first.get(&id)) else {
            return Some(Outcome {
                approval: row.id,
                source: row.source,
                confidence: row.confidence,
                // a split may name the proposed category first and is another decision all the same
                right: row.status == Status::Approved,
            });
        };
        // nothing was proposed then that could be right
        let proposed = look.proposed_category_id?;
        Some(Outcome {
            approval: row.id,
            source: look.source,
            confidence: look.confidence,
            right: row.category_id == Some(proposed),
        })
    };
    Ok(rows.into_iter().filter_map(outcome).collect())
}
