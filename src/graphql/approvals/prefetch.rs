//! What a list of approvals loads for its whole page at once, when the operation asks for it.

use async_graphql::Context;
use entity::{CategoryId, DecisionId, RecordId, approval};

use crate::error::Result;
use crate::graphql::categories::Category;
use crate::graphql::decisions::Decision;
use crate::graphql::op::Op;
use crate::graphql::page::asks;
use crate::graphql::records::Record;
use crate::{approvals, categories, records};

/// Loads what the operation asks for beneath a page of approvals: one statement for each kind of child.
pub(super) async fn children(ctx: &Context<'_>, rows: &[(String, approval::Model)]) -> Result<()> {
    let op = ctx.op()?;
    let rows: Vec<&approval::Model> = rows.iter().map(|(_, row)| row).collect();
    if asks(ctx, "edges.node.record") {
        let ids: Vec<RecordId> = rows.iter().map(|row| row.record_id).collect();
        let found = records::by_ids(op, &ids).await?;
        let found = found.into_iter().map(|row| (row.id, Record::from(row)));
        ctx.loader()?.feed_many(found).await;
    }
    if asks(ctx, "edges.node.decision") {
        let ids: Vec<DecisionId> = rows.iter().map(|row| row.decision_id).collect();
        let found = approvals::decisions(op, &ids).await?;
        let found = found.into_iter().map(|row| (row.id, Decision::from(row)));
        ctx.loader()?.feed_many(found).await;
    }
    if asks(ctx, "edges.node.proposedCategory") || asks(ctx, "edges.node.category") {
        let named = |row: &&approval::Model| [row.proposed_category_id, row.category_id];
        let mut ids: Vec<CategoryId> = rows.iter().flat_map(named).flatten().collect();
        ids.sort_unstable();
        ids.dedup();
        let found = categories::by_ids(op, &ids).await?;
        let found = found.into_iter().map(|row| (row.id, Category::from(row)));
        ctx.loader()?.feed_many(found).await;
    }
    Ok(())
}
