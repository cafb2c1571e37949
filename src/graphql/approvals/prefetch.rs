//! What a list of approvals loads for its whole page at once, when the operation asks for it.

use async_graphql::Context;
use entity::{CategoryId, DecisionId, RecordId, approval, record};

use crate::error::Result;
use crate::graphql::decisions::Decision;
use crate::graphql::op::Op;
use crate::graphql::page::asks;
use crate::graphql::plain::Kin;
use crate::graphql::records::{Record, beside, columns, decision_columns, distinct, is_ordinary};
use crate::{approvals, records};

/// Loads what the operation asks for beneath a page of approvals: one statement for each kind of child.
pub(super) async fn children(ctx: &Context<'_>, rows: &[(String, approval::Model)]) -> Result<Kin> {
    let op = ctx.op()?;
    let rows = || rows.iter().map(|(_, row)| row);
    let whole = is_ordinary(ctx, "edges.node.record")
        || asks(ctx, "edges.node.decision.considered")
        || asks(ctx, "edges.node.decision.category.parent")
        || asks(ctx, "edges.node.proposedCategory.parent")
        || asks(ctx, "edges.node.category.parent");
    let mut kin = Kin {
        whole,
        ..Kin::default()
    };
    let mut categories: Vec<CategoryId> = Vec::new();
    if asks(ctx, "edges.node.proposedCategory") {
        categories.extend(rows().filter_map(|row| row.proposed_category_id));
    }
    if asks(ctx, "edges.node.category") {
        categories.extend(rows().filter_map(|row| row.category_id));
    }
    if asks(ctx, "edges.node.decision") {
        let ids: Vec<DecisionId> = distinct(rows().map(|row| row.decision_id));
        let found = approvals::decisions(op, &ids, &decision_columns(whole)).await?;
        if asks(ctx, "edges.node.decision.category") {
            categories.extend(found.iter().filter_map(|row| row.category_id));
        }
        let found = found.into_iter().map(|row| (row.id, Decision::from(row)));
        kin.decisions = Some(found.collect());
    }
    let found: Vec<record::Model> = match asks(ctx, "edges.node.record") {
        true => {
            let ids: Vec<RecordId> = distinct(rows().map(|row| row.record_id));
            match whole {
                true => records::by_ids(op, &ids).await?,
                false => records::lines(op, &ids, &columns(ctx, "edges.node.record")).await?,
            }
        }
        false => Vec::new(),
    };
    let under: Vec<&record::Model> = found.iter().collect();
    beside(ctx, "edges.node.record", &under, categories, &mut kin).await?;
    let found = found.into_iter().map(|row| (row.id, Record::from(row)));
    kin.records = Some(found.collect());
    Ok(kin)
}
