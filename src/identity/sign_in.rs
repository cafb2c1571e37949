//! Signing in with a password.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::TenantId;
use entity::sign_in_attempt::Factor;

use super::complete::after_first_factor;
use super::lockout;
use super::passwords::{self, Verdict};
use super::people::{self, WRONG};
use super::sessions::{Client, SignedIn};
use super::{attempts, emails};
use crate::ctx::Handles;
use crate::error::{Error, Result};

/// What someone shows who signs in.
#[derive(Clone, Default)]
pub struct Credentials {
    /// Their address.
    pub email: String,
    /// Their password.
    pub password: String,
    /// Into which tenant; without it, the one they have belonged to for longest.
    pub tenant: Option<TenantId>,
    /// The client as it names itself.
    pub user_agent: Option<String>,
    /// Where the request came from.
    pub address: Option<String>,
}

/// What came of a first factor.
pub enum SignIn {
    /// It is enough: they are in.
    In(SignedIn),
    /// They owe a second one.
    SecondFactor(Challenge),
}

/// What somebody holds who proved one factor and owes another.
#[derive(Clone)]
pub struct Challenge {
    /// To show with the second factor; good once.
    pub token: String,
    /// When it stops being good.
    pub expires_at: DateTime<Utc>,
}

/// Lets a person in with their password. An unknown address and a wrong password get the same answer after the same
/// work.
#[tracing::instrument(skip_all)]
pub async fn sign_in(handles: &Arc<Handles>, credentials: Credentials) -> Result<SignIn> {
    let Ok(email) = emails::fold(&credentials.email) else {
        // no such address can be stored; it still costs what another one does
        let address = credentials.address.as_deref();
        lockout::check_address(handles, address).await?;
        passwords::verify(&credentials.password, None).await?;
        lockout::failed_address(handles, address).await;
        return Err(WRONG);
    };
    lockout::check(handles, &email, credentials.address.as_deref()).await?;
    let read = handles.db.read_across_tenants("signing in").await?;
    let (person, memberships) = people::with_memberships(&read, &email).await?;
    read.rollback().await?;

    let client = Client {
        user_agent: credentials.user_agent,
        address: credentials.address,
    };
    let hash = person.as_ref().and_then(|p| p.password_hash.as_deref());
    let verdict = passwords::verify(&credentials.password, hash).await?;
    let (Some(person), true) = (&person, verdict.is_right()) else {
        let whose = person.map(|person| person.id);
        attempts::note_refused(handles, whose, Factor::Password, &client).await?;
        lockout::failed(handles, &email, client.address.as_deref()).await;
        return Err(WRONG);
    };
    lockout::cleared(handles, &email, client.address.as_deref()).await;
    let Some(member) = memberships.into_iter().find(|m| {
        credentials
            .tenant
            .is_none_or(|tenant| tenant == m.tenant_id)
    }) else {
        attempts::note_refused(handles, Some(person.id), Factor::Password, &client).await?;
        return Err(Error::Unauthenticated("you are not a member there"));
    };

    let ctx = people::as_member(handles, &member);
    let mut tx = ctx.begin().await?;
    if let Verdict::Outdated(hash) = verdict {
        people::keep_hash(&tx, person, hash).await?;
    }
    let outcome =
        after_first_factor(&mut tx, person.id, member.role, client, Factor::Password).await?;
    tx.commit().await?;
    Ok(outcome)
}
