//! Signing in at identity providers: which there are, and the accounts there that a person has linked.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
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
    /// `access_denied`, `not_linked` (sign in another way and link the account), `unavailable`, `try_later` or `failed`. With
    /// `session=cookie` the browser comes back with a session in cookies instead of a code, unless a second factor is owed.
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
    /// What its provider can be asked.
    pub status: LinkedIdentityStatus,
    /// Whether tokens of the provider are kept for it, sealed, so that it can be asked while nobody is there. They are shown
    /// to nobody.
    pub keeps_tokens: bool,
    /// When its provider was last asked about it; absent while it was not.
    pub last_checked_at: Option<DateTime<Utc>>,
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
            status: linked.status.into(),
            keeps_tokens: linked.status != oauth::Status::SignInOnly,
            last_checked_at: linked.last_checked_at,
            created_at: linked.created_at,
            last_used_at: linked.last_used_at,
        }
    }
}

/// What the provider of a linked account can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum LinkedIdentityStatus {
    /// Only who signs in: no tokens are kept.
    SignInOnly,
    /// About the account at any time: tokens are kept, and honoured as far as is known.
    Connected,
    /// Nothing, until the account is linked again: the provider no longer honours the tokens that are kept.
    NeedsSignIn,
}

impl From<oauth::Status> for LinkedIdentityStatus {
    fn from(status: oauth::Status) -> Self {
        match status {
            oauth::Status::SignInOnly => Self::SignInOnly,
            oauth::Status::Connected => Self::Connected,
            oauth::Status::NeedsSignIn => Self::NeedsSignIn,
        }
    }
}

/// What a provider says about an account today.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct ProviderAccount {
    /// What it calls the person.
    pub name: Option<String>,
    /// Their address there. It is shown, and changes nothing here.
    pub email: Option<String>,
    /// Whether the provider says that it verified the address.
    pub email_verified: bool,
}

impl From<oauth::Account> for ProviderAccount {
    fn from(account: oauth::Account) -> Self {
        Self {
            name: account.name,
            email: account.email,
            email_verified: account.email_verified,
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

/// An account to ask its provider about.
#[derive(InputObject)]
pub struct RefreshLinkedIdentityInput {
    /// Which one.
    pub linked_identity_id: ID,
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
}

/// An account that was unlinked.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct UnlinkIdentityPayload {
    /// Which one.
    pub unlinked_identity_id: Option<ID>,
    /// Whether the provider revoked the tokens that were kept; absent when none were. They are gone from here either way.
    pub tokens_revoked: Option<bool>,
    /// What to put right; empty when it was done.
    #[graphql(name = "errors")]
    pub user_errors: Vec<UserError>,
}

/// What a provider said about a linked account.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct RefreshLinkedIdentityPayload {
    /// The linked account as it stands now.
    pub linked_identity: Option<LinkedIdentity>,
    /// What the provider says; absent when it needs signing in again.
    pub account: Option<ProviderAccount>,
    /// What to put right; empty when it was asked.
    #[graphql(name = "errors")]
    pub user_errors: Vec<UserError>,
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

    /// Ask the provider about a linked account: what it is called there, its address, and whether the link still works.
    /// Needs a sign-in; it must be one's own.
    async fn refresh_linked_identity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RefreshLinkedIdentityInput,
    ) -> Result<RefreshLinkedIdentityPayload> {
        let op = ctx.op()?;
        let id = &input.linked_identity_id;
        let outcome = match local("LinkedIdentity", "linkedIdentityId", id) {
            Ok(id) => oauth::check(op, id).await,
            Err(error) => Err(error),
        };
        let (checked, user_errors) = payload(outcome)?;
        let (linked, account) = checked.map(|c| (c.linked.into(), c.account)).unzip();
        Ok(RefreshLinkedIdentityPayload {
            linked_identity: linked,
            account: account.flatten().map(Into::into),
            user_errors,
        })
    }

    /// Unlink an account at a provider; whoever has no other way in keeps it. Tokens that were kept for it are removed, and
    /// the provider is asked to revoke them. Needs a sign-in; it must be one's own.
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
        let (tokens_revoked, user_errors) = payload(outcome)?;
        Ok(UnlinkIdentityPayload {
            unlinked_identity_id: tokens_revoked.is_some().then_some(input.linked_identity_id),
            tokens_revoked: tokens_revoked.flatten(),
            user_errors,
        })
    }
}

/// A refusal is for the person: a client that reads `UNAUTHENTICATED` would refresh its token and try again.
fn for_person(error: Error) -> Error {
    match error {
        Error::Unauthenticated(message) => Error::invalid("tenantId", message),
        other => other,
    }
}
