//! Passkeys: what a person adds to sign in with, and how they do it.

use async_graphql::{Context, ID, InputObject, Json, Object, SimpleObject};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::identity::Session;
use super::node::{global, local, local_opt};
use super::op::Op;
use super::payload::payloads;
use crate::error::{Error, Result};
use crate::identity::passkeys;

/// A passkey of the person who asks.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct Passkey {
    /// Opaque global id.
    pub id: ID,
    /// What its owner calls it.
    pub name: String,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it last signed somebody in.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When its counter went back, which means that there may be a copy of it. Such a passkey signs nobody in any more:
    /// remove it and add another.
    pub suspected_at: Option<DateTime<Utc>>,
}

impl From<passkeys::Passkey> for Passkey {
    fn from(passkey: passkeys::Passkey) -> Self {
        Self {
            id: global("Passkey", passkey.id),
            name: passkey.name,
            created_at: passkey.created_at,
            last_used_at: passkey.last_used_at,
            suspected_at: passkey.suspected_at,
        }
    }
}

/// What an authenticator is asked. It can be answered once, within five minutes.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct PasskeyChallenge {
    /// Send it along with the answer.
    pub token: String,
    /// What to pass to `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON` of the
    /// browser, and on as `publicKey` to `navigator.credentials.create` or `get`.
    pub options: Json<Value>,
    /// When it can no longer be answered.
    pub expires_at: DateTime<Utc>,
}

impl From<passkeys::Asked> for PasskeyChallenge {
    fn from(asked: passkeys::Asked) -> Self {
        Self {
            token: asked.token,
            options: Json(asked.options),
            expires_at: asked.expires_at,
        }
    }
}

/// What an authenticator made.
#[derive(InputObject)]
pub struct FinishPasskeyRegistrationInput {
    /// The token of the challenge.
    pub token: String,
    /// What `toJSON()` of the credential answers that the browser made.
    pub credential: Json<Value>,
    /// What to call the passkey, 1 to 120 characters.
    #[graphql(default = "Passkey")]
    pub name: String,
}

/// What an authenticator signed.
#[derive(InputObject)]
pub struct FinishPasskeySignInInput {
    /// The token of the challenge.
    pub token: String,
    /// What `toJSON()` of the credential answers that the browser found.
    pub credential: Json<Value>,
    /// Into which tenant; without it, the one they have belonged to for longest.
    pub tenant_id: Option<ID>,
}

/// A passkey and its new name.
#[derive(InputObject)]
pub struct RenamePasskeyInput {
    /// Which one.
    pub passkey_id: ID,
    /// What to call it, 1 to 120 characters.
    pub name: String,
}

/// A passkey to remove.
#[derive(InputObject)]
pub struct RemovePasskeyInput {
    /// Which one.
    pub passkey_id: ID,
}

payloads! {
    /// A passkey to be made.
    StartPasskeyRegistrationPayload {
        /// What to ask the authenticator.
        challenge: PasskeyChallenge
    },
    /// A passkey that was added.
    FinishPasskeyRegistrationPayload {
        /// The passkey.
        passkey: Passkey
    },
    /// A sign-in to be made.
    StartPasskeySignInPayload {
        /// What to ask the authenticator.
        challenge: PasskeyChallenge
    },
    /// Someone who signed in.
    FinishPasskeySignInPayload {
        /// Their way in.
        session: Session
    },
    /// A passkey with another name.
    RenamePasskeyPayload {
        /// The passkey.
        passkey: Passkey
    },
    /// A passkey that was removed.
    RemovePasskeyPayload {
        /// Which one.
        removed_passkey_id: ID
    },
}

/// Questions about passkeys.
#[derive(Default)]
pub struct PasskeysQuery;

#[Object]
impl PasskeysQuery {
    /// The passkeys of whoever asks, those added first first; at most 20. Needs a sign-in.
    async fn my_passkeys(&self, ctx: &Context<'_>) -> Result<Vec<Passkey>> {
        let found = passkeys::list_passkeys(ctx.op()?).await?;
        Ok(found.into_iter().map(Passkey::from).collect())
    }
}

/// What people do with passkeys.
#[derive(Default)]
pub struct PasskeysMutation;

#[Object]
impl PasskeysMutation {
    /// Ask for a new passkey. Needs a sign-in.
    async fn start_passkey_registration(
        &self,
        ctx: &Context<'_>,
    ) -> Result<StartPasskeyRegistrationPayload> {
        StartPasskeyRegistrationPayload::of(passkeys::start_registration(ctx.op()?).await)
    }

    /// Add the passkey that an authenticator made. Needs a sign-in, the one that asked for it.
    async fn finish_passkey_registration(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: FinishPasskeyRegistrationInput,
    ) -> Result<FinishPasskeyRegistrationPayload> {
        let FinishPasskeyRegistrationInput {
            token,
            credential,
            name,
        } = input;
        let outcome = passkeys::finish_registration(ctx.op()?, &token, credential.0, &name).await;
        FinishPasskeyRegistrationPayload::of(outcome)
    }

    /// Ask whatever passkey the person has at hand to sign them in. Needs no sign-in.
    async fn start_passkey_sign_in(&self, ctx: &Context<'_>) -> Result<StartPasskeySignInPayload> {
        StartPasskeySignInPayload::of(passkeys::start_sign_in(ctx.handles()).await)
    }

    /// Sign in with the answer of a passkey. It counts as two factors. Needs no sign-in.
    async fn finish_passkey_sign_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: FinishPasskeySignInInput,
    ) -> Result<FinishPasskeySignInPayload> {
        let origin = ctx.origin();
        let outcome = match local_opt("Tenant", "tenantId", input.tenant_id.as_ref()) {
            Ok(tenant) => {
                let shown = passkeys::Shown {
                    token: input.token,
                    credential: input.credential.0,
                    tenant,
                    user_agent: origin.user_agent,
                    address: origin.address,
                };
                passkeys::finish_sign_in(ctx.handles(), shown).await
            }
            Err(error) => Err(error),
        };
        FinishPasskeySignInPayload::of(outcome.map_err(for_person))
    }

    /// Give a passkey another name. Needs a sign-in; it must be one's own.
    async fn rename_passkey(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RenamePasskeyInput,
    ) -> Result<RenamePasskeyPayload> {
        let op = ctx.op()?;
        let outcome = match local("Passkey", "passkeyId", &input.passkey_id) {
            Ok(id) => passkeys::rename_passkey(op, id, &input.name).await,
            Err(error) => Err(error),
        };
        RenamePasskeyPayload::of(outcome)
    }

    /// Remove a passkey; whoever has no other way in keeps it. Sessions that it opened go on. Needs a sign-in; it must be
    /// one's own.
    async fn remove_passkey(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RemovePasskeyInput,
    ) -> Result<RemovePasskeyPayload> {
        let op = ctx.op()?;
        let outcome = match local("Passkey", "passkeyId", &input.passkey_id) {
            Ok(id) => passkeys::remove_passkey(op, id).await,
            Err(error) => Err(error),
        };
        RemovePasskeyPayload::of(outcome.map(|()| input.passkey_id))
    }
}

/// A refusal is for the person: a client that reads `UNAUTHENTICATED` would refresh its token and try again.
fn for_person(error: Error) -> Error {
    match error {
        Error::Unauthenticated(message) => Error::invalid("tenantId", message),
        other => other,
    }
}
