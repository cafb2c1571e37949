//! What a list of records loads for its whole page at once, when the operation asks for it.

use std::collections::{BTreeSet, HashMap};

use async_graphql::Context;
use entity::{AccountId, CategoryId, ConnectionId, ImportId, RecordId, decision, record};

use crate::error::Result;
use crate::graphql::accounts::Account;
use crate::graphql::categories::Category;
use crate::graphql::connections::Connection;
use crate::graphql::decisions::{Decision, DecisionsOf};
use crate::graphql::imports::Import;
use crate::graphql::op::Op;
use crate::graphql::page::asks;
use crate::graphql::plain::Kin;
use crate::permission::Permission;
use crate::{accounts, categories, connections, imports, records};

/// The columns of records that the operation needs for what it asks at `path`.
pub(in crate::graphql) fn columns(ctx: &Context<'_>, path: &str) -> Vec<record::Column> {
    use record::Column as C;
    const OF: &[(&str, &[record::Column])] = &[
        ("occurredOn", &[C::OccurredOn]),
        ("amount", &[C::Amount, C::Currency]),
        ("description", &[C::Description]),
        ("merchant", &[C::MerchantKey]),
        ("project", &[C::Project]),
        ("note", &[C::Note]),
        ("error", &[C::Error]),
        ("externalId", &[C::ExternalId]),
        ("raw", &[C::Raw]),
        ("metadata", &[C::Metadata]),
        ("createdAt", &[C::CreatedAt]),
        ("updatedAt", &[C::UpdatedAt]),
        ("voidedAt", &[C::DeletedAt]),
        ("account", &[C::AccountId]),
        ("category", &[C::CategoryId]),
        ("connection", &[C::ConnectionId]),
        ("import", &[C::ImportId]),
        ("decision", &[C::DecisionId]),
        ("reasoningTrace", &[C::DecisionId]),
    ];
    let asked = OF
        .iter()
        .filter(|(field, _)| asks(ctx, &format!("{path}.{field}")));
    let named = asked.flat_map(|(_, columns)| columns.iter().copied());
    [C::Id, C::Status].into_iter().chain(named).collect()
}

/// Whether the operation asks at `path` for what only the ordinary way can answer, so that rows are read whole.
pub(in crate::graphql) fn is_ordinary(ctx: &Context<'_>, path: &str) -> bool {
    const FIELDS: &[&str] = &[
        "connection",
        "import",
        "decisions",
        "reasoningTrace",
        "decision.considered",
        "decision.category.parent",
        "category.parent",
    ];
    let asked = |field: &str| asks(ctx, &format!("{path}.{field}"));
    FIELDS.iter().any(|field| asked(field))
}

/// Loads what the operation asks for beneath a page of records: one statement for each kind of child.
pub(super) async fn children(ctx: &Context<'_>, rows: &[(String, record::Model)]) -> Result<Kin> {
    let rows: Vec<&record::Model> = rows.iter().map(|(_, row)| row).collect();
    let each = || rows.iter().copied();
    // whoever may not see connections is told so by the field
    if asks(ctx, "edges.node.connection")
        && ctx
            .op()?
            .permissions()
            .contains(Permission::ReadConnections)
    {
        feed_connections(ctx, each().filter_map(|row| row.connection_id)).await?;
    }
    if asks(ctx, "edges.node.import") {
        feed_imports(ctx, each().filter_map(|row| row.import_id)).await?;
    }
    let mut kin = Kin {
        whole: is_ordinary(ctx, "edges.node"),
        ..Kin::default()
    };
    let mut categories = Vec::new();
    if asks(ctx, "edges.node.decisions") {
        let named = feed_histories(ctx, each().map(|row| row.id)).await?;
        if asks(ctx, "edges.node.decisions.category") {
            categories.extend(named);
        }
    }
    beside(ctx, "edges.node", &rows, categories, &mut kin).await?;
    Ok(kin)
}

/// Loads what is asked for at `path` next to records: their accounts, decisions in force and categories, `categories`
/// among them. What the caller may not see is left to the fields, which say so.
pub(in crate::graphql) async fn beside(
    ctx: &Context<'_>,
    path: &str,
    rows: &[&record::Model],
    mut categories: Vec<CategoryId>,
    kin: &mut Kin,
) -> Result<()> {
    let asks_here = |field: &str| asks(ctx, &format!("{path}.{field}"));
    let op = ctx.op()?;
    let sees_accounts = op.permissions().contains(Permission::ReadAccounts);
    if asks_here("account") && sees_accounts {
        let ids = distinct(rows.iter().filter_map(|row| row.account_id));
        let found = accounts::by_ids(op, &ids).await?;
        let found = found.into_iter().map(|row| (row.id, Account::from(row)));
        kin.accounts.get_or_insert_default().extend(found);
    }
    if asks_here("decision") || asks_here("reasoningTrace") {
        let ids = distinct(rows.iter().filter_map(|row| row.decision_id));
        let wanted = decision_columns(kin.whole);
        let found = records::decision_lines(op, &ids, &wanted).await?;
        if asks_here("decision.category") {
            categories.extend(found.iter().filter_map(|row| row.category_id));
        }
        let found = found.into_iter().map(|row| (row.id, Decision::from(row)));
        kin.decisions.get_or_insert_default().extend(found);
    }
    let asked = asks_here("category");
    if asked {
        categories.extend(rows.iter().filter_map(|row| row.category_id));
    }
    if (asked || !categories.is_empty()) && sees_accounts {
        let found = categories::by_ids(op, &distinct(categories)).await?;
        let found = found.into_iter().map(|row| (row.id, Category::from(row)));
        kin.categories.get_or_insert_default().extend(found);
    }
    Ok(())
}

/// The columns of a decision; what was considered is the longest of them by far, and seldom asked for.
pub(in crate::graphql) fn decision_columns(whole: bool) -> Vec<decision::Column> {
    use sea_orm::Iterable;
    let columns = decision::Column::iter();
    columns
        .filter(|column| whole || !matches!(column, decision::Column::Considered))
        .collect()
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

async fn feed_imports(ctx: &Context<'_>, ids: impl IntoIterator<Item = ImportId>) -> Result<()> {
    let ids = distinct(ids);
    if !ids.is_empty() {
        let found = imports::by_ids(ctx.op()?, &ids).await?;
        let found = found.into_iter().map(|row| (row.id, Import::from(row)));
        ctx.loader()?.feed_many(found).await;
    }
    Ok(())
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

pub(in crate::graphql) fn distinct<T: Ord>(ids: impl IntoIterator<Item = T>) -> Vec<T> {
    let ids: BTreeSet<T> = ids.into_iter().collect();
    ids.into_iter().collect()
}
