//! What a list of approvals loads for its whole page at once, when the operation asks for it.

use async_graphql::Context;
use entity::{CategoryId, DecisionId, RecordId, approval, decision, record};
use sea_orm::Iterable;

use crate::error::Result;
use crate::graphql::decisions::Decision;
use crate::graphql::op::Op;
use crate::graphql::page::Asked;
use crate::graphql::plain::Kin;
use crate::graphql::records::{Record, beside, columns, decision_columns, distinct, is_ordinary};
use crate::{approvals, records};

/// What of an approval only the ordinary way can answer, so that what is beside it is read whole.
const ORDINARY: &[&str] = &[
    "decision.considered",
    "decision.explain",
    "decision.splits",
    "decision.category.parent",
    "proposedCategory.parent",
    "category.parent",
];

/// Loads what is asked of the approvals of a page: one statement for each kind of child.
pub(super) async fn children(
    ctx: &Context<'_>,
    asked: &Asked<'_>,
    rows: &[(String, approval::Model)],
) -> Result<Kin> {
    let op = ctx.op()?;
    let rows = || rows.iter().map(|(_, row)| row);
    let none = Asked::default();
    let of_record = asked.beneath("record").unwrap_or(&none);
    // one decision may be beside an approval and beside its record, with other fields asked of each
    let twice = asked.has("decision") && of_record.has("decision");
    let whole = twice || is_ordinary(of_record) || ORDINARY.iter().any(|path| asked.has(path));
    let mut kin = Kin {
        whole,
        ..Kin::default()
    };
    let mut categories: Vec<CategoryId> = Vec::new();
    if asked.has("proposedCategory") {
        categories.extend(rows().filter_map(|row| row.proposed_category_id));
    }
    if asked.has("category") {
        categories.extend(rows().filter_map(|row| row.category_id));
    }
    if let Some(of_decision) = asked.beneath("decision") {
        let ids: Vec<DecisionId> = distinct(rows().map(|row| row.decision_id));
        let wanted = match whole {
            true => decision::Column::iter().collect(),
            false => decision_columns(of_decision),
        };
        let found = approvals::decisions(op, &ids, &wanted).await?;
        if of_decision.has("category") {
            categories.extend(found.iter().filter_map(|row| row.category_id));
        }
        let found = found.into_iter().map(|row| (row.id, Decision::from(row)));
        kin.decisions = Some(found.collect());
    }
    let found: Vec<record::Model> = match asked.has("record") {
        true => {
            let ids: Vec<RecordId> = distinct(rows().map(|row| row.record_id));
            match whole {
                true => records::by_ids(op, &ids).await?,
                false => records::lines(op, &ids, &columns(of_record)).await?,
            }
        }
        false => Vec::new(),
    };
    let under: Vec<&record::Model> = found.iter().collect();
    beside(ctx, of_record, &under, categories, &mut kin).await?;
    let found = found.into_iter().map(|row| (row.id, Record::from(row)));
    kin.records = Some(found.collect());
    Ok(kin)
}
