//! Senders of signed webhooks and what they delivered, as clients see them.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{
    ComplexObject, Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject,
};
use chrono::{DateTime, Utc};
use entity::{AccountId, ConnectionId, DeliveryId, connection, delivery};

use super::accounts::{Account, change};
use super::error::{UserError, payload};
use super::loader::{OpLoader, find, load};
use super::node::{global, local, local_opt};
use super::op::Op;
use super::page::{self, as_of, asks, window};
use super::payload::payloads;
use crate::connections::{self, ConnectionChange, Created, NewConnection};
use crate::error::{Error, Result};

/// A sender of signed webhooks.
#[derive(Clone, SimpleObject)]
#[graphql(complex, serial)]
pub struct Connection {
    /// Opaque global id; it stands in the address to post to.
    pub id: ID,
    /// What people call it.
    pub name: String,
    /// When it was switched off.
    pub disabled_at: Option<DateTime<Utc>>,
    /// When it last delivered, to the minute.
    pub last_received_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    #[graphql(skip)]
    account_id: Option<AccountId>,
}

#[ComplexObject]
impl Connection {
    /// The address it posts to.
    async fn url(&self, ctx: &Context<'_>) -> String {
        let public = ctx.handles().config.public_url();
        format!("{public}/api/v1/webhooks/{}", self.id.as_str())
    }

    /// The account of rows that name none.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<Account>> {
        match self.account_id {
            Some(id) => find(ctx, id).await,
            None => Ok(None),
        }
    }
}

impl From<connection::Model> for Connection {
    fn from(row: connection::Model) -> Self {
        Self {
            id: global("Connection", row.id),
            name: row.name,
            disabled_at: row.disabled_at,
            last_received_at: row.last_received_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            account_id: row.account_id,
        }
    }
}

impl Loader<ConnectionId> for OpLoader {
    type Value = Connection;
    type Error = Arc<Error>;

    async fn load(
        &self,
        ids: &[ConnectionId],
    ) -> Result<HashMap<ConnectionId, Connection>, Arc<Error>> {
        let found = connections::by_ids(&self.ctx, ids)
            .await
            .map_err(Arc::new)?;
        Ok(found.into_iter().map(|row| (row.id, row.into())).collect())
    }
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "delivery::Status")]
pub enum DeliveryStatus {
    /// Stored, not read yet.
    Received,
    /// Its rows are records.
    Ingested,
    /// It could not be read; see the error.
    Refused,
}

/// A webhook request as it was received.
#[derive(Clone, SimpleObject)]
#[graphql(complex, serial)]
pub struct Delivery {
    /// Opaque global id.
    pub id: ID,
    /// The sender's id of the message.
    pub webhook_id: String,
    /// The body as received.
    pub body: String,
    /// What became of it.
    pub status: DeliveryStatus,
    /// Why it was refused.
    pub error: Option<String>,
    /// Records it brought.
    pub new_rows: i32,
    /// Rows that were known.
    pub duplicate_rows: i32,
    /// When it was stored.
    pub received_at: DateTime<Utc>,
    #[graphql(skip)]
    connection_id: ConnectionId,
}

#[ComplexObject]
impl Delivery {
    /// Who sent it.
    async fn connection(&self, ctx: &Context<'_>) -> Result<Connection> {
        load(ctx, self.connection_id, "connection").await
    }
}

impl From<delivery::Model> for Delivery {
    fn from(row: delivery::Model) -> Self {
        Self {
            id: global("Delivery", row.id),
            webhook_id: row.webhook_id,
            body: row.body,
            status: row.status.into(),
            error: row.error,
            new_rows: row.new_rows,
            duplicate_rows: row.duplicate_rows,
            received_at: row.received_at,
            connection_id: row.connection_id,
        }
    }
}

/// Which deliveries are wanted.
#[derive(InputObject, Default)]
pub struct DeliveryFilter {
    /// Of this connection.
    pub connection_id: Option<ID>,
    /// What became of them.
    pub status: Option<DeliveryStatus>,
}

/// A connection to be made.
#[derive(InputObject)]
pub struct CreateConnectionInput {
    /// What people call it.
    pub name: String,
    /// The account of rows that name none.
    pub account_id: Option<ID>,
}

/// A connection that needs a new secret.
#[derive(InputObject)]
pub struct RotateConnectionSecretInput {
    /// Which connection.
    pub connection_id: ID,
}

/// What changes in a connection. What is left out stays; null takes a value away.
#[derive(InputObject)]
pub struct UpdateConnectionInput {
    /// Which connection.
    pub connection_id: ID,
    /// What people call it.
    pub name: Option<String>,
    /// The account of rows that name none.
    pub account_id: MaybeUndefined<ID>,
}

/// A connection to switch off.
#[derive(InputObject)]
pub struct DisableConnectionInput {
    /// Which connection.
    pub connection_id: ID,
}

/// A connection to switch on.
#[derive(InputObject)]
pub struct EnableConnectionInput {
    /// Which connection.
    pub connection_id: ID,
}

macro_rules! with_secret {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        #[derive(SimpleObject)]
        #[graphql(serial)]
        pub struct $name {
            /// The connection.
            pub connection: Option<Connection>,
            /// The secret it signs with. It is told once.
            pub secret: Option<String>,
            /// What to put right; empty when it was done.
            #[graphql(name = "errors")]
            pub user_errors: Vec<UserError>,
        }

        impl $name {
            fn of(outcome: Result<Created>) -> Result<Self> {
                let (created, user_errors) = payload(outcome)?;
                let (connection, secret) = created
                    .map(|created| (created.connection.into(), created.secret))
                    .unzip();
                Ok(Self { connection, secret, user_errors })
            }
        }
    )*};
}

with_secret! {
    /// A connection that was made.
    CreateConnectionPayload,
    /// A connection with a new secret. The one before is accepted for 24 hours more.
    RotateConnectionSecretPayload
}

payloads! {
    /// A connection that was changed.
    UpdateConnectionPayload {
        /// The connection.
        connection: Connection
    },
    /// A connection that was switched off.
    DisableConnectionPayload {
        /// The connection.
        connection: Connection
    },
    /// A connection that was switched on.
    EnableConnectionPayload {
        /// The connection.
        connection: Connection
    },
}

/// Questions about connections.
#[derive(Default)]
pub struct ConnectionsQuery;

#[Object]
impl ConnectionsQuery {
    /// One connection. Needs `connections:read`.
    async fn connection(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its global id.")] id: ID,
    ) -> Result<Connection> {
        let id = local("Connection", "id", &id)?;
        Ok(connections::load(ctx.op()?, id).await?.into())
    }

    /// The connections, newest first. Needs `connections:read`.
    async fn connections(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor to start after.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor to end before.")] before: Option<String>,
    ) -> Result<page::Connection<Connection>> {
        let window = window(first, after, last, before)?;
        let op = ctx.op()?;
        let as_of = as_of(ctx).await?;
        let page = connections::list(op, &window).await?;
        if asks(ctx, "edges.node.account") {
            let ids = page.rows.iter().filter_map(|(_, row)| row.account_id);
            super::records::feed_accounts(ctx, ids).await?;
        }
        let mut found = page::Connection::of(page, Connection::from);
        found.as_of = as_of;
        if asks(ctx, "totalCount") {
            found.total_count = Some(connections::count(op).await? as i64);
        }
        Ok(found)
    }

    /// One delivery. Needs `connections:read`.
    async fn delivery(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its global id.")] id: ID,
    ) -> Result<Delivery> {
        let id: DeliveryId = local("Delivery", "id", &id)?;
        Ok(connections::load_delivery(ctx.op()?, id).await?.into())
    }

    /// What was delivered, newest first. Needs `connections:read`.
    async fn deliveries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which deliveries; all when left out.")] filter: Option<DeliveryFilter>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor to start after.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor to end before.")] before: Option<String>,
    ) -> Result<page::Connection<Delivery>> {
        let window = window(first, after, last, before)?;
        let filter = filter.unwrap_or_default();
        let filter = connections::DeliveryFilter {
            connection: local_opt(
                "Connection",
                "filter.connectionId",
                filter.connection_id.as_ref(),
            )?,
            status: filter.status.map(Into::into),
        };
        let op = ctx.op()?;
        let as_of = as_of(ctx).await?;
        let page = connections::deliveries(op, &filter, &window).await?;
        if asks(ctx, "edges.node.connection") {
            let ids: Vec<ConnectionId> =
                page.rows.iter().map(|(_, row)| row.connection_id).collect();
            super::records::feed_connections(ctx, ids).await?;
        }
        let mut found = page::Connection::of(page, Delivery::from);
        found.as_of = as_of;
        if asks(ctx, "totalCount") {
            found.total_count = Some(connections::count_deliveries(op, &filter).await? as i64);
        }
        Ok(found)
    }
}

/// What is done with connections.
#[derive(Default)]
pub struct ConnectionsMutation;

#[Object]
impl ConnectionsMutation {
    /// Make a connection. Its secret is told once. Needs `connections:manage`.
    async fn create_connection(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: CreateConnectionInput,
    ) -> Result<CreateConnectionPayload> {
        let op = ctx.op()?;
        let made = async {
            let account = local_opt("Account", "accountId", input.account_id.as_ref())?;
            let name = input.name;
            connections::create(op, NewConnection { name, account }).await
        };
        CreateConnectionPayload::of(made.await)
    }

    /// Give a connection a new secret, told once; the one before is accepted for 24 hours more. Needs
    /// `connections:manage`.
    async fn rotate_connection_secret(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RotateConnectionSecretInput,
    ) -> Result<RotateConnectionSecretPayload> {
        let op = ctx.op()?;
        let rotated = async {
            let id = local("Connection", "connectionId", &input.connection_id)?;
            connections::rotate(op, id).await
        };
        RotateConnectionSecretPayload::of(rotated.await)
    }

    /// Change the name or the account of a connection. Needs `connections:manage`.
    async fn update_connection(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: UpdateConnectionInput,
    ) -> Result<UpdateConnectionPayload> {
        let op = ctx.op()?;
        let changed = async {
            let id = local("Connection", "connectionId", &input.connection_id)?;
            let changes = ConnectionChange {
                name: input.name,
                account: change(input.account_id, |id| local("Account", "accountId", &id))?,
            };
            connections::change(op, id, changes).await
        };
        UpdateConnectionPayload::of(changed.await)
    }

    /// Switch a connection off: what it sends is refused. Needs `connections:manage`.
    async fn disable_connection(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: DisableConnectionInput,
    ) -> Result<DisableConnectionPayload> {
        let op = ctx.op()?;
        let disabled = async {
            let id = local("Connection", "connectionId", &input.connection_id)?;
            connections::disable(op, id).await
        };
        DisableConnectionPayload::of(disabled.await)
    }

    /// Switch a connection on again. Needs `connections:manage`.
    async fn enable_connection(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: EnableConnectionInput,
    ) -> Result<EnableConnectionPayload> {
        let op = ctx.op()?;
        let enabled = async {
            let id = local("Connection", "connectionId", &input.connection_id)?;
            connections::enable(op, id).await
        };
        EnableConnectionPayload::of(enabled.await)
    }
}
