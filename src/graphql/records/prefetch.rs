//! What a list of records loads for its whole page at once, when the operation asks for it.

use std::collections::{BTreeSet, HashMap};

use async_graphql::Context;
use entity::{AccountId, CategoryId, ConnectionId, DecisionId, ImportId, RecordId, record};

use crate::error::Result;
use crate::graphql::accounts::Account;
use crate::graphql::categories::Category;
use crate::graphql::connections::Connection;
use crate::graphql::decisions::{Decision, DecisionsOf};
use crate::graphql::imports::Import;
use crate::graphql::op::Op;
use crate::graphql::page::asks;
use crate::{accounts, categories, connections, imports, records};

/// Loads what the operation asks for beneath a page of records: one statement for each kind of child.
pub(super) async fn children(ctx: &Context<'_>, rows: &[(String, record::Model)]) -> Result<()> {
    let rows = || rows.iter().map(|(_, row)| row);
    if asks(ctx, "edges.node.account") {
        feed_accounts(ctx, rows().filter_map(|row| row.account_id)).await?;
    }
    if asks(ctx, "edges.node.category") {
        feed_categories(ctx, rows().filter_map(|row| row.category_id)).await?;
    }
    // whoever may not see connections is told so by the field
    if asks(ctx, "edges.node.connection")
        && ctx
            .op()?
            .permissions()
            .contains(crate::permission::Permission::ReadConnections)
    {
        feed_connections(ctx, rows().filter_map(|row| row.connection_id)).await?;
    }
    if asks(ctx, "edges.node.import") {
        feed_imports(ctx, rows().filter_map(|row| row.import_id)).await?;
    }
    let mut of = Vec::new();
    if asks(ctx, "edges.node.decision") || asks(ctx, "edges.node.reasoningTrace") {
        of.extend(feed_decisions(ctx, rows().filter_map(|row| row.decision_id)).await?);
    }
    if asks(ctx, "edges.node.decisions") {
        of.extend(feed_histories(ctx, rows().map(|row| row.id)).await?);
    }
    if asks(ctx, "edges.node.decision.category") || asks(ctx, "edges.node.decisions.category") {
        feed_categories(ctx, of).await?;
    }
    Ok(())
}

/// Loads accounts for the edges beneath a page.
pub(in crate::graphql) async fn feed_accounts(
    ctx: &Context<'_>,
    ids: impl IntoIterator<Item = AccountId>,
) -> Result<()> {
    let ids = distinct(ids);
    if !ids.is_empty() {
        let found = accounts::by_ids(ctx.op()?, &ids).await?;
        let found = found.into_iter().map(|row| (row.id, Account::from(row)));
        ctx.loader()?.feed_many(found).await;
    }
    Ok(())
}

/// Loads connections for the edges beneath a page.
pub(in crate::graphql) async fn feed_connections(
    ctx: &Context<'_>,
    ids: impl IntoIterator<Item = ConnectionId>,
) -> Result<()> {
    let ids = distinct(ids);
    if !ids.is_empty() {
        let found = connections::by_ids(ctx.op()?, &ids).await?;
        let found = found.into_iter().map(|row| (row.id, Connection::from(row)));
        ctx.loader()?.feed_many(found).await;
    }
    Ok(())
}

async fn feed_categories(
    ctx: &Context<'_>,
    ids: impl IntoIterator<Item = CategoryId>,
) -> Result<()> {
    let ids = distinct(ids);
    if !ids.is_empty() {
        let found = categories::by_ids(ctx.op()?, &ids).await?;
        let found = found.into_iter().map(|row| (row.id, Category::from(row)));
        ctx.loader()?.feed_many(found).await;
    }
    Ok(())
}

async fn feed_imports(ctx: &Context<'_>, ids: impl IntoIterator<Item = ImportId>) -> Result<()> {
    let ids = distinct(ids);
    if !ids.is_empty() {
        let found = imports::by_ids(ctx.op()?, &ids).await?;
        let found = found.into_iter().map(|row| (row.id, Import::from(row)));
        ctx.loader()?.feed_many(found).await;
    }
    Ok(())
}

/// Loads the decisions in force; the categories in them.
async fn feed_decisions(
    ctx: &Context<'_>,
    ids: impl IntoIterator<Item = DecisionId>,
) -> Result<Vec<CategoryId>> {
    let ids = distinct(ids);
    let found = records::decisions(ctx.op()?, &ids).await?;
    let categories = found.iter().filter_map(|row| row.category_id).collect();
    let found = found.into_iter().map(|row| (row.id, Decision::from(row)));
    ctx.loader()?.feed_many(found).await;
    Ok(categories)
}

/// Loads everything decided about records; the categories in it.
async fn feed_histories(
    ctx: &Context<'_>,
    records: impl IntoIterator<Item = RecordId>,
) -> Result<Vec<CategoryId>> {
    let ids: Vec<RecordId> = records.into_iter().collect();
    let mut found: HashMap<_, _> = records::decisions_of(ctx.op()?, &ids).await?;
    let categories = found
        .values()
        .flatten()
        .filter_map(|row| row.category_id)
        .collect();
    // records without a decision are fed too, or each would be looked up again
    let fed = ids.into_iter().map(|id| {
        let rows = found.remove(&id).unwrap_or_default();
        let decisions: Vec<Decision> = rows.into_iter().map(Into::into).collect();
        (DecisionsOf(id), decisions)
    });
    let fed: Vec<_> = fed.collect();
    ctx.loader()?.feed_many(fed).await;
    Ok(categories)
}

fn distinct<T: Ord>(ids: impl IntoIterator<Item = T>) -> Vec<T> {
    let ids: BTreeSet<T> = ids.into_iter().collect();
    ids.into_iter().collect()
}
