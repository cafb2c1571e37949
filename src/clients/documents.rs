//! Registering documents, and removing them.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::{GraphqlClientId, GraphqlDocumentId, graphql_document, graphql_usage};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::change::lock;
use crate::ctx::{Ctx, Event};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// Documents that are taken at once.
const AT_ONCE: usize = 1_000;
/// Documents a client may have, which is also what one unit of work can bring.
const MOST: usize = 10_000;

/// A document that was found valid.
#[derive(Clone, Debug)]
pub struct NewDocument {
    /// SHA-256 of its text.
    pub hash: [u8; 32],
    /// Its id in the manifest, where that is not its hash.
    pub custom_id: Option<String>,
    /// The name of its operation.
    pub name: Option<String>,
    /// What its operation is.
    pub kind: graphql_document::Kind,
    /// The document.
    pub text: String,
    /// The most it can cost.
    pub cost: i64,
}

/// What became of one document of a call.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It was stored.
    New(graphql_document::Model),
    /// It was registered before.
    Known(graphql_document::Model),
}

/// Why a document of a call cannot be registered.
#[derive(Clone, Debug)]
pub struct Clash {
    /// Its place in the call.
    pub index: usize,
    /// Why.
    pub message: String,
}

/// Registers documents of a client, all or none: what became of each, or those that stand in the way.
#[tracing::instrument(skip_all, fields(graphql_client.id = %client))]
pub async fn register(
    ctx: &Ctx,
    client: GraphqlClientId,
    documents: Vec<NewDocument>,
) -> Result<Result<Vec<Outcome>, Vec<Clash>>> {
    ctx.require(Permission::RegisterDocuments)?;
    check_length("documents", documents.len(), MOST)?;
    let mut tx = ctx.begin().await?;
    // also: nobody else registers the same meanwhile
    lock(&tx, client).await?;
    use graphql_document::Column;
    let hashes = documents.iter().map(|new| new.hash.to_vec());
    let custom = documents.iter().filter_map(|new| new.custom_id.clone());
    let known = tx
        .select::<graphql_document::Entity>()
        .filter(Column::ClientId.eq(client))
        .filter(
            Column::TextHash
                .is_in(hashes)
                .or(Column::CustomId.is_in(custom)),
        )
        .all(tx.on())
        .await?;
    let clashes = clashes(&documents, &known);
    if !clashes.is_empty() {
        tx.rollback().await?;
        return Ok(Err(clashes));
    }

    let mut before: HashMap<Vec<u8>, graphql_document::Model> = known
        .into_iter()
        .map(|row| (row.text_hash.clone(), row))
        .collect();
    let outcomes: Vec<Outcome> = documents
        .into_iter()
        .map(|new| match before.remove(new.hash.as_slice()) {
            Some(row) => Outcome::Known(row),
            None => Outcome::New(graphql_document::Model {
                tenant_id: ctx.tenant(),
                id: ctx.id(),
                client_id: client,
                text_hash: new.hash.to_vec(),
                custom_id: new.custom_id,
                name: new.name,
                kind: new.kind,
                text: new.text,
                cost: new.cost,
                created_at: ctx.now(),
            }),
        })
        .collect();
    let rows: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Outcome::New(row) => Some(row.clone()),
            Outcome::Known(_) => None,
        })
        .collect();
    if rows.is_empty() {
        tx.rollback().await?;
        return Ok(Ok(outcomes));
    }
    let own = tx
        .select::<graphql_document::Entity>()
        .filter(Column::ClientId.eq(client));
    let count = rows.len() as u64;
    if own.count(tx.on()).await? + count > MOST as u64 {
        let message = format!("a client may have {MOST} documents; remove some first");
        return Err(Error::invalid("documents", message));
    }
    tx.insert_all(rows).await?;
    tx.record(Event::DocumentsRegistered {
        graphql_client: client,
        documents: count,
    });
    tx.commit().await?;
    Ok(Ok(outcomes))
}

/// What stands in the way: an id has one text for good, and a text one id.
fn clashes(documents: &[NewDocument], known: &[graphql_document::Model]) -> Vec<Clash> {
    let (mut hashes, mut ids) = (HashSet::new(), HashSet::new());
    let mut found = Vec::new();
    for (index, new) in documents.iter().enumerate() {
        let twice =
            !hashes.insert(new.hash) || new.custom_id.as_ref().is_some_and(|id| !ids.insert(id));
        let same = known.iter().find(|row| row.text_hash == new.hash);
        let named = new.custom_id.as_ref().and_then(|id| {
            let mut rows = known.iter();
            rows.find(|row| row.custom_id.as_ref() == Some(id))
        });
        let message = if twice {
            "is listed twice"
        } else if named.is_some_and(|row| row.text_hash != new.hash) {
            "another text is registered under this id; remove it first"
        } else if same.is_some() && new.custom_id.is_some() && named.is_none() {
            "this text is registered under another id; remove it first"
        } else {
            continue;
        };
        found.push(Clash {
            index,
            message: message.to_owned(),
        });
    }
    found
}

/// Removes documents of a client, all or none, with what was counted of them. A strict client is refused them within a
/// second, on every node.
#[tracing::instrument(skip_all, fields(graphql_client.id = %client))]
pub async fn remove(ctx: &Ctx, client: GraphqlClientId, ids: &[GraphqlDocumentId]) -> Result<()> {
    ctx.require(Permission::RegisterDocuments)?;
    check_length("graphqlDocumentIds", ids.len(), AT_ONCE)?;
    let ids: HashSet<_> = ids.iter().copied().collect();
    let mut tx = ctx.begin().await?;
    lock(&tx, client).await?;
    let gone = tx
        .delete::<graphql_document::Entity>()
        .filter(graphql_document::Column::ClientId.eq(client))
        .filter(graphql_document::Column::Id.is_in(ids.iter().copied()))
        .exec(tx.on())
        .await?;
    if gone.rows_affected != ids.len() as u64 {
        return Err(Error::NotFound("document"));
    }
    tx.delete::<graphql_usage::Entity>()
        .filter(graphql_usage::Column::ClientId.eq(client))
        .filter(graphql_usage::Column::Kind.eq(graphql_usage::Kind::Document))
        .filter(graphql_usage::Column::Subject.is_in(ids.iter().map(ToString::to_string)))
        .exec(tx.on())
        .await?;
    tx.record(Event::DocumentsRemoved {
        graphql_client: client,
        documents: gone.rows_affected,
    });
    tx.commit().await?;
    Ok(())
}

/// Documents of a client that were registered before then and not used since, oldest first; as many as can be removed
/// at once.
pub async fn unused(
    ctx: &Ctx,
    client: GraphqlClientId,
    since: DateTime<Utc>,
) -> Result<Vec<graphql_document::Model>> {
    ctx.require(Permission::ReadClients)?;
    let read = ctx.read().await?;
    let used: HashSet<String> = read
        .select::<graphql_usage::Entity>()
        .select_only()
        .distinct()
        .column(graphql_usage::Column::Subject)
        .filter(graphql_usage::Column::ClientId.eq(client))
        .filter(graphql_usage::Column::Kind.eq(graphql_usage::Kind::Document))
        .filter(Expr::col(graphql_usage::Column::LastUsedAt).gte(since))
        .into_tuple()
        .all(read.on())
        .await?
        .into_iter()
        .collect();
    let old = read
        .select::<graphql_document::Entity>()
        .filter(graphql_document::Column::ClientId.eq(client))
        .filter(graphql_document::Column::CreatedAt.lt(since))
        .order_by_asc(graphql_document::Column::Id)
        .all(read.on())
        .await?;
    let idle = old.into_iter();
    let idle = idle.filter(|row| !used.contains(&row.id.to_string()));
    Ok(idle.take(AT_ONCE).collect())
}

fn check_length(field: &'static str, length: usize, most: usize) -> Result<()> {
    if (1..=most).contains(&length) {
        return Ok(());
    }
    let message = format!("are {length}; 1 to {most} are accepted at once");
    Err(Error::invalid(field, message))
}
