//! Reading what people said of proposals.

use entity::ApprovalId;
use entity::approval::{self, Column, Status};
use entity::decision::Source;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::bar::{Outcome, Outcomes, REMEMBERED};
use crate::ctx::Read;
use crate::error::Result;

type Row = (ApprovalId, Source, f64, Status);

/// The latest outcomes of the tenant, in one statement.
pub async fn latest(read: &Read) -> Result<Outcomes> {
    let rows: Vec<Row> = decided(read)
        .order_by_desc(Column::DecidedAt)
        .order_by_desc(Column::Id)
        .limit(REMEMBERED as u64)
        .into_tuple()
        .all(read.on())
        .await?;
    Ok(Outcomes::of(rows.into_iter().rev().map(outcome)))
}

/// The outcomes of these approvals, in the order in which they were decided.
pub async fn of(read: &Read, approvals: &[ApprovalId]) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::with_capacity(approvals.len());
    for ids in approvals.chunks(1_000) {
        let rows: Vec<Row> = decided(read)
            .filter(Column::Id.is_in(ids.iter().copied()))
            .order_by_asc(Column::DecidedAt)
            .order_by_asc(Column::Id)
            .into_tuple()
            .all(read.on())
            .await?;
        outcomes.extend(rows.into_iter().map(outcome));
    }
    Ok(outcomes)
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
        ])
        .filter(Column::DecidedAt.is_not_null())
        .filter(Column::Status.is_in([Status::Approved, Status::Overridden]))
        .filter(Column::Automatic.eq(false))
        .filter(Column::Source.ne(Source::Person))
        .filter(Column::ProposedCategoryId.is_not_null())
}

fn outcome((approval, source, confidence, status): Row) -> Outcome {
    Outcome {
        approval,
        source,
        confidence,
        // a split may name the proposed category first and is another decision all the same
        right: status == Status::Approved,
    }
}
