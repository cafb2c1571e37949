//! Service accounts and their API keys, as clients see them.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{ApiKeyId, ServiceAccountId, api_key, service_account};

use super::error::{UserError, payload};
use super::loader::{OpLoader, find};
use super::node::{global, local};
use super::op::Op;
use super::page::{Connection, as_of, asks, window};
use super::payload::payloads;
use crate::error::{Error, Result};
use crate::identity::api_keys::{self, Issued, NewApiKey};
use crate::identity::{self, NewServiceAccount, ServiceAccountChange};

/// A program that acts in the tenant by itself, with API keys.
#[derive(Clone, SimpleObject)]
#[graphql(complex, serial)]
pub struct ServiceAccount {
    /// Opaque global id.
    pub id: ID,
    /// What people call it.
    pub name: String,
    /// What it may do, as `resource:action`.
    pub permissions: Vec<String>,
    /// When it was put away.
    pub archived_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    #[graphql(skip)]
    local_id: ServiceAccountId,
}

#[ComplexObject]
impl ServiceAccount {
    /// Its keys, newest first. Those that ended over 30 days ago are forgotten.
    async fn keys(&self, ctx: &Context<'_>) -> Result<Vec<ApiKey>> {
        Ok(find(ctx, KeysOf(self.local_id)).await?.unwrap_or_default())
    }
}

impl From<service_account::Model> for ServiceAccount {
    fn from(row: service_account::Model) -> Self {
        Self {
            id: global("ServiceAccount", row.id),
            name: row.name,
            permissions: identity::permission_names(&row.permissions),
            archived_at: row.archived_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            local_id: row.id,
        }
    }
}

/// Whether an API key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ApiKeyStatus {
    /// It works.
    Active,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
}

/// A key of a service account. Its text was told once, when it was made.
#[derive(Clone, SimpleObject)]
#[graphql(complex, serial)]
pub struct ApiKey {
    /// Opaque global id.
    pub id: ID,
    /// What people call it.
    pub name: String,
    /// How it begins; enough to recognise it, and no secret.
    pub prefix: String,
    /// What it may do, as `resource:action`; all that its service account may when null.
    pub scopes: Option<Vec<String>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// The key that took its place.
    pub replaced_by_id: Option<ID>,
    /// The service account that shows it.
    pub service_account_id: ID,
}

#[ComplexObject]
impl ApiKey {
    /// Whether it works now.
    async fn status(&self, ctx: &Context<'_>) -> ApiKeyStatus {
        let now = ctx.handles().clock.now();
        match (self.revoked_at, self.expires_at) {
            (Some(_), _) => ApiKeyStatus::Revoked,
            (None, Some(end)) if end <= now => ApiKeyStatus::Expired,
            _ => ApiKeyStatus::Active,
        }
    }
}

impl From<api_key::Model> for ApiKey {
    fn from(row: api_key::Model) -> Self {
        Self {
            id: global("ApiKey", row.id),
            name: row.name,
            prefix: format!("bk_{}", row.prefix),
            scopes: row.scopes.as_deref().map(identity::permission_names),
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
            replaced_by_id: row.replaced_by.map(|id| global("ApiKey", id)),
            service_account_id: global("ServiceAccount", row.service_account_id),
        }
    }
}

/// Asks for the keys of a service account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeysOf(ServiceAccountId);

impl Loader<KeysOf> for OpLoader {
    type Value = Vec<ApiKey>;
    type Error = Arc<Error>;

    async fn load(&self, of: &[KeysOf]) -> Result<HashMap<KeysOf, Vec<ApiKey>>, Arc<Error>> {
        let accounts: Vec<_> = of.iter().map(|KeysOf(id)| *id).collect();
        let keys = api_keys::keys_of(&self.ctx, &accounts)
            .await
            .map_err(Arc::new)?;
        let mut found: HashMap<KeysOf, Vec<ApiKey>> = HashMap::new();
        for key in keys {
            let of = KeysOf(key.service_account_id);
            found.entry(of).or_default().push(key.into());
        }
        Ok(found)
    }
}

/// A service account to be made.
#[derive(InputObject)]
pub struct CreateServiceAccountInput {
    /// What people call it.
    pub name: String,
    /// What it may do, as `resource:action`: nothing that you do not hold, and nothing that is for people only.
    pub permissions: Vec<String>,
}

/// What changes in a service account. What is left out stays.
#[derive(InputObject)]
pub struct UpdateServiceAccountInput {
    /// Which one.
    pub service_account_id: ID,
    /// What people call it.
    pub name: Option<String>,
    /// All it may do from now on, as `resource:action`.
    pub permissions: Option<Vec<String>>,
}

/// A service account to put away.
#[derive(InputObject)]
pub struct ArchiveServiceAccountInput {
    /// Which one.
    pub service_account_id: ID,
}

/// An API key to be made.
#[derive(InputObject)]
pub struct CreateApiKeyInput {
    /// Whose key.
    pub service_account_id: ID,
    /// What people call it.
    pub name: String,
    /// What it may do, as `resource:action`, among what its service account may; all of that when left out.
    pub scopes: Option<Vec<String>>,
    /// When it stops working by itself; until it is revoked when left out.
    pub expires_at: Option<DateTime<Utc>>,
}

/// An API key to be replaced.
#[derive(InputObject)]
pub struct RotateApiKeyInput {
    /// Which one.
    pub api_key_id: ID,
    /// For how many hours it goes on working beside the new one, 0 to 720.
    #[graphql(default = 24)]
    pub overlap_hours: i32,
    /// When the new one stops working by itself; when left out it lives as long as the one before was made to.
    pub expires_at: Option<DateTime<Utc>>,
}

/// An API key to revoke.
#[derive(InputObject)]
pub struct RevokeApiKeyInput {
    /// Which one.
    pub api_key_id: ID,
}

payloads! {
    /// A service account that was made.
    CreateServiceAccountPayload {
        /// The service account.
        service_account: ServiceAccount
    },
    /// A service account that was changed.
    UpdateServiceAccountPayload {
        /// The service account.
        service_account: ServiceAccount
    },
    /// A service account that was put away.
    ArchiveServiceAccountPayload {
        /// The service account.
        service_account: ServiceAccount
    },
    /// An API key that was revoked.
    RevokeApiKeyPayload {
        /// The key.
        api_key: ApiKey
    },
}

/// An API key that was made.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct CreateApiKeyPayload {
    /// The key.
    pub api_key: Option<ApiKey>,
    /// Its text: send it as `Authorization: Bearer …`. It is told once.
    pub key: Option<String>,
    /// What to put right; empty when it was done.
    #[graphql(name = "errors")]
    pub user_errors: Vec<UserError>,
}

/// An API key that was replaced.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct RotateApiKeyPayload {
    /// The new key.
    pub api_key: Option<ApiKey>,
    /// Its text: send it as `Authorization: Bearer …`. It is told once.
    pub key: Option<String>,
    /// The key before, with the moment at which it stops working.
    pub replaced: Option<ApiKey>,
    /// What to put right; empty when it was done.
    #[graphql(name = "errors")]
    pub user_errors: Vec<UserError>,
}

/// Questions about service accounts.
#[derive(Default)]
pub struct KeysQuery;

#[Object]
impl KeysQuery {
    /// The service accounts with their keys, newest first. Needs `keys:manage`.
    #[allow(clippy::too_many_arguments)]
    async fn service_accounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Those that were put away, too.", default = false)] archived: bool,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor to start after.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor to end before.")] before: Option<String>,
    ) -> Result<Connection<ServiceAccount>> {
        let window = window(first, after, last, before)?;
        let op = ctx.op()?;
        let as_of = as_of(ctx).await?;
        let page = identity::list_service_accounts(op, archived, &window).await?;
        let mut found = Connection::of(page, ServiceAccount::from);
        found.as_of = as_of;
        if asks(ctx, "totalCount") {
            let count = identity::count_service_accounts(op, archived).await?;
            found.total_count = Some(count as i64);
        }
        Ok(found)
    }
}

/// What is done with service accounts and their keys. Only people may.
#[derive(Default)]
pub struct KeysMutation;

#[Object]
impl KeysMutation {
    /// Make a service account. It may do nothing that you may not. Needs `keys:manage`.
    async fn create_service_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: CreateServiceAccountInput,
    ) -> Result<CreateServiceAccountPayload> {
        let new = NewServiceAccount {
            name: input.name,
            permissions: input.permissions,
        };
        CreateServiceAccountPayload::of(identity::create_service_account(ctx.op()?, new).await)
    }

    /// Rename a service account, or change what it may do: its keys follow within a second. Needs `keys:manage`.
    async fn update_service_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: UpdateServiceAccountInput,
    ) -> Result<UpdateServiceAccountPayload> {
        let op = ctx.op()?;
        let change = ServiceAccountChange {
            name: input.name,
            permissions: input.permissions,
        };
        let changed = async {
            let id = account(&input.service_account_id)?;
            identity::update_service_account(op, id, change).await
        };
        UpdateServiceAccountPayload::of(changed.await)
    }

    /// Put a service account away and revoke its keys. Needs `keys:manage`.
    async fn archive_service_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ArchiveServiceAccountInput,
    ) -> Result<ArchiveServiceAccountPayload> {
        let op = ctx.op()?;
        let archived = async {
            let id = account(&input.service_account_id)?;
            identity::archive_service_account(op, id).await
        };
        ArchiveServiceAccountPayload::of(archived.await)
    }

    /// Make an API key for a service account; its text is told once. Needs `keys:manage`.
    async fn create_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: CreateApiKeyInput,
    ) -> Result<CreateApiKeyPayload> {
        let op = ctx.op()?;
        let new = NewApiKey {
            name: input.name,
            scopes: input.scopes,
            expires_at: input.expires_at,
        };
        let made = async {
            let id = account(&input.service_account_id)?;
            api_keys::create_api_key(op, id, new).await
        };
        let (made, user_errors) = payload(made.await)?;
        let (api_key, key) = made.map(told).unzip();
        Ok(CreateApiKeyPayload {
            api_key,
            key,
            user_errors,
        })
    }

    /// Replace an API key: the new one is told once, the one before works for the overlap beside it. Needs
    /// `keys:manage`.
    async fn rotate_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RotateApiKeyInput,
    ) -> Result<RotateApiKeyPayload> {
        let op = ctx.op()?;
        let rotated = async {
            let id = api_key_id(&input.api_key_id)?;
            api_keys::rotate_api_key(op, id, input.overlap_hours, input.expires_at).await
        };
        let (rotated, user_errors) = payload(rotated.await)?;
        let (issued, replaced) = rotated.unzip();
        let (api_key, key) = issued.map(told).unzip();
        Ok(RotateApiKeyPayload {
            api_key,
            key,
            replaced: replaced.map(Into::into),
            user_errors,
        })
    }

    /// Revoke an API key: within a second it works nowhere. Needs `keys:manage`; doing it twice is no error.
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RevokeApiKeyInput,
    ) -> Result<RevokeApiKeyPayload> {
        let op = ctx.op()?;
        let revoked = async {
            let id = api_key_id(&input.api_key_id)?;
            api_keys::revoke_api_key(op, id).await
        };
        RevokeApiKeyPayload::of(revoked.await)
    }
}

fn account(id: &ID) -> Result<ServiceAccountId> {
    local("ServiceAccount", "serviceAccountId", id)
}

fn api_key_id(id: &ID) -> Result<ApiKeyId> {
    local("ApiKey", "apiKeyId", id)
}

fn told(issued: Issued) -> (ApiKey, String) {
    (issued.key.into(), issued.text)
}
