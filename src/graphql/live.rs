//! Who a stream is for, as of now: a stream outlives the roles and permissions it began with.

use std::sync::Arc;

use tokio::sync::watch;

use crate::ctx::Ctx;

/// The operation of a stream with what its actor may do now. The socket that carries the stream puts one into its
/// request, and sends when that changes.
#[derive(Clone)]
pub struct Live(watch::Receiver<Arc<Ctx>>);

impl Live {
    /// One that follows the sender.
    pub fn new(now: watch::Receiver<Arc<Ctx>>) -> Self {
        Self(now)
    }

    /// One that stays as it is, for what is over soon.
    pub fn still(ctx: Arc<Ctx>) -> Self {
        Self(watch::channel(ctx).1)
    }

    /// The operation as of now.
    pub fn now(&self) -> Arc<Ctx> {
        Arc::clone(&self.0.borrow())
    }

    /// Returns when what the actor may do may have changed since the last time.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            // the socket is gone, and this stream with it; or nothing ever changes
            std::future::pending::<()>().await;
        }
    }
}
