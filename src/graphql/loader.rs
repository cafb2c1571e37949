//! Loading by id, batched and once per operation. A list resolver looks ahead, loads the children of its whole page in
//! one statement and feeds them here; what it did not foresee is collected until the operation has nothing left to do but
//! wait for it ([`Quiet`]), and loaded together.
//!
//! Each feature implements `Loader<Id>` for [`OpLoader`] beside its type.

use std::any::TypeId;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::dataloader::{DataLoader, HashMapCache, Loader};
use async_graphql::{Context, Executor, Request, Response};
use futures::future::BoxFuture;

use super::op::Op;
use super::quiet::Quiet;
use crate::ctx::Ctx;
use crate::error::{Error, Result};

/// Loads for one operation, as its actor and in its tenant.
pub struct OpLoader {
    /// The operation.
    pub ctx: Arc<Ctx>,
    quiet: Arc<Quiet>,
}

/// The loader of an operation.
pub type Loading = DataLoader<OpLoader, HashMapCache>;

/// A loader for an operation.
pub fn loader(ctx: &Arc<Ctx>) -> Loading {
    let quiet = Arc::new(Quiet::default());
    let at_rest = Arc::clone(&quiet);
    let when_at_rest = move |load: BoxFuture<'static, ()>| {
        let quiet = Arc::clone(&at_rest);
        tokio::spawn(async move {
            quiet.rest().await;
            load.await;
        })
    };
    let ctx = Arc::clone(ctx);
    DataLoader::with_cache(
        OpLoader { ctx, quiet },
        when_at_rest,
        HashMapCache::default(),
    )
    .delay(Duration::ZERO)
}

/// What tells when the operation of a loader is at rest: it must be watched while it is carried out.
pub fn quiet(loading: &Loading) -> Arc<Quiet> {
    Arc::clone(&loading.loader().quiet)
}

/// Executes a request, watched when it holds a loader.
pub async fn execute<E: Executor>(executor: &E, request: Request) -> Response {
    let loading = request.data.get(&TypeId::of::<Loading>());
    match loading.and_then(|loading| loading.downcast_ref::<Loading>()) {
        Some(loading) => {
            let quiet = quiet(loading);
            quiet.watch(executor.execute(request)).await
        }
        None => executor.execute(request).await,
    }
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
