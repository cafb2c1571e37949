//! Challenges between the two requests of a ceremony: kept here, answered once, good for five minutes.

use chrono::TimeDelta;
use entity::passkey_challenge::{self, Purpose};
use entity::{SessionId, UserId};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Asked;
use crate::ctx::{Ctx, Handles};
use crate::error::{Error, Result};
use crate::secret;

/// How long a challenge waits for its answer.
const LIFE: TimeDelta = TimeDelta::minutes(5);

/// Who may answer a challenge.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Whose {
    pub user: Option<UserId>,
    pub session: Option<SessionId>,
}

impl Whose {
    /// The person who asks, by the sign-in by which they ask.
    pub fn of(ctx: &Ctx) -> Result<Self> {
        Ok(Self {
            user: Some(ctx.person()?),
            session: ctx.session(),
        })
    }
}

/// Keeps a challenge until its answer comes.
pub(super) async fn keep(
    handles: &Handles,
    purpose: Purpose,
    whose: Whose,
    state: &impl Serialize,
    options: Value,
) -> Result<Asked> {
    let token = secret::token();
    let expires_at = handles.clock.now() + LIFE;
    let row = passkey_challenge::Model {
        token_hash: secret::hash(&token),
        purpose,
        user_id: whose.user,
        session_id: whose.session,
        state: serde_json::to_string(state)?,
        expires_at,
    };
    let tx = handles.db.across_tenants("asking a passkey").await?;
    passkey_challenge::Entity::insert(row.into_active_model())
        .exec_without_returning(&tx)
        .await?;
    tx.commit().await?;
    Ok(Asked {
        token,
        options,
        expires_at,
    })
}

/// Takes a challenge, whatever its answer is worth: there is no second try.
pub(super) async fn take<T: DeserializeOwned>(
    handles: &Handles,
    purpose: Purpose,
    whose: Whose,
    token: &str,
) -> Result<T> {
    let tx = handles.db.across_tenants("an answer of a passkey").await?;
    let mut taking = passkey_challenge::Entity::delete_many()
        .filter(passkey_challenge::Column::TokenHash.eq(secret::hash(token)))
        .filter(passkey_challenge::Column::Purpose.eq(purpose))
        .filter(passkey_challenge::Column::ExpiresAt.gt(handles.clock.now()));
    if let Some(user) = whose.user {
        taking = taking.filter(passkey_challenge::Column::UserId.eq(user));
    }
    if let Some(session) = whose.session {
        taking = taking.filter(passkey_challenge::Column::SessionId.eq(session));
    }
    let taken = taking.exec_with_returning(&tx).await?.pop();
    tx.commit().await?;
    let row = taken
        .ok_or_else(|| Error::invalid("token", "is not waiting for an answer; start again"))?;
    Ok(serde_json::from_str(&row.state)?)
}
