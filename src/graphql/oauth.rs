//! Signing in at identity providers: which there are, and the accounts there that a person has linked.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};

use super::error::{UserError, payload};
use super::identity::{Session, SignInChallenge};
use super::node::{global, local, local_opt};
use super::op::Op;
use super::payload::payloads;
use crate::error::{Error, Result};
use crate::identity::SignIn;
use crate::identity::oauth::{self, Exchange};

/// A provider that people may sign in at.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct SignInProvider {
    /// What addresses call it.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// Where to send a browser that signs in. Add `returnTo`, a page of this server or of the app, and `codeChallenge`,
    /// base64url(SHA-256(verifier)) of a verifier that the app keeps. The page is opened with `code`, or with `error`:
    /// `access_denied`, `not_linked` (sign in another way and link the account), `unavailable` or `failed`.
    pub start_url: String,
}

/// An account of the person who asks, at an identity provider.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct LinkedIdentity {
    /// Opaque global id.
    pub id: ID,
    /// What people call the provider; its address, if it is configured no longer.
    pub provider: String,
    /// Whether it can sign in: its provider is configured.
    pub active: bool,
    /// When it was linked.
    pub created_at: DateTime<Utc>,
    /// When it last signed somebody in.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl From<oauth::LinkedIdentity> for LinkedIdentity {
    fn from(linked: oauth::LinkedIdentity) -> Self {
        Self {
            id: global("LinkedIdentity", linked.id),
            provider: linked.provider,
            active: linked.active,
            created_at: linked.created_at,
            last_used_at: linked.last_used_at,
        }
    }
}

/// A code that an app was handed.
#[derive(InputObject)]
pub struct ExchangeSignInCodeInput {
    /// The code in the address.
    pub code: String,
    /// What the app made the `codeChallenge` of; needed if it sent one.
    pub code_verifier: Option<String>,
    /// Into which tenant; without it, the one they have belonged to for longest.
    pub tenant_id: Option<ID>,
}

/// An account to link.
#[derive(InputObject)]
pub struct StartIdentityLinkInput {
    /// The name of the provider.
    pub provider: String,
    /// The page to return to, of this server or of the app.
    pub return_to: Option<String>,
    /// base64url(SHA-256(verifier)) of a verifier that the app keeps.
    pub code_challenge: Option<String>,
}

/// A code that an app was handed.
#[derive(InputObject)]
pub struct LinkIdentityInput {
    /// The code in the address.
    pub code: String,
    /// What the app made the `codeChallenge` of; needed if it sent one.
    pub code_verifier: Option<String>,
}

/// An account to unlink.
#[derive(InputObject)]
pub struct UnlinkIdentityInput {
    /// Which one.
    pub linked_identity_id: ID,
}

payloads! {
    /// A way to the provider.
    StartIdentityLinkPayload {
        /// Where to send the browser, within a minute. It comes back to `returnTo` with `code` for `linkIdentity`, or with
        /// `error`.
        url: String
    },
    /// An account that was linked.
    LinkIdentityPayload {
        /// The account.
        linked_identity: LinkedIdentity
    },
    /// An account that was unlinked.
    UnlinkIdentityPayload {
        /// Which one.
        unlinked_identity_id: ID
    },
}

/// Someone who signed in, or is halfway.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct ExchangeSignInCodePayload {
    /// Their way in; absent while a second factor is owed.
    pub session: Option<Session>,
    /// What to show together with the second factor; absent when none is owed.
    pub challenge: Option<SignInChallenge>,
    /// What to put right; empty when it was done.
    #[graphql(name = "errors")]
    pub user_errors: Vec<UserError>,
}

/// Questions about providers and linked accounts.
#[derive(Default)]
pub struct OauthQuery;

#[Object]
impl OauthQuery {
    /// The providers that people may sign in at. Needs no sign-in.
    async fn sign_in_providers(&self, ctx: &Context<'_>) -> Result<Vec<SignInProvider>> {
        let config = &ctx.handles().config;
        let address = config.public_url();
        let providers = config.providers()?.into_iter();
        let shown = providers.map(|provider| SignInProvider {
            start_url: format!("{address}/api/v1/oauth/{}/start", provider.name),
            name: provider.name,
            label: provider.label,
        });
        Ok(shown.collect())
    }

    /// The accounts at providers that whoever asks has linked, those linked first first. Needs a sign-in.
    async fn my_identities(&self, ctx: &Context<'_>) -> Result<Vec<LinkedIdentity>> {
        let found = oauth::list_linked(ctx.op()?).await?;
        Ok(found.into_iter().map(LinkedIdentity::from).collect())
    }
}

/// What people do with accounts at providers.
#[derive(Default)]
pub struct OauthMutation;

#[Object]
impl OauthMutation {
    /// Sign in with the code that a provider's sign-in ended with, within a minute. Needs no sign-in.
    async fn exchange_sign_in_code(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ExchangeSignInCodeInput,
    ) -> Result<ExchangeSignInCodePayload> {
        let origin = ctx.origin();
        let outcome = match local_opt("Tenant", "tenantId", input.tenant_id.as_ref()) {
            Ok(tenant) => {
                let bring = Exchange {
                    code: input.code,
                    code_verifier: input.code_verifier,
                    tenant,
                    user_agent: origin.user_agent,
                    address: origin.address,
                };
                oauth::exchange(ctx.handles(), bring).await
            }
            Err(error) => Err(error),
        };
        let (done, user_errors) = payload(outcome.map_err(for_person))?;
        let (session, challenge) = match done {
            Some(SignIn::In(signed_in)) => (Some(signed_in.into()), None),
            Some(SignIn::SecondFactor(challenge)) => (None, Some(challenge.into())),
            None => (None, None),
        };
        Ok(ExchangeSignInCodePayload {
            session,
            challenge,
            user_errors,
        })
    }

    /// Begin to link an account at a provider. Needs a sign-in.
    async fn start_identity_link(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: StartIdentityLinkInput,
    ) -> Result<StartIdentityLinkPayload> {
        let return_to = input.return_to.as_deref();
        let outcome =
            oauth::start_link(ctx.op()?, &input.provider, return_to, input.code_challenge).await;
        StartIdentityLinkPayload::of(outcome)
    }

    /// Link the account that the provider named, within a minute. Needs a sign-in of the person who began.
    async fn link_identity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: LinkIdentityInput,
    ) -> Result<LinkIdentityPayload> {
        let verifier = input.code_verifier.as_deref();
        LinkIdentityPayload::of(oauth::link(ctx.op()?, &input.code, verifier).await)
    }

    /// Unlink an account at a provider; whoever has no other way in keeps it. Needs a sign-in; it must be one's own.
    async fn unlink_identity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: UnlinkIdentityInput,
    ) -> Result<UnlinkIdentityPayload> {
        let op = ctx.op()?;
        let id = &input.linked_identity_id;
        let outcome = match local("LinkedIdentity", "linkedIdentityId", id) {
            Ok(id) => oauth::unlink(op, id).await,
            Err(error) => Err(error),
        };
        UnlinkIdentityPayload::of(outcome.map(|()| input.linked_identity_id))
    }
}

/// A refusal is for the person: a client that reads `UNAUTHENTICATED` would refresh its token and try again.
fn for_person(error: Error) -> Error {
    match error {
        Error::Unauthenticated(message) => Error::invalid("tenantId", message),
        other => other,
    }
}
