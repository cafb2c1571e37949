//! Asking a provider on behalf of whoever gave the grant.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use serde::de::DeserializeOwned;
use url::Url;
use uuid::Uuid;

use super::store::{self, Held};
use super::{Server, Tokens};
use crate::ctx::Handles;
use crate::error::{Error, Result};
use crate::outbound::oauth::{self, Failure};

/// A token that lapses so soon is refreshed already: it may be late on its way.
const MARGIN: TimeDelta = TimeDelta::seconds(30);
/// How often, and how many times, it is looked whether somebody else has refreshed the tokens: 15 s in all.
const WAIT: Duration = Duration::from_millis(50);
const LOOKS: usize = 300;

/// A client of a provider that shows the tokens of one grant. It holds none itself: each call looks them up.
pub struct Client {
    handles: Arc<Handles>,
    server: Server,
    grant: Uuid,
}

impl Client {
    /// A client that asks with the grant of this id. No transaction may be open while it is used.
    pub fn new(handles: &Arc<Handles>, server: Server, grant: Uuid) -> Self {
        Self {
            handles: Arc::clone(handles),
            server,
            grant,
        }
    }

    /// Reads a document of the provider's; none once it honours the grant no longer, which is remembered. A token that
    /// has lapsed, or that the provider refuses, is refreshed once.
    pub async fn get<T: DeserializeOwned>(&self, url: &Url) -> Result<Option<T>> {
        let mut refused = None;
        for _ in 0..2 {
            let Some(held) = self.usable(refused).await? else {
                return Ok(None);
            };
            match oauth::get(url, &held.tokens.access).await {
                Ok(document) => return Ok(Some(document)),
                // it was revoked, or lapsed by a clock that is not ours
                Err(Failure::Refused) if refused.is_none() => refused = Some(held.revision),
                Err(Failure::Refused) => {
                    store::end(&self.handles, self.grant, &held).await?;
                    return Ok(None);
                }
                Err(failure) => return Err(upstream(failure)),
            }
        }
        Ok(None)
    }

    /// Tokens that have not lapsed and are others than those of the revision that was refused.
    async fn usable(&self, refused: Option<i64>) -> Result<Option<Held>> {
        let mut first = None;
        for _ in 0..LOOKS {
            let Some(held) = store::held(&self.handles, self.grant).await? else {
                return Ok(None);
            };
            // some live shorter than the margin: those that came while this waited are as good as they get
            let margin = match first.get_or_insert(held.revision) {
                first if *first < held.revision => TimeDelta::zero(),
                _ => MARGIN,
            };
            let soon = self.handles.clock.now() + margin;
            let lapsed = held.tokens.expires_at.is_some_and(|at| at <= soon);
            if !lapsed && refused != Some(held.revision) {
                return Ok(Some(held));
            }
            let Some(refresh) = held.tokens.refresh.clone() else {
                store::end(&self.handles, self.grant, &held).await?;
                return Ok(None);
            };
            if store::claim(&self.handles, self.grant, &held).await? {
                match self.refresh(&held, &refresh).await? {
                    Some(fresh) => return Ok(Some(fresh)),
                    // it is over, or there are newer ones already
                    None => continue,
                }
            }
            tokio::time::sleep(WAIT).await;
        }
        Err(upstream(Failure::Unusable("others refresh without end")))
    }

    /// Exchanges the tokens that were claimed; those that came instead, if the claim still stood.
    async fn refresh(&self, held: &Held, refresh: &str) -> Result<Option<Held>> {
        let now = self.handles.clock.now();
        match oauth::refresh(&self.server, refresh, now).await {
            Ok(tokens) => {
                let stored = store::replace(&self.handles, self.grant, held, &tokens).await?;
                Ok(stored.then(|| Held {
                    revision: held.revision + 1,
                    tokens,
                }))
            }
            Err(Failure::Refused) => {
                // unless there are newer ones meanwhile: then those count
                store::end(&self.handles, self.grant, held).await?;
                Ok(None)
            }
            Err(failure) => {
                store::release(&self.handles, self.grant, held).await?;
                Err(upstream(failure))
            }
        }
    }
}

/// Asks the provider to forget tokens that were taken out of the store; whether it said that it did. A provider that
/// does not answer is let be: what was here is gone either way.
pub async fn revoke(server: &Server, tokens: &Tokens) -> bool {
    match oauth::revoke(server, tokens).await {
        Ok(revoked) => revoked,
        Err(failure) => {
            tracing::warn!(error = %failure, "A provider did not revoke tokens that were given up here");
            false
        }
    }
}

fn upstream(failure: Failure) -> Error {
    Error::Upstream {
        provider: "the identity provider",
        source: failure.into(),
    }
}
