//! Apps that speak GraphQL and their documents, as clients see them.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, Enum, ID, MaybeUndefined, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{GraphqlClientId, GraphqlDocumentId, graphql_client, graphql_document};

use super::documents::document_id;
use super::loader::{OpLoader, find};
use super::node::{global, local, local_all, local_opt};
use super::op::Op;
use super::page::{Connection, as_of, asks, window};
use crate::clients::{self, ClientChange, NewClient, Refusals, Used};
use crate::error::{Error, Result};
use crate::page::Page;

mod input;
mod payload;
mod register;

pub use input::*;
pub use payload::*;

/// What an app may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "graphql_client::Mode")]
pub enum GraphqlClientMode {
    /// Any document.
    Permissive,
    /// Documents that it has registered, and no others.
    Strict,
}

/// What the operation of a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "graphql_document::Kind")]
pub enum GraphqlOperationType {
    /// A query.
    Query,
    /// A mutation.
    Mutation,
    /// A subscription.
    Subscription,
}

/// An app that speaks GraphQL.
#[derive(Clone, SimpleObject)]
#[graphql(complex, serial)]
pub struct GraphqlClient {
    /// Opaque global id.
    pub id: ID,
    /// How it names itself in the header `GraphQL-Client-Name` or `apollographql-client-name`.
    pub name: String,
    /// What it may send.
    pub mode: GraphqlClientMode,
    /// The service account whose keys are this client, whatever they call themselves.
    pub service_account_id: Option<ID>,
    /// For how many seconds its own caches may keep the answer to a query that it asked for by GET and by the name of
    /// its document.
    pub cache_seconds: i32,
    /// When it was put away.
    pub archived_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    #[graphql(skip)]
    local_id: GraphqlClientId,
}

#[ComplexObject]
impl GraphqlClient {
    /// How often it was refused a document that it has not registered. Counted within seconds.
    async fn refused_count(&self, ctx: &Context<'_>) -> Result<i64> {
        Ok(self.refusals(ctx).await?.count)
    }

    /// When that happened last.
    async fn last_refused_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        Ok(self.refusals(ctx).await?.last_at)
    }
}

impl GraphqlClient {
    async fn refusals(&self, ctx: &Context<'_>) -> Result<Refusals> {
        let found = find(ctx, RefusalsOf(self.local_id)).await?;
        Ok(found.unwrap_or_default())
    }
}

impl From<graphql_client::Model> for GraphqlClient {
    fn from(row: graphql_client::Model) -> Self {
        Self {
            id: global("GraphqlClient", row.id),
            name: row.name,
            mode: row.mode.into(),
            service_account_id: row
                .service_account_id
                .map(|id| global("ServiceAccount", id)),
            cache_seconds: row.cache_seconds,
            archived_at: row.archived_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            local_id: row.id,
        }
    }
}

/// Asks what a client was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RefusalsOf(GraphqlClientId);

impl Loader<RefusalsOf> for OpLoader {
    type Value = Refusals;
    type Error = Arc<Error>;

    async fn load(&self, of: &[RefusalsOf]) -> Result<HashMap<RefusalsOf, Refusals>, Arc<Error>> {
        let ids = of.iter().map(|RefusalsOf(id)| *id);
        let found = clients::refusals(&self.ctx, ids).await.map_err(Arc::new)?;
        let found = found.into_iter();
        Ok(found
            .map(|(id, refusals)| (RefusalsOf(id), refusals))
            .collect())
    }
}

/// A document that an app has registered. It never changes.
#[derive(Clone, SimpleObject)]
#[graphql(serial)]
pub struct GraphqlDocument {
    /// Opaque global id.
    pub id: ID,
    /// What the app sends instead of the text: `sha256:` and the SHA-256 of it.
    pub document_id: String,
    /// Its id in the manifest, where that is another one; the app may send it too.
    pub custom_id: Option<String>,
    /// The app.
    pub graphql_client_id: ID,
    /// The name of its operation.
    pub name: Option<String>,
    /// What its operation is.
    pub operation_type: GraphqlOperationType,
    /// The document.
    pub text: String,
    /// The most it can cost, with pages of 20 where a variable decides.
    pub cost: i64,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// How often it was asked for. Counted within seconds.
    pub use_count: i64,
    /// When last.
    pub last_used_at: Option<DateTime<Utc>>,
    /// The cost that 95 of 100 requests did not pass, rounded up to two digits; null before the first.
    pub p95_cost: Option<i64>,
}

impl GraphqlDocument {
    fn of(row: graphql_document::Model, used: Used) -> Self {
        Self {
            id: global("GraphqlDocument", row.id),
            document_id: document_id(&row.text_hash),
            custom_id: row.custom_id,
            graphql_client_id: global("GraphqlClient", row.client_id),
            name: row.name,
            operation_type: row.kind.into(),
            text: row.text,
            cost: row.cost,
            created_at: row.created_at,
            use_count: used.uses,
            last_used_at: used.last_used_at,
            p95_cost: used.p95_cost,
        }
    }
}

/// Uses of a deprecated member of the schema by an app.
#[derive(Clone, SimpleObject)]
#[graphql(serial)]
pub struct DeprecatedUse {
    /// The member, as `Type.field` or `Type.field(argument:)`.
    pub member: String,
    /// The app; null where the callers named none that is known.
    pub graphql_client_id: Option<ID>,
    /// What the app is called.
    pub client_name: Option<String>,
    /// How many requests used it. Counted within seconds.
    pub use_count: i64,
    /// When last.
    pub last_used_at: DateTime<Utc>,
}

/// Questions about apps that speak GraphQL.
#[derive(Default)]
pub struct ClientsQuery;

#[Object]
impl ClientsQuery {
    /// One app. Needs `clients:read`.
    async fn graphql_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its global id.")] id: ID,
    ) -> Result<GraphqlClient> {
        let id = local("GraphqlClient", "id", &id)?;
        Ok(clients::load(ctx.op()?, id).await?.into())
    }

    /// The apps that speak GraphQL to the tenant, newest first. Needs `clients:read`.
    #[allow(clippy::too_many_arguments)]
    async fn graphql_clients(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Those that were put away, too.", default = false)] archived: bool,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor to start after.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor to end before.")] before: Option<String>,
    ) -> Result<Connection<GraphqlClient>> {
        let window = window(first, after, last, before)?;
        let op = ctx.op()?;
        let as_of = as_of(ctx).await?;
        let page = clients::list(op, archived, &window).await?;
        let mut found = Connection::of(page, GraphqlClient::from);
        found.as_of = as_of;
        if asks(ctx, "totalCount") {
            found.total_count = Some(clients::count(op, archived).await? as i64);
        }
        Ok(found)
    }

    /// The documents that apps have registered, newest first, with how each is used. Needs `clients:read`.
    #[allow(clippy::too_many_arguments)]
    async fn graphql_documents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Those of one app; of all when left out.")] graphql_client_id: Option<ID>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor to start after.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor to end before.")] before: Option<String>,
    ) -> Result<Connection<GraphqlDocument>> {
        let window = window(first, after, last, before)?;
        let client = local_opt(
            "GraphqlClient",
            "graphqlClientId",
            graphql_client_id.as_ref(),
        )?;
        let op = ctx.op()?;
        if let Some(client) = client {
            clients::load(op, client).await?;
        }
        let as_of = as_of(ctx).await?;
        let page = clients::documents(op, client, &window).await?;
        let mut used = HashMap::new();
        if ["useCount", "lastUsedAt", "p95Cost"]
            .iter()
            .any(|field| asks(ctx, &format!("edges.node.{field}")))
        {
            let ids: Vec<GraphqlDocumentId> = page.rows.iter().map(|(_, row)| row.id).collect();
            used = clients::used(op, &ids).await?;
        }
        let mut found = Connection::of(page, |row: graphql_document::Model| {
            let used = used.get(&row.id).copied().unwrap_or_default();
            GraphqlDocument::of(row, used)
        });
        found.as_of = as_of;
        if asks(ctx, "totalCount") {
            found.total_count = Some(clients::count_documents(op, client).await? as i64);
        }
        Ok(found)
    }

    /// Which deprecated members of the schema are still used, and by whom: by member. Needs `clients:read`.
    async fn deprecated_usage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor to start after.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor to end before.")] before: Option<String>,
    ) -> Result<Connection<DeprecatedUse>> {
        let window = window(first, after, last, before)?;
        let op = ctx.op()?;
        let as_of = as_of(ctx).await?;
        let page: Page<clients::Deprecated> = clients::deprecated(op, &window).await?;
        let by = page.rows.iter().filter_map(|(_, used)| used.client);
        let names = clients::names(op, by).await?;
        let mut found = Connection::of(page, |used: clients::Deprecated| DeprecatedUse {
            member: used.member,
            graphql_client_id: used.client.map(|id| global("GraphqlClient", id)),
            client_name: used.client.and_then(|id| names.get(&id).cloned()),
            use_count: used.uses,
            last_used_at: used.last_used_at,
        });
        found.as_of = as_of;
        if asks(ctx, "totalCount") {
            found.total_count = Some(clients::count_deprecated(op).await? as i64);
        }
        Ok(found)
    }
}

/// What is done with apps that speak GraphQL.
#[derive(Default)]
pub struct ClientsMutation;

#[Object]
impl ClientsMutation {
    /// Make an app known. Needs `clients:manage`.
    async fn create_graphql_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: CreateGraphqlClientInput,
    ) -> Result<CreateGraphqlClientPayload> {
        let op = ctx.op()?;
        let made = async {
            let account = input.service_account_id.as_ref();
            let new = NewClient {
                name: input.name,
                mode: input.mode.into(),
                service_account: local_opt("ServiceAccount", "serviceAccountId", account)?,
                cache_seconds: input.cache_seconds,
            };
            clients::create(op, new).await
        };
        CreateGraphqlClientPayload::of(made.await)
    }

    /// Change what an app may send, its name or whose keys it is; within a second on every node. Needs `clients:manage`.
    async fn update_graphql_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: UpdateGraphqlClientInput,
    ) -> Result<UpdateGraphqlClientPayload> {
        let op = ctx.op()?;
        let changed = async {
            let id = client(&input.graphql_client_id)?;
            let service_account = match &input.service_account_id {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(None),
                MaybeUndefined::Value(account) => {
                    Some(Some(local("ServiceAccount", "serviceAccountId", account)?))
                }
            };
            let change = ClientChange {
                name: input.name,
                mode: input.mode.map(Into::into),
                service_account,
                cache_seconds: input.cache_seconds,
            };
            clients::update(op, id, change).await
        };
        UpdateGraphqlClientPayload::of(changed.await)
    }

    /// Put an app away. Nobody is held to its documents any more. Needs `clients:manage`.
    async fn archive_graphql_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ArchiveGraphqlClientInput,
    ) -> Result<ArchiveGraphqlClientPayload> {
        let op = ctx.op()?;
        let archived = async {
            let id = client(&input.graphql_client_id)?;
            clients::archive(op, id).await
        };
        ArchiveGraphqlClientPayload::of(archived.await)
    }

    /// Register documents of an app, all or none, after each was validated and measured. Those that are registered
    /// already stay as they are. Needs `documents:register`.
    async fn register_documents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RegisterDocumentsInput,
    ) -> Result<RegisterDocumentsPayload> {
        register::register(ctx.op()?, input).await
    }

    /// Remove documents of an app, all or none; within a second on every node. Needs `documents:register`.
    async fn remove_documents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RemoveDocumentsInput,
    ) -> Result<RemoveDocumentsPayload> {
        let op = ctx.op()?;
        let ids = input.graphql_document_ids;
        let removed = async {
            let of = client(&input.graphql_client_id)?;
            let local = local_all("GraphqlDocument", "graphqlDocumentIds", &ids)?;
            clients::remove(op, of, &local).await
        };
        RemoveDocumentsPayload::removed(removed.await, ids)
    }
}

fn client(id: &ID) -> Result<GraphqlClientId> {
    local("GraphqlClient", "graphqlClientId", id)
}
