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
use super::{link, return_to, sign_in};
use crate::config::Provider;
use crate::ctx::Handles;
use crate::error::{Error, Result};
use crate::grants::Tokens;
use crate::identity::sessions::{Client, SignedIn};
use crate::identity::sign_in::SignIn;
use crate::identity::{emails, lockout, people, second_factor};

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
    /// The client as it names itself.
    pub user_agent: Option<String>,
    /// Where the request came from.
    pub address: Option<String>,
}

/// A browser that is sent on.
pub struct Arrival {
    /// Where to.
    pub url: Url,
    /// The session it gets in cookies, if it left for one.
    pub session: Option<SignedIn>,
}

/// What the app's code stands for.
#[derive(Serialize, Deserialize)]
pub(super) struct Arrived {
    pub issuer: String,
    pub subject: String,
    pub code_challenge: Option<String>,
    #[serde(default)]
    pub tokens: Option<Tokens>,
}

/// What becomes of a browser that somebody was vouched for in.
enum Onward {
    /// The app exchanges a code.
    Code(String),
    /// It is in.
    In(SignedIn),
}

/// Receives a browser and sends it on to the app: with a code to exchange, with cookies if it left for them and no second
/// factor is owed, or with the reason why there is neither: `access_denied`, `not_linked`, `unavailable`, `try_later` or
/// `failed`. A state that is not waiting in this browser leads nowhere, and makes its address wait.
#[tracing::instrument(skip_all)]
pub async fn arrive(handles: &Arc<Handles>, arriving: Arriving) -> Result<Arrival> {
    let provider = handles.config.provider(&arriving.provider)?;
    let address = arriving.address.as_deref();
    lockout::check_address(handles, address).await?;
    let taken = match arriving.browser.as_deref() {
        Some(browser) => {
            step::take::<Away>(handles, &arriving.state, Step::Away, Some(browser), None).await?
        }
        None => None,
    };
    let Some((row, away)) = taken else {
        lockout::failed_address(handles, address).await;
        return Err(Error::invalid(
            "state",
            "is not waiting in this browser; start again",
        ));
    };
    let return_to = away.then.return_to.clone();
    let outcome = match &arriving {
        _ if row.provider != provider.name => Err("failed"),
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
            let client = Client {
                user_agent: arriving.user_agent.clone(),
                address: arriving.address.clone(),
            };
            match go_on(handles, &provider, row.user_id, code.clone(), away, client).await {
                Err(Error::RateLimited { .. }) => Err("try_later"),
                outcome => outcome?,
            }
        }
        _ => Err("failed"),
    };
    if outcome.as_ref().err() == Some(&"failed") {
        lockout::failed_address(handles, address).await;
    }
    let (url, session) = match outcome {
        Ok(Onward::In(session)) => (return_to, Some(session)),
        Ok(Onward::Code(code)) => (return_to::with(return_to, "code", &code), None),
        Err(why) => (return_to::with(return_to, "error", why), None),
    };
    Ok(Arrival { url, session })
}

/// How it goes on for the browser, or why it does not.
async fn go_on(
    handles: &Arc<Handles>,
    provider: &Provider,
    linking: Option<UserId>,
    code: String,
    away: Away,
    client: Client,
) -> Result<Result<Onward, &'static str>> {
    let vouched = provider::vouch(handles, provider, code, away.verifier, away.nonce).await;
    let (vouched, tokens) = match vouched {
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
        None => {
            let account = format!("provider:{} {}", provider.issuer, vouched.subject);
            lockout::check(handles, &account, client.address.as_deref()).await?;
            match whose(handles, provider, &vouched).await? {
                Some(user) => {
                    lockout::cleared(handles, &account, client.address.as_deref()).await;
                    (Step::SignIn, user)
                }
                None => {
                    lockout::failed(handles, &account, client.address.as_deref()).await;
                    return Ok(Err("not_linked"));
                }
            }
        }
    };
    let arrived = Arrived {
        issuer: provider.issuer.clone(),
        subject: vouched.subject,
        code_challenge: away.then.code_challenge,
        tokens,
    };
    // a second factor is shown to the app, which has the code exchanged for the question
    if step == Step::SignIn && away.then.cookies && !owes_factor(handles, user).await? {
        return match sign_in::enter(handles, user, &arrived, None, client).await {
            Ok(SignIn::In(session)) => Ok(Ok(Onward::In(session))),
            // a factor was put on this very moment, the account unlinked, or there is no tenant to enter
            Ok(SignIn::SecondFactor(_))
            | Err(Error::Invalid { .. } | Error::Unauthenticated(_)) => Ok(Err("failed")),
            Err(error) => Err(error),
        };
    }
    let bound = Bound {
        step,
        provider: &provider.name,
        user: Some(user),
        browser: None,
    };
    let code = step::keep(handles, bound, &arrived).await?;
    Ok(Ok(Onward::Code(code)))
}

async fn owes_factor(handles: &Handles, user: UserId) -> Result<bool> {
    let read = handles.db.read_across_tenants("who owes a factor").await?;
    let owes = second_factor::is_on(&read, user).await?;
    read.rollback().await?;
    Ok(owes)
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
    link::store(&ctx, person.id, &provider.issuer, &vouched.subject, None).await?;
    Ok(Some(person.id))
}
