//! Loading by id, batched and once per operation. A list resolver looks ahead, loads the children of its whole page in
//! one statement and feeds them here; what it did not foresee is collected for a moment and loaded together.
//!
//! Each feature implements `Loader<Id>` for [`OpLoader`] beside its type.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Context;
use async_graphql::dataloader::{DataLoader, HashMapCache, Loader};

use super::op::Op;
use crate::ctx::Ctx;
use crate::error::{Error, Result};

/// Loads for one operation, as its actor and in its tenant.
pub struct OpLoader {
    /// The operation.
    pub ctx: Arc<Ctx>,
}

/// The loader of an operation.
pub type Loading = DataLoader<OpLoader, HashMapCache>;

/// A loader for an operation.
pub fn loader(ctx: &Arc<Ctx>) -> Loading {
    DataLoader::with_cache(
        OpLoader {
            ctx: Arc::clone(ctx),
        },
        tokio::spawn,
        HashMapCache::default(),
    )
    .delay(Duration::from_micros(300))
}

/// Loads one thing by id; `None` when the tenant has no such thing.
pub async fn find<K, V>(ctx: &Context<'_>, id: K) -> Result<Option<V>>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    V: Clone + Send + Sync + 'static,
    OpLoader: Loader<K, Value = V, Error = Arc<Error>>,
{
    ctx.loader()?.load_one(id).await.map_err(share)
}

/// Loads one thing by id that must exist.
pub async fn load<K, V>(ctx: &Context<'_>, id: K, what: &'static str) -> Result<V>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    V: Clone + Send + Sync + 'static,
    OpLoader: Loader<K, Value = V, Error = Arc<Error>>,
{
    find(ctx, id).await?.ok_or(Error::NotFound(what))
}

/// One failed statement fails every load that waited for it.
fn share(error: Arc<Error>) -> Error {
    match Arc::try_unwrap(error) {
        Ok(error) => error,
        Err(shared) => match &*shared {
            Error::Unavailable(_) => Error::Unavailable(shared.to_string().into()),
            Error::Timeout => Error::Timeout,
            Error::Forbidden(permission) => Error::Forbidden(*permission),
            Error::OutOfReach(permission) => Error::OutOfReach(*permission),
            Error::PersonNeeded => Error::PersonNeeded,
            Error::NotFound(what) => Error::NotFound(what),
            Error::Unauthenticated(why) => Error::Unauthenticated(why),
            other => Error::internal(other.to_string()),
        },
    }
}
