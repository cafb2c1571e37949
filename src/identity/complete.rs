//! The two steps of a sign-in: what every first factor ends in, and the second factor after it.

use std::sync::Arc;

use chrono::TimeDelta;
use entity::membership::Role;
use entity::one_time_token::Purpose;
use entity::sign_in_attempt::{Factor, Outcome};
use entity::{TenantId, UserId};

use super::one_time::{self, Wanted};
use super::second_factor::{self, SecondFactor};
use super::sessions::{self, Client, SignedIn};
use super::sign_in::{Challenge, SignIn};
use super::{attempts, lockout, notices, people, recovery_codes, roles};
use crate::ctx::{Actor, Ctx, Handles, Tx};
use crate::error::{Error, Result};

/// How long somebody may look for their phone.
const LIFE: TimeDelta = TimeDelta::minutes(5);
/// Codes that may be shown with one challenge.
const TRIES: i32 = 5;

const OVER: Error =
    Error::Unauthenticated("the sign-in took too long or too many tries; start it again");
const WRONG: Error = Error::Unauthenticated("the code is wrong, or was used before");

/// Where every first factor ends: a session in the tenant of the unit of work, unless the person owes a second factor.
/// Either is noted in their history.
pub(super) async fn after_first_factor(
    tx: &mut Tx<'_>,
    user: UserId,
    role: Role,
    client: Client,
    factor: Factor,
) -> Result<SignIn> {
    let handles = Arc::clone(tx.ctx().handles());
    if !second_factor::is_on(tx.on(), user).await? {
        let seen = (factor, Outcome::SignedIn);
        attempts::note(tx.on(), &handles, Some(user), seen, &client).await?;
        return Ok(SignIn::In(sessions::open(tx, user, role, client).await?));
    }
    let seen = (factor, Outcome::SecondFactorAsked);
    attempts::note(tx.on(), &handles, Some(user), seen, &client).await?;
    let wanted = Wanted {
        purpose: Purpose::SignIn,
        user,
        tenant: Some(tx.tenant()),
        email: None,
        life: LIFE,
    };
    let (token, expires_at) = one_time::issue(tx, wanted).await?;
    Ok(SignIn::SecondFactor(Challenge { token, expires_at }))
}

/// What somebody shows who owes a second factor.
#[derive(Clone)]
pub struct Completion {
    /// The challenge that the first factor yielded.
    pub challenge: String,
    /// The second factor.
    pub shown: SecondFactor,
    /// The client as it names itself.
    pub user_agent: Option<String>,
    /// Where the request came from.
    pub address: Option<String>,
}

/// Lets in who shows a challenge with a second factor. A challenge is good once, for five minutes and five tries.
#[tracing::instrument(skip_all)]
pub async fn complete_sign_in(handles: &Arc<Handles>, completion: Completion) -> Result<SignedIn> {
    let now = handles.clock.now();
    let client = Client {
        user_agent: completion.user_agent,
        address: completion.address,
    };
    let shown = completion.shown;
    // the try is counted whatever comes of it
    let tx = handles.db.across_tenants("completing a sign-in").await?;
    let (text, purpose) = (&completion.challenge, Purpose::SignIn);
    let challenge = one_time::try_with(&tx, text, purpose, TRIES, now).await?;
    let member = match &challenge {
        Some(token) => {
            let tenant: TenantId = token.into_tenant.ok_or(OVER)?;
            people::membership(&tx, tenant, token.user_id).await?
        }
        None => None,
    };
    let permissions = match &member {
        Some(member) => Some(roles::permissions_of(&tx, member).await?),
        None => None,
    };
    tx.commit().await?;
    let (Some(challenge), Some(member), Some(permissions)) = (challenge, member, permissions)
    else {
        return Err(OVER);
    };

    let user = challenge.user_id;
    // each challenge has a few tries, and whoever has the password can have many of them
    let guessed_at = format!("second factor:{user}");
    lockout::check(handles, &guessed_at, client.address.as_deref()).await?;
    let ctx = Ctx::new(
        Arc::clone(handles),
        Actor::User(user),
        member.tenant_id,
        permissions,
    );
    let mut tx = ctx.begin().await?;
    if !second_factor::take(&tx, user, &shown).await? {
        tx.rollback().await?;
        lockout::failed(handles, &guessed_at, client.address.as_deref()).await;
        attempts::note_refused(handles, Some(user), shown.factor(), &client).await?;
        return Err(WRONG);
    }
    if !one_time::redeem(tx.on(), &challenge, now).await? {
        return Err(OVER);
    }
    if let SecondFactor::RecoveryCode(_) = &shown
        && let Some(email) = second_factor::email_of(tx.on(), user).await?
    {
        let left = recovery_codes::left(tx.on(), user).await?;
        notices::tell(&mut tx, notices::recovery_code_used(&email, left))?;
    }
    let seen = (shown.factor(), Outcome::SignedIn);
    attempts::note(tx.on(), handles, Some(user), seen, &client).await?;
    let address = client.address.clone();
    let signed_in = sessions::open(&mut tx, user, member.role, client).await?;
    tx.commit().await?;
    lockout::cleared(handles, &guessed_at, address.as_deref()).await;
    Ok(signed_in)
}
