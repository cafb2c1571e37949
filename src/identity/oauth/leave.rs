//! Leaving for a provider.

use std::sync::Arc;

use entity::oauth_state::Step;
use serde::{Deserialize, Serialize};
use url::Url;

use super::step::{self, Bound};
use super::{check_challenge, provider, return_to};
use crate::ctx::Handles;
use crate::error::{Error, Result};
use crate::secret;

/// A browser that is about to leave.
#[derive(Clone, Debug, Default)]
pub struct Leaving {
    /// The provider, as the configuration names it.
    pub provider: String,
    /// The page to return to.
    pub return_to: Option<String>,
    /// The challenge that the app will prove to have made.
    pub code_challenge: Option<String>,
    /// What allows to link an account; without it the browser signs in.
    pub ticket: Option<String>,
    /// Whether a sign-in ends in cookies of this browser.
    pub cookies: bool,
    /// The cookie the browser has from before.
    pub browser: Option<String>,
}

/// A browser that left.
#[derive(Clone, Debug)]
pub struct Left {
    /// Where to.
    pub url: Url,
    /// The cookie it must come back with.
    pub browser: String,
}

/// What is remembered while a browser is away.
#[derive(Serialize, Deserialize)]
pub(super) struct Away {
    pub nonce: String,
    pub verifier: String,
    pub then: Then,
}

/// What happens once it is back.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Then {
    pub return_to: Url,
    pub code_challenge: Option<String>,
    #[serde(default)]
    pub cookies: bool,
}

impl Then {
    /// Refuses pages that are not ours, and challenges that cannot be proved.
    pub fn check(
        handles: &Handles,
        return_to: Option<&str>,
        code_challenge: Option<String>,
        cookies: bool,
    ) -> Result<Self> {
        if let Some(challenge) = &code_challenge {
            check_challenge(challenge)?;
        }
        Ok(Self {
            return_to: return_to::check(&handles.config, return_to)?,
            code_challenge,
            cookies,
        })
    }
}

/// Sends a browser to a provider. The state it leaves with is good once, for ten minutes, in this browser.
#[tracing::instrument(skip_all)]
pub async fn leave(handles: &Arc<Handles>, leaving: Leaving) -> Result<Left> {
    let provider = handles.config.provider(&leaving.provider)?;
    let (user, then) = match &leaving.ticket {
        None => {
            let wanted = leaving.return_to.as_deref();
            let challenge = leaving.code_challenge;
            (
                None,
                Then::check(handles, wanted, challenge, leaving.cookies)?,
            )
        }
        Some(ticket) => {
            let ticket = step::take::<Then>(handles, ticket, Step::Ticket, None, None).await?;
            let (row, then) = ticket
                .filter(|(row, _)| row.provider == provider.name)
                .ok_or_else(|| Error::invalid("ticket", "was used or has lapsed; start again"))?;
            (row.user_id, then)
        }
    };
    // two tabs of one browser may be away at the same time
    let browser = leaving
        .browser
        .filter(|b| b.len() == 43)
        .unwrap_or_else(secret::token);
    let state = secret::token();
    let departure = provider::depart(handles, &provider, state.clone(), user.is_some()).await?;
    let away = Away {
        nonce: departure.nonce,
        verifier: departure.verifier,
        then,
    };
    let bound = Bound {
        step: Step::Away,
        provider: &provider.name,
        user,
        browser: Some(&browser),
    };
    step::keep_as(handles, state, bound, &away).await?;
    Ok(Left {
        url: departure.url,
        browser,
    })
}
