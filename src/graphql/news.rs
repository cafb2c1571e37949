//! How far a thing is, as it goes: told at once, then whenever it has moved, until it is over.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use entity::event;
use futures::{Stream, StreamExt};
use tokio_util::task::AbortOnDropHandle;

use super::live::Live;
use crate::ctx::Ctx;
use crate::error::{Error, Result};

/// How long news are gathered before they are told.
const GATHER: Duration = Duration::from_millis(250);

/// How far a thing is now.
pub(super) trait News: Send + 'static {
    /// What it is told again for when it differs.
    type Seen: PartialEq + Send;

    /// What there is to see of it.
    fn seen(&self) -> Self::Seen;

    /// Whether nothing more will come.
    fn is_last(&self) -> bool;
}

/// Tells what `look` finds: at once, and again after `events` when it differs. It ends after the last news, or with the
/// refusal that following or looking ends with. The events must be followed before anything is looked at.
pub(super) fn tell<N, F>(
    live: Live,
    events: impl Stream<Item = Result<Arc<event::Model>>> + Send + 'static,
    look: impl Fn(Arc<Ctx>) -> F + Send + 'static,
) -> impl Stream<Item = async_graphql::Result<N>> + Send + 'static
where
    N: News,
    F: Future<Output = Result<N>> + Send + 'static,
{
    async_stream::stream! {
        let mut events = pin!(events);
        let mut told = None;
        loop {
            let now = match apart(look(live.now())).await {
                Ok(now) => now,
                Err(error) if error.is_transient() => {
                    tokio::time::sleep(GATHER * 4).await;
                    continue;
                }
                Err(error) => {
                    yield Err(error.into());
                    return;
                }
            };
            let seen = Some(now.seen());
            if told != seen {
                told = seen;
                let is_last = now.is_last();
                yield Ok(now);
                if is_last {
                    return;
                }
            }
            match events.next().await {
                None => return,
                Some(Err(error)) => {
                    yield Err(error.into());
                    return;
                }
                Some(Ok(_)) => {}
            }
            // what comes together is told together
            let until = tokio::time::Instant::now() + GATHER;
            while let Ok(Some(next)) = tokio::time::timeout_at(until, events.next()).await {
                if let Err(error) = next {
                    yield Err(error.into());
                    return;
                }
            }
        }
    }
}

/// Reads in a task of its own: a stream is polled as its client reads, and one that is not would keep a connection of the
/// database from everybody else.
pub(super) async fn apart<T: Send + 'static>(
    reading: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let reading = AbortOnDropHandle::new(tokio::spawn(reading));
    reading.await.map_err(Error::internal)?
}
