//! What a list of records loads for its whole page at once, when the operation asks for it.

use std::collections::{BTreeSet, HashMap};

use async_graphql::Context;
use entity::{AccountId, CategoryId, ConnectionId, ImportId, RecordId, decision, record};
use sea_orm::Iterable;

use crate::error::Result;
use crate::graphql::accounts::Account;
use crate::graphql::categories::Category;
use crate::graphql::connections::Connection;
use crate::graphql::decisions::{Decision, DecisionsOf};
use crate::graphql::imports::Import;
use crate::graphql::op::Op;
use crate::graphql::page::Asked;
use crate::graphql::plain::Kin;
use crate::permission::Permission;
use crate::{accounts, categories, connections, imports, records};

/// The columns of records that are needed for what is asked of them.
pub(in crate::graphql) fn columns(asked: &Asked<'_>) -> Vec<record::Column> {
    use record::Column as C;
    const OF: &[(&str, &[record::Column])] = &[
        ("occurredOn", &[C::OccurredOn]),
        ("amount", &[C::Amount, C::Currency]),
        ("description", &[C::Description]),
        ("merchant", &[C::MerchantKey]),
        ("project", &[C::Project]),
        ("note", &[C::Note]),
        ("tags", &[C::Tags]),
        ("error", &[C::Error]),
        ("externalId", &[C::ExternalId]),
        ("raw", &[C::Raw]),
        ("metadata", &[C::Metadata]),
        ("createdAt", &[C::CreatedAt]),
        ("updatedAt", &[C::UpdatedAt]),
        ("voidedAt", &[C::DeletedAt]),
        ("automatic", &[C::Automatic]),
        ("account", &[C::AccountId]),
        ("category", &[C::CategoryId]),
        ("connection", &[C::ConnectionId]),
        ("import", &[C::ImportId]),
        ("decision", &[C::DecisionId]),
        ("reasoningTrace", &[C::DecisionId]),
        ("splits", &[C::DecisionId, C::Currency, C::Amount]),
    ];
    wanted(&[C::Id, C::Status], OF, asked)
}

/// The columns of decisions that are needed for what is asked of them.
pub(in crate::graphql) fn decision_columns(asked: &Asked<'_>) -> Vec<decision::Column> {
    use decision::Column as C;
    const OF: &[(&str, &[decision::Column])] = &[
        ("source", &[C::Source]),
        ("categoryId", &[C::CategoryId]),
        ("category", &[C::CategoryId]),
        ("project", &[C::Project]),
        ("note", &[C::Note]),
        ("tags", &[C::Tags]),
        ("flag", &[C::Flag]),
        ("confidence", &[C::Confidence]),
        ("model", &[C::Model]),
        ("version", &[C::Version]),
        // what it quotes depends on the source
        ("rationale", &[C::Rationale, C::Source]),
        ("considered", &[C::Considered]),
        // all that a sentence and its numbers are made of
        (
            "explain",
            &[
                C::Considered,
                C::Rationale,
                C::Source,
                C::Confidence,
                C::Version,
                C::CostMicros,
                C::LatencyUs,
            ],
        ),
        ("cost", &[C::CostMicros]),
        ("latencyUs", &[C::LatencyUs]),
        ("actor", &[C::Actor]),
        ("createdAt", &[C::CreatedAt]),
    ];
    wanted(&[C::Id], OF, asked)
}

/// The columns that are always needed and those of the fields that are asked for.
fn wanted<C: Copy>(always: &[C], of: &[(&str, &[C])], asked: &Asked<'_>) -> Vec<C> {
    let named = of.iter().filter(|(field, _)| asked.has(field));
    let named = named.flat_map(|(_, columns)| columns.iter().copied());
    always.iter().copied().chain(named).collect()
}

/// Whether records are asked for what only the ordinary way can answer, so that they are read whole.
pub(in crate::graphql) fn is_ordinary(asked: &Asked<'_>) -> bool {
    const FIELDS: &[&str] = &[
        "connection",
        "import",
        "decisions",
        "reasoningTrace",
        "refundOf",
        "refunds",
        "splits",
        "transfer",
        "decision.considered",
        "decision.explain",
        "decision.splits",
        "decision.category.parent",
        "category.parent",
    ];
    FIELDS.iter().any(|field| asked.has(field))
}

/// Loads what is asked of the records of a page: one statement for each kind of child.
pub(super) async fn children(
    ctx: &Context<'_>,
    asked: &Asked<'_>,
    rows: &[(String, record::Model)],
) -> Result<Kin> {
    let rows: Vec<&record::Model> = rows.iter().map(|(_, row)| row).collect();
    let each = || rows.iter().copied();
    // whoever may not see connections is told so by the field
    let sees_connections = ctx
        .op()?
        .permissions()
        .contains(Permission::ReadConnections);
    if asked.has("connection") && sees_connections {
        feed_connections(ctx, each().filter_map(|row| row.connection_id)).await?;
    }
    if asked.has("import") {
        feed_imports(ctx, each().filter_map(|row| row.import_id)).await?;
    }
    let mut kin = Kin {
        whole: is_ordinary(asked),
        ..Kin::default()
    };
    let mut categories = Vec::new();
    if asked.has("decisions") {
        let named = feed_histories(ctx, each().map(|row| row.id)).await?;
        if asked.has("decisions.category") {
            categories.extend(named);
        }
    }
    beside(ctx, asked, &rows, categories, &mut kin).await?;
    Ok(kin)
}

/// Loads what is asked for next to records: their accounts, decisions in force and categories, `categories` among them.
/// What the caller may not see is left to the fields, which say so.
pub(in crate::graphql) async fn beside(
    ctx: &Context<'_>,
    asked: &Asked<'_>,
    rows: &[&record::Model],
    mut categories: Vec<CategoryId>,
    kin: &mut Kin,
) -> Result<()> {
    let op = ctx.op()?;
    let sees_accounts = op.permissions().contains(Permission::ReadAccounts);
    if asked.has("account") && sees_accounts {
        let ids = distinct(rows.iter().filter_map(|row| row.account_id));
        let found = accounts::by_ids(op, &ids).await?;
        let found = found.into_iter().map(|row| (row.id, Account::from(row)));
        kin.accounts.get_or_insert_default().extend(found);
    }
    if asked.has("decision") || asked.has("reasoningTrace") {
        let ids = distinct(rows.iter().filter_map(|row| row.decision_id));
        let wanted = match asked.beneath("decision") {
            Some(asked) if !kin.whole => decision_columns(asked),
            _ => decision::Column::iter().collect(),
        };
        let found = records::decision_lines(op, &ids, &wanted).await?;
        if asked.has("decision.category") {
            categories.extend(found.iter().filter_map(|row| row.category_id));
        }
        let found = found.into_iter().map(|row| (row.id, Decision::from(row)));
        kin.decisions.get_or_insert_default().extend(found);
    }
    let filed = asked.has("category");
    if filed {
        categories.extend(rows.iter().filter_map(|row| row.category_id));
    }
    if (filed || !categories.is_empty()) && sees_accounts {
        let found = categories::by_ids(op, &distinct(categories)).await?;
        let found = found.into_iter().map(|row| (row.id, Category::from(row)));
        kin.categories.get_or_insert_default().extend(found);
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
