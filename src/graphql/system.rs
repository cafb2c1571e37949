//! What the server tells of itself.

use async_graphql::{Context, Object, SimpleObject};
use chrono::{DateTime, Utc};

use super::op::Op;

/// The server at work.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct System {
    /// Its version.
    pub version: &'static str,
    /// Its time, UTC.
    pub now: DateTime<Utc>,
}

/// Questions about the server.
#[derive(Default)]
pub struct SystemQuery;

#[Object]
impl SystemQuery {
    /// The server at work: its version and its time. Needs no sign-in.
    async fn system(&self, ctx: &Context<'_>) -> System {
        System {
            version: env!("CARGO_PKG_VERSION"),
            now: ctx.handles().clock.now(),
        }
    }
}
