//! The steps between leaving for a provider and being in: each token is good once, for minutes, and stored as a hash.

use chrono::TimeDelta;
use entity::UserId;
use entity::oauth_state::{self, Step};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::ctx::Handles;
use crate::error::Result;
use crate::secret;
use crate::secret::stored::OAUTH_STATE;

/// What a step is bound to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound<'a> {
    pub step: Step,
    pub provider: &'a str,
    pub user: Option<UserId>,
    pub browser: Option<&'a str>,
}

/// How long a step waits for the next: a person types at the provider, an app is at once.
fn life(step: Step) -> TimeDelta {
    match step {
        Step::Away => TimeDelta::minutes(10),
        Step::Ticket | Step::SignIn | Step::Link => TimeDelta::minutes(1),
    }
}

/// Keeps a step; the token that names it.
pub(super) async fn keep(
    handles: &Handles,
    bound: Bound<'_>,
    what: &impl Serialize,
) -> Result<String> {
    let token = secret::token();
    keep_as(handles, token.clone(), bound, what).await?;
    Ok(token)
}

/// Keeps a step under a token that exists already.
pub(super) async fn keep_as(
    handles: &Handles,
    token: String,
    bound: Bound<'_>,
    what: &impl Serialize,
) -> Result<()> {
    let id: Uuid = handles.clock.id();
    let row = oauth_state::Model {
        id,
        token_hash: secret::hash(&token),
        step: bound.step,
        provider: bound.provider.to_owned(),
        user_id: bound.user,
        browser_hash: bound.browser.map(secret::hash),
        sealed: handles
            .vault
            .seal(&OAUTH_STATE.of(id), &serde_json::to_vec(what)?),
        expires_at: handles.clock.now() + life(bound.step),
    };
    let tx = handles
        .db
        .across_tenants("signing in at a provider")
        .await?;
    oauth_state::Entity::insert(row.into_active_model())
        .exec_without_returning(&tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Takes the step that a token names, if it waits: whose it is, and what was kept.
pub(super) async fn take<T: DeserializeOwned>(
    handles: &Handles,
    token: &str,
    step: Step,
    browser: Option<&str>,
    user: Option<UserId>,
) -> Result<Option<(oauth_state::Model, T)>> {
    let tx = handles
        .db
        .across_tenants("signing in at a provider")
        .await?;
    let mut taking = oauth_state::Entity::delete_many()
        .filter(oauth_state::Column::TokenHash.eq(secret::hash(token)))
        .filter(oauth_state::Column::Step.eq(step))
        .filter(oauth_state::Column::ExpiresAt.gt(handles.clock.now()));
    if let Some(browser) = browser {
        taking = taking.filter(oauth_state::Column::BrowserHash.eq(secret::hash(browser)));
    }
    if let Some(user) = user {
        taking = taking.filter(oauth_state::Column::UserId.eq(user));
    }
    let taken = taking.exec_with_returning(&tx).await?.pop();
    tx.commit().await?;
    let Some(row) = taken else {
        return Ok(None);
    };
    let kept = handles.vault.open(&OAUTH_STATE.of(row.id), &row.sealed)?;
    let kept = serde_json::from_slice(&kept)?;
    Ok(Some((row, kept)))
}
