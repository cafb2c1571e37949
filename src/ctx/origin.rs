//! Where a request came from.
//!
//! The edge says it once per request, and every operation that begins within has it: a verb that makes its own `Ctx`,
//! such as one that signs somebody in, cannot forget it.

use std::sync::Arc;

tokio::task_local! {
    static CURRENT: Arc<Origin>;
}

/// The client behind a request, as its connection and it itself say. About people: never part of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's address.
    pub address: Option<String>,
    /// The client as it names itself.
    pub user_agent: Option<String>,
}

impl Origin {
    /// Does the work of a request that came from here.
    pub async fn scope<F: Future>(self: Arc<Self>, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// The same work with the origin of here and now, for a task of its own.
    pub fn carry<F: Future>(work: F) -> impl Future<Output = F::Output> {
        let origin = CURRENT.try_with(Arc::clone).ok();
        async move {
            match origin {
                Some(origin) => CURRENT.scope(origin, work).await,
                None => work.await,
            }
        }
    }

    /// Where the request that is at work came from; none in a job or a command.
    pub fn current() -> Option<Arc<Self>> {
        CURRENT
            .try_with(Arc::clone)
            .ok()
            .filter(|origin| !origin.is_unknown())
    }

    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        self.address.is_none() && self.user_agent.is_none()
    }
}
