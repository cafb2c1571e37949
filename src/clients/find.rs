//! Finding clients, what they have registered, and what was counted of them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::graphql_usage::{self, Kind};
use entity::{GraphqlClientId, GraphqlDocumentId, graphql_client, graphql_document};
use sea_orm::{
    ColumnTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
};

use crate::ctx::{Ctx, Read};
use crate::error::{Error, Result};
use crate::page::{self, Page, Window};
use crate::permission::Permission;

/// How a document is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// How often.
    pub uses: i64,
    /// When last.
    pub last_used_at: Option<DateTime<Utc>>,
    /// The cost that 95 of 100 requests do not pass, rounded up to two digits.
    pub p95_cost: Option<i64>,
}

/// What a client was refused because it is not registered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Refusals {
    /// How often.
    pub count: i64,
    /// When last.
    pub last_at: Option<DateTime<Utc>>,
}

/// Uses of a deprecated member of the schema.
#[derive(Clone, Debug)]
pub struct Deprecated {
    /// The member, as `Type.field`.
    pub member: String,
    /// By which client; nobody's when the caller is none.
    pub client: Option<GraphqlClientId>,
    /// How often.
    pub uses: i64,
    /// When last.
    pub last_used_at: DateTime<Utc>,
}

/// The clients, newest first; those that were put away only when asked for.
pub async fn list(
    ctx: &Ctx,
    archived: bool,
    window: &Window,
) -> Result<Page<graphql_client::Model>> {
    ctx.require(Permission::ReadClients)?;
    let read = ctx.read().await?;
    let id = graphql_client::Column::Id;
    page::page(clients(&read, archived), &[id], true, window, read.on()).await
}

/// How many there are.
pub async fn count(ctx: &Ctx, archived: bool) -> Result<u64> {
    ctx.require(Permission::ReadClients)?;
    let read = ctx.read().await?;
    Ok(clients(&read, archived).count(read.on()).await?)
}

/// One client.
pub async fn load(ctx: &Ctx, id: GraphqlClientId) -> Result<graphql_client::Model> {
    ctx.require(Permission::ReadClients)?;
    let read = ctx.read().await?;
    let one = graphql_client::Column::Id.eq(id);
    let found = clients(&read, true).filter(one).one(read.on()).await?;
    found.ok_or(Error::NotFound("client"))
}

/// The client of that name, if there is one that was not put away.
pub async fn find_named(ctx: &Ctx, name: &str) -> Result<Option<graphql_client::Model>> {
    ctx.require(Permission::ReadClients)?;
    let read = ctx.read().await?;
    let named = graphql_client::Column::Name.eq(name);
    Ok(clients(&read, false).filter(named).one(read.on()).await?)
}

/// What clients are called, by their ids.
pub async fn names(
    ctx: &Ctx,
    ids: impl IntoIterator<Item = GraphqlClientId>,
) -> Result<HashMap<GraphqlClientId, String>> {
    ctx.require(Permission::ReadClients)?;
    let read = ctx.read().await?;
    let found: Vec<(GraphqlClientId, String)> = clients(&read, true)
        .select_only()
        .columns([graphql_client::Column::Id, graphql_client::Column::Name])
        .filter(graphql_client::Column::Id.is_in(ids))
        .into_tuple()
        .all(read.on())
        .await?;
    Ok(found.into_iter().collect())
}

/// The documents of a client, or of all of them, newest first.
pub async fn documents(
    ctx: &Ctx,
    client: Option<GraphqlClientId>,
    window: &Window,
) -> Result<Page<graphql_document::Model>> {
    ctx.require(Permission::ReadClients)?;
    let read = ctx.read().await?;
    let id = graphql_document::Column::Id;
    page::page(registered(&read, client), &[id], true, window, read.on()).await
}

/// How many documents a client has, or all of them have.
pub async fn count_documents(ctx: &Ctx, client: Option<GraphqlClientId>) -> Result<u64> {
    ctx.require(Permission::ReadClients)?;
    let read = ctx.read().await?;
    Ok(registered(&read, client).count(read.on()).await?)
}

/// The ids of the documents of a client.
pub async fn document_ids(ctx: &Ctx, client: GraphqlClientId) -> Result<Vec<GraphqlDocumentId>> {
    ctx.require(Permission::ReadClients)?;
    let read = ctx.read().await?;
    let ids = registered(&read, Some(client))
        .select_only()
        .column(graphql_document::Column::Id)
        .order_by_asc(graphql_document::Column::Id);
    Ok(ids.into_tuple().all(read.on()).await?)
}

/// How each of these documents is used.
pub async fn used(
    ctx: &Ctx,
    ids: &[GraphqlDocumentId],
) -> Result<HashMap<GraphqlDocumentId, Used>> {
    ctx.require(Permission::ReadClients)?;
    let read = ctx.read().await?;
    let by_text: HashMap<String, GraphqlDocumentId> =
        ids.iter().map(|id| (id.to_string(), *id)).collect();
    let rows = counted(&read, Kind::Document)
        .filter(graphql_usage::Column::Subject.is_in(by_text.keys()))
        .order_by_asc(graphql_usage::Column::Cost)
        .all(read.on())
        .await?;
    let mut of: HashMap<GraphqlDocumentId, Vec<graphql_usage::Model>> = HashMap::new();
    for row in rows {
        if let Some(id) = by_text.get(&row.subject) {
            of.entry(*id).or_default().push(row);
        }
    }
    Ok(of
        .into_iter()
        .map(|(id, rows)| (id, summed(&rows)))
        .collect())
}

/// The counts of a document, cheapest first, as one.
fn summed(rows: &[graphql_usage::Model]) -> Used {
    let uses: i64 = rows.iter().map(|row| row.uses).sum();
    let mut below = 0;
    let p95 = rows.iter().find(|row| {
        below += row.uses;
        below * 100 >= uses * 95
    });
    Used {
        uses,
        last_used_at: rows.iter().map(|row| row.last_used_at).max(),
        p95_cost: p95.map(|row| row.cost),
    }
}

/// What each of these clients was refused.
pub async fn refusals(
    ctx: &Ctx,
    ids: impl IntoIterator<Item = GraphqlClientId>,
) -> Result<HashMap<GraphqlClientId, Refusals>> {
    ctx.require(Permission::ReadClients)?;
    let read = ctx.read().await?;
    let rows = counted(&read, Kind::Refused)
        .filter(graphql_usage::Column::ClientId.is_in(ids))
        .all(read.on())
        .await?;
    let told = rows.into_iter().map(|row| {
        let refusals = Refusals {
            count: row.uses,
            last_at: Some(row.last_used_at),
        };
        (row.client_id, refusals)
    });
    Ok(told.collect())
}

/// The deprecated members that were used, by name and client.
pub async fn deprecated(ctx: &Ctx, window: &Window) -> Result<Page<Deprecated>> {
    ctx.require(Permission::ReadClients)?;
    let read = ctx.read().await?;
    let columns = [
        graphql_usage::Column::Subject,
        graphql_usage::Column::ClientId,
    ];
    let rows = counted(&read, Kind::Deprecated);
    let page = page::page(rows, &columns, false, window, read.on()).await?;
    let rows = page.rows.into_iter().map(|(cursor, row)| {
        let deprecated = Deprecated {
            member: row.subject,
            client: (!row.client_id.0.is_nil()).then_some(row.client_id),
            uses: row.uses,
            last_used_at: row.last_used_at,
        };
        (cursor, deprecated)
    });
    Ok(Page {
        rows: rows.collect(),
        has_next: page.has_next,
        has_previous: page.has_previous,
    })
}

/// How many pairs of a deprecated member and a client there are.
pub async fn count_deprecated(ctx: &Ctx) -> Result<u64> {
    ctx.require(Permission::ReadClients)?;
    let read = ctx.read().await?;
    Ok(counted(&read, Kind::Deprecated).count(read.on()).await?)
}

fn clients(read: &Read, archived: bool) -> Select<graphql_client::Entity> {
    let active = (!archived).then_some(());
    read.select().apply_if(active, |select, ()| {
        select.filter(graphql_client::Column::ArchivedAt.is_null())
    })
}

fn registered(read: &Read, client: Option<GraphqlClientId>) -> Select<graphql_document::Entity> {
    read.select().apply_if(client, |select, client| {
        select.filter(graphql_document::Column::ClientId.eq(client))
    })
}

fn counted(read: &Read, kind: Kind) -> Select<graphql_usage::Entity> {
    read.select::<graphql_usage::Entity>()
        .filter(graphql_usage::Column::Kind.eq(kind))
}

#[cfg(test)]
mod tests {
    use entity::TenantId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_95th_of_a_hundred_requests_tells_the_cost() {
        let row = |cost, uses| graphql_usage::Model {
            tenant_id: TenantId(Uuid::nil()),
            client_id: GraphqlClientId(Uuid::nil()),
            kind: Kind::Document,
            subject: String::new(),
            cost,
            uses,
            last_used_at: DateTime::UNIX_EPOCH,
        };
        let p95 = |rows: &[graphql_usage::Model]| summed(rows).p95_cost;
        assert_eq!(p95(&[row(3, 95), row(80, 5)]), Some(3));
        assert_eq!(p95(&[row(3, 94), row(80, 6)]), Some(80));
        assert_eq!(p95(&[row(7, 1)]), Some(7));
        assert_eq!(summed(&[]), Used::default());
    }
}
