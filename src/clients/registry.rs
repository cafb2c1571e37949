//! What a process remembers of the clients of the tenants it serves.
//!
//! It is believed as standings are: for a second, and no longer than until somebody's standing is forgotten, which is at
//! once when an event of this process or a wake-up says that somebody may send something else. Texts are not kept here
//! but parsed, with all documents.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    GraphqlClientId, GraphqlDocumentId, ServiceAccountId, TenantId, graphql_client,
    graphql_document,
};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};
use tokio::sync::OnceCell;

use crate::ctx::{Actor, Ctx};
use crate::error::Result;

/// How long it is believed without asking.
const LIFE: TimeDelta = TimeDelta::seconds(1);
/// Tenants remembered at most.
const TENANTS: usize = 10_000;

/// SHA-256 of the text of a document.
pub type Hash = [u8; 32];

/// The clients a process knows, by tenant.
#[derive(Default)]
struct Registry(Mutex<HashMap<TenantId, Arc<Known>>>);

struct Known {
    at: DateTime<Utc>,
    forgotten: u64,
    clients: Vec<Arc<Client>>,
}

/// A client as it is now.
pub struct Client {
    /// Its id.
    pub id: GraphqlClientId,
    /// How it names itself.
    pub name: String,
    /// Whether it may send registered documents only.
    pub strict: bool,
    /// For how many seconds its own caches may keep an answer.
    pub cache_seconds: i32,
    service_account: Option<ServiceAccountId>,
    documents: OnceCell<Documents>,
}

#[derive(Default)]
struct Documents {
    by_hash: HashMap<Hash, GraphqlDocumentId>,
    by_custom_id: HashMap<String, Hash>,
}

/// The client that a caller is: by the service account whose key they show, else by the name they give.
pub async fn client_of(ctx: &Ctx, name: Option<&str>) -> Result<Option<Arc<Client>>> {
    let known = known(ctx).await?;
    let bound = match ctx.actor() {
        Actor::Service(account) => {
            let mut clients = known.clients.iter();
            clients.find(|client| client.service_account == Some(account))
        }
        _ => None,
    };
    let named = || {
        known
            .clients
            .iter()
            .find(|client| Some(client.name.as_str()) == name)
    };
    Ok(bound.or_else(named).cloned())
}

async fn known(ctx: &Ctx) -> Result<Arc<Known>> {
    let registry = ctx.handles().kept.of::<Registry>();
    if let Some(known) = registry.lock().get(&ctx.tenant())
        && known.is_current(ctx)
    {
        return Ok(Arc::clone(known));
    }
    // noted first, then asked
    let (at, forgotten) = (ctx.now(), ctx.handles().standings.forgotten());
    let fresh = ctx.again();
    let read = fresh.read().await?;
    let rows: Vec<graphql_client::Model> = read
        .select::<graphql_client::Entity>()
        .filter(graphql_client::Column::ArchivedAt.is_null())
        .all(read.on())
        .await?;
    let known = Arc::new(Known {
        at,
        forgotten,
        clients: rows.into_iter().map(|row| Arc::new(row.into())).collect(),
    });
    let mut tenants = registry.lock();
    if tenants.len() >= TENANTS {
        tenants.clear();
    }
    tenants.insert(ctx.tenant(), Arc::clone(&known));
    Ok(known)
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, Arc<Known>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn is_current(&self, ctx: &Ctx) -> bool {
        let age = ctx.now() - self.at;
        // a clock that was set back makes nothing live longer
        (TimeDelta::zero()..LIFE).contains(&age)
            && self.forgotten == ctx.handles().standings.forgotten()
    }
}

impl From<graphql_client::Model> for Client {
    fn from(row: graphql_client::Model) -> Self {
        Self {
            id: row.id,
            name: row.name,
            strict: row.mode == graphql_client::Mode::Strict,
            cache_seconds: row.cache_seconds,
            service_account: row.service_account_id,
            documents: OnceCell::new(),
        }
    }
}

impl Client {
    /// Which of its documents has this text, if one has.
    pub async fn by_hash(&self, ctx: &Ctx, hash: &Hash) -> Result<Option<GraphqlDocumentId>> {
        Ok(self.documents(ctx).await?.by_hash.get(hash).copied())
    }

    /// The hash of the text that it has registered under an id of its manifest.
    pub async fn by_custom_id(&self, ctx: &Ctx, id: &str) -> Result<Option<Hash>> {
        Ok(self.documents(ctx).await?.by_custom_id.get(id).copied())
    }

    /// The text of one of its documents; none if it was removed this moment.
    pub async fn text(&self, ctx: &Ctx, id: GraphqlDocumentId) -> Result<Option<String>> {
        let fresh = ctx.again();
        let read = fresh.read().await?;
        let text = read
            .select::<graphql_document::Entity>()
            .select_only()
            .column(graphql_document::Column::Text)
            .filter(graphql_document::Column::Id.eq(id))
            .into_tuple()
            .one(read.on())
            .await?;
        Ok(text)
    }

    /// What it has registered, without the texts.
    async fn documents(&self, ctx: &Ctx) -> Result<&Documents> {
        let load = async {
            use graphql_document::Column;
            let fresh = ctx.again();
            let read = fresh.read().await?;
            let rows: Vec<(GraphqlDocumentId, Vec<u8>, Option<String>)> = read
                .select::<graphql_document::Entity>()
                .select_only()
                .columns([Column::Id, Column::TextHash, Column::CustomId])
                .filter(Column::ClientId.eq(self.id))
                .into_tuple()
                .all(read.on())
                .await?;
            let mut documents = Documents::default();
            for (id, hash, custom_id) in rows {
                let Ok(hash) = Hash::try_from(hash) else {
                    continue;
                };
                documents.by_hash.insert(hash, id);
                if let Some(custom_id) = custom_id {
                    documents.by_custom_id.insert(custom_id, hash);
                }
            }
            Ok(documents)
        };
        self.documents.get_or_try_init(|| load).await
    }
}
