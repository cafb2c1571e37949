//! By what somebody came in, for as long as a stream of theirs lasts. What it is worth is followed live: who loses their
//! access is shown out, who loses or gains a permission goes on with what they have.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::time::Instant;

use super::caller::Caller;
use crate::clock::Clock;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::graphql::live::Live;
use crate::graphql::refusal::{Code, Refusal};

/// How soon access that could not be looked up is looked up again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Why a stream is ended before its operation is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The access token is good no more.
    Expired,
    /// Access was taken away, and what to say about it.
    Revoked(&'static str),
    /// The tenant was put on hold: nothing happens there that anybody could follow.
    Suspended,
    /// The server is going away.
    Stopping,
}

impl Ending {
    /// The code and the reason that a socket is closed with; a reason has fewer than 123 bytes.
    pub const fn close(self) -> (u16, &'static str) {
        match self {
            Self::Expired => (
                4403,
                "the access token has expired; connect again with a new one",
            ),
            Self::Revoked(reason) if reason.len() < 123 => (4403, reason),
            Self::Revoked(_) => (4403, "access was taken away; sign in again"),
            Self::Suspended => (4403, "the tenant is suspended"),
            Self::Stopping => (1001, "the server is going away; connect again"),
        }
    }

    /// The same as the last error of a stream over HTTP.
    pub fn refusal(self) -> Refusal {
        let code = match self {
            Self::Expired | Self::Revoked(_) => Code::Unauthenticated,
            Self::Suspended => Code::Forbidden,
            Self::Stopping => Code::Upstream,
        };
        Refusal::new(code, self.close().1)
    }
}

/// A way in that holds for as long as it is looked after.
pub struct Access {
    bearer: String,
    /// What the streams follow.
    ctx: watch::Sender<Arc<Ctx>>,
    /// Moves when who may do what has changed in the tenant.
    changes: watch::Receiver<()>,
    /// When to look again although nothing was heard.
    look_again: Option<Instant>,
}

impl Access {
    /// Comes in by a bearer token.
    pub async fn open(caller: &Caller, bearer: String) -> Result<Self> {
        let ctx = caller.ctx_of(&bearer).await?;
        let changes = caller.handles.standings.watch(ctx.tenant());
        // asked again now that changes are heard of: what came before them counts here
        let ctx = caller.ctx_of(&bearer).await?;
        if ctx.is_suspended() {
            return Err(Error::Suspended);
        }
        Ok(Self {
            bearer,
            ctx: watch::channel(Arc::new(ctx)).0,
            changes,
            look_again: None,
        })
    }

    /// Who acts, as of now.
    pub fn ctx(&self) -> Arc<Ctx> {
        Arc::clone(&self.ctx.borrow())
    }

    /// The same, for a stream that follows it.
    pub fn live(&self) -> Live {
        Live::new(self.ctx.subscribe())
    }

    /// Returns when it is to be looked at again; never while there is none. Waiting anew loses nothing.
    pub async fn moved(access: &mut Option<Self>) {
        let Some(access) = access else {
            return std::future::pending().await;
        };
        match access.look_again {
            // boxed, as it is seldom: a task is as large as the largest thing it may wait for
            Some(at) => Box::pin(tokio::time::sleep_until(at)).await,
            // a sender that is gone has nothing to tell
            None => match access.changes.changed().await {
                Ok(()) => {}
                Err(_) => std::future::pending().await,
            },
        }
    }

    /// Whether it is to be looked at again.
    pub fn has_moved(&self) -> bool {
        self.look_again.is_some() || self.changes.has_changed().unwrap_or_default()
    }

    /// The same changes, for whoever asks about them while this waits for one.
    pub fn heard(&self) -> watch::Receiver<()> {
        self.changes.clone()
    }

    /// Asks what the bearer is worth now.
    pub async fn look(&mut self, caller: &Caller) -> Result<(), Ending> {
        // what changes from here on is looked at another time
        self.changes.mark_unchanged();
        match caller.ctx_of(&self.bearer).await {
            Ok(ctx) if ctx.is_suspended() => Err(Ending::Suspended),
            Ok(ctx) => {
                self.look_again = None;
                self.ctx.send_replace(Arc::new(ctx));
                Ok(())
            }
            Err(error) if error.is_transient() => {
                self.look_again = Some(Instant::now() + LOOK_AGAIN);
                Ok(())
            }
            Err(Error::Unauthenticated(reason)) => Err(Ending::Revoked(reason)),
            Err(_) => Err(Ending::Revoked("access was taken away; sign in again")),
        }
    }

    /// How long the token is good for; `None` when it does not end by itself.
    pub fn remaining(&self, clock: &Clock) -> Option<Duration> {
        let expires_at: DateTime<Utc> = self.ctx.borrow().expires_at()?;
        Some((expires_at - clock.now()).to_std().unwrap_or_default())
    }
}
