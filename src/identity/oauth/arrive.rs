//! Coming back from a provider.

use std::sync::Arc;

use entity::oauth_state::Step;
use entity::{UserId, linked_identity, user};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use url::Url;

use super::leave::Away;
use super::provider::{self, Vouched};
use super::step::{self, Bound};
use super::{link, return_to};
use crate::config::Provider;
use crate::ctx::Handles;
use crate::error::{Error, Result};
use crate::identity::{emails, people};

/// A browser that is back.
#[derive(Clone, Debug, Default)]
pub struct Arriving {
    /// The provider whose address it was sent to.
    pub provider: String,
    /// The state it left with.
    pub state: String,
    /// What the provider gave it.
    pub code: Option<String>,
    /// Why the provider gave it nothing.
    pub error: Option<String>,
    /// Who the provider says it is.
    pub issuer: Option<String>,
    /// The cookie it left with.
    pub browser: Option<String>,
}

/// What the app's code stands for.
#[derive(Serialize, Deserialize)]
pub(super) struct Arrived {
    pub issuer: String,
    pub subject: String,
    pub code_challenge: Option<String>,
}

/// Receives a browser and sends it on to the app, with a code to exchange or with the reason why there is none:
/// `access_denied`, `not_linked`, `unavailable` or `failed`. A state that is not waiting in this browser leads nowhere.
#[tracing::instrument(skip_all)]
pub async fn arrive(handles: &Arc<Handles>, arriving: Arriving) -> Result<Url> {
    let provider = handles.config.provider(&arriving.provider)?;
    let unknown = || Error::invalid("state", "is not waiting in this browser; start again");
    let browser = arriving.browser.as_deref().ok_or_else(unknown)?;
    let taken = step::take::<Away>(handles, &arriving.state, Step::Away, Some(browser), None);
    let (row, away) = taken.await?.ok_or_else(unknown)?;
    let then = away.then.clone();
    if row.provider != provider.name {
        return Ok(return_to::with(then.return_to, "error", "failed"));
    }
    let outcome = match &arriving {
        Arriving {
            error: Some(error), ..
        } if error == "access_denied" => Err("access_denied"),
        Arriving {
            code: Some(code),
            error: None,
            issuer,
            ..
        } if issuer
            .as_ref()
            .is_none_or(|issuer| *issuer == provider.issuer) =>
        {
            go_on(handles, &provider, row.user_id, code.clone(), away).await?
        }
        _ => Err("failed"),
    };
    Ok(match outcome {
        Ok(code) => return_to::with(then.return_to, "code", &code),
        Err(why) => return_to::with(then.return_to, "error", why),
    })
}

/// A code for the app, or why there is none.
async fn go_on(
    handles: &Arc<Handles>,
    provider: &Provider,
    linking: Option<UserId>,
    code: String,
    away: Away,
) -> Result<Result<String, &'static str>> {
    let vouched = provider::vouch(handles, provider, code, away.verifier, away.nonce).await;
    let vouched = match vouched {
        Ok(vouched) => vouched,
        Err(Error::Upstream { source, .. }) => {
            tracing::warn!(error = ?source, "An identity provider did not answer");
            return Ok(Err("unavailable"));
        }
        Err(Error::Invalid { .. }) => return Ok(Err("failed")),
        Err(error) => return Err(error),
    };
    let (step, user) = match linking {
        Some(user) => (Step::Link, user),
        None => match whose(handles, provider, &vouched).await? {
            Some(user) => (Step::SignIn, user),
            None => return Ok(Err("not_linked")),
        },
    };
    let arrived = Arrived {
        issuer: provider.issuer.clone(),
        subject: vouched.subject,
        code_challenge: away.then.code_challenge,
    };
    let bound = Bound {
        step,
        provider: &provider.name,
        user: Some(user),
        browser: None,
    };
    Ok(Ok(step::keep(handles, bound, &arrived).await?))
}

/// The person an account at a provider signs in: the one it is linked to, or the one who has the address that a trusted
/// provider verified, to whom it is linked from now on.
async fn whose(
    handles: &Arc<Handles>,
    provider: &Provider,
    vouched: &Vouched,
) -> Result<Option<UserId>> {
    let read = handles
        .db
        .read_across_tenants("whose account this is")
        .await?;
    let linked = linked_identity::Entity::find()
        .filter(linked_identity::Column::Issuer.eq(&provider.issuer))
        .filter(linked_identity::Column::Subject.eq(&vouched.subject))
        .one(&read)
        .await?;
    let address = vouched
        .verified_email
        .as_deref()
        .filter(|_| provider.trust_email);
    let address = address.and_then(|address| emails::fold(address).ok());
    let person: Option<user::Model> = match (&linked, address) {
        (None, Some(key)) => people::find(&read, &key).await?,
        _ => None,
    };
    read.rollback().await?;
    if let Some(linked) = linked {
        return Ok(Some(linked.user_id));
    }
    let Some(person) = person else {
        return Ok(None);
    };
    let entering = people::entering(handles, person.id, None).await;
    let (ctx, _) = match entering {
        Err(Error::Unauthenticated(_)) => return Ok(None),
        entering => entering?,
    };
    link::store(&ctx, person.id, &provider.issuer, &vouched.subject).await?;
    Ok(Some(person.id))
}
