//! Speaking with a provider: what it says of itself, where a browser leaves for, and who it says came back.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClaimName, CoreClaimType,
    CoreClient, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
    CoreJwsSigningAlgorithm as Algorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType, CoreTokenResponse,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId,
    ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, ProviderMetadata, RedirectUrl,
    RequestTokenError, RevocationUrl, Scope, SignatureVerificationError, TokenResponse,
};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::Provider;
use crate::ctx::Handles;
use crate::error::{Error, Result};
use crate::grants::{Server, Tokens};
use crate::outbound::oauth::lapses;
use crate::outbound::oidc::call;
use crate::secret;

/// How long what a provider says of itself is believed; its keys are asked for again as soon as one is missing.
const FRESH: TimeDelta = TimeDelta::minutes(10);

/// Signatures that are accepted: by keys that the provider publishes. Not `none`, and not by the secret we share.
const ALGORITHMS: [Algorithm; 10] = [
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPkcs1V15Sha384,
    Algorithm::RsaSsaPkcs1V15Sha512,
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPssSha384,
    Algorithm::RsaSsaPssSha512,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::EdDsa,
    Algorithm::EcdsaP521Sha512,
];

/// What a provider says of itself beyond OpenID Connect (RFC 8414).
#[derive(Clone, Debug, Deserialize, Serialize)]
struct More {
    revocation_endpoint: Option<RevocationUrl>,
}

impl AdditionalProviderMetadata for More {}

type Metadata = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type Known = HashMap<String, (DateTime<Utc>, Arc<Metadata>)>;

static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
    EndpointMaybeSet,
>;

/// Where the browser goes, and what must be remembered until it is back.
pub(super) struct Departure {
    pub url: Url,
    pub nonce: String,
    pub verifier: String,
}

/// Whom a provider vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Vouched {
    pub subject: String,
    /// The address, only if the provider says that it verified it.
    pub verified_email: Option<String>,
}

/// Where a browser leaves for with this state. A token that works while nobody is there is only given by consent, which is
/// asked for when an account is linked and not at each sign-in.
pub(super) async fn depart(
    handles: &Handles,
    provider: &Provider,
    state: String,
    links: bool,
) -> Result<Departure> {
    let client = client(handles, provider, false).await?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let flow = CoreAuthenticationFlow::AuthorizationCode;
    let nonce = secret::token();
    let given = nonce.clone();
    let mut request = client
        .authorize_url(
            flow,
            move || CsrfToken::new(state),
            move || Nonce::new(given),
        )
        .add_scopes(provider.scopes.iter().cloned().map(Scope::new))
        .set_pkce_challenge(challenge);
    for (name, value) in &provider.parameters {
        request = request.add_extra_param(name.clone(), value.clone());
    }
    if links && provider.asks_offline() && !provider.parameters.contains_key("prompt") {
        request = request.add_prompt(CoreAuthPrompt::Consent);
    }
    let (url, _, _) = request.url();
    Ok(Departure {
        url,
        nonce,
        verifier: verifier.into_secret(),
    })
}

/// Exchanges the code that a browser brought back; whom it stands for, and the tokens if they are to be kept.
pub(super) async fn vouch(
    handles: &Handles,
    provider: &Provider,
    code: String,
    verifier: String,
    nonce: String,
) -> Result<(Vouched, Option<Tokens>)> {
    let client = client(handles, provider, false).await?;
    let tokens = client
        .exchange_code(AuthorizationCode::new(code))
        .set_pkce_verifier(PkceCodeVerifier::new(verifier))
        .request_async(&call)
        .await
        .map_err(|error| match error {
            RequestTokenError::Request(cause) => upstream(cause),
            RequestTokenError::ServerResponse(_) => refused("the provider refuses the code"),
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                refused("the provider answers a code with something else than tokens")
            }
        })?;
    let token = tokens
        .id_token()
        .ok_or_else(|| refused("the provider sends no ID token"))?;
    let nonce = Nonce::new(nonce);
    let vouched = match read(handles, &client, token, &nonce) {
        Err(ClaimsVerificationError::SignatureVerification(
            SignatureVerificationError::NoMatchingKey,
        )) => {
            // it may have new keys since we asked
            let client = self::client(handles, provider, true).await?;
            read(handles, &client, token, &nonce)
        }
        outcome => outcome,
    }
    .map_err(|error| refused(error.to_string()))?;
    let kept = provider
        .keeps_tokens()
        .then(|| to_keep(&tokens, handles.clock.now()));
    Ok((vouched, kept))
}

fn to_keep(tokens: &CoreTokenResponse, now: DateTime<Utc>) -> Tokens {
    let seconds = tokens.expires_in().map(|life| life.as_secs());
    let seconds = seconds.and_then(|seconds| i64::try_from(seconds).ok());
    Tokens {
        access: tokens.access_token().secret().clone(),
        refresh: tokens.refresh_token().map(|token| token.secret().clone()),
        expires_at: seconds.and_then(|seconds| lapses(now, seconds)),
    }
}

/// Where the tokens of a provider are refreshed and revoked.
pub(super) async fn server(handles: &Handles, provider: &Provider) -> Result<Server> {
    let metadata = metadata(handles, provider, false).await?;
    let token = metadata.token_endpoint();
    let revocation = &metadata.additional_metadata().revocation_endpoint;
    Ok(Server {
        token: token.map(|url| url.url().clone()).ok_or_else(speechless)?,
        revocation: revocation.as_ref().map(|url| url.url().clone()),
        client_id: provider.client_id.clone(),
        client_secret: provider.client_secret.clone(),
        by_body: by_body(&metadata),
    })
}

/// Where a provider tells about whoever a token stands for.
pub(super) async fn userinfo(handles: &Handles, provider: &Provider) -> Result<Url> {
    let metadata = metadata(handles, provider, false).await?;
    let url = metadata.userinfo_endpoint();
    url.map(|url| url.url().clone()).ok_or_else(speechless)
}

/// Whether a provider takes the secret in the body of a request only.
fn by_body(metadata: &Metadata) -> bool {
    let methods = metadata.token_endpoint_auth_methods_supported();
    methods.is_some_and(|methods| {
        methods.contains(&CoreClientAuthMethod::ClientSecretPost)
            && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
    })
}

type Token = openidconnect::core::CoreIdToken;

fn read(
    handles: &Handles,
    client: &Client,
    token: &Token,
    nonce: &Nonce,
) -> Result<Vouched, ClaimsVerificationError> {
    let now = handles.clock.now();
    let verifier = client
        .id_token_verifier()
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || now);
    let claims = token.claims(&verifier, nonce)?;
    let verified = claims.email_verified() == Some(true);
    Ok(Vouched {
        subject: claims.subject().to_string(),
        verified_email: claims
            .email()
            .filter(|_| verified)
            .map(|email| email.to_string()),
    })
}

async fn client(handles: &Handles, provider: &Provider, anew: bool) -> Result<Client> {
    let metadata = metadata(handles, provider, anew).await?;
    let back = format!(
        "{}/api/v1/oauth/{}/callback",
        handles.config.public_url(),
        provider.name
    );
    let endpoint = metadata
        .token_endpoint()
        .cloned()
        .ok_or_else(|| refused("the provider has no token endpoint"))?;
    let client = CoreClient::from_provider_metadata(
        Metadata::clone(&metadata),
        ClientId::new(provider.client_id.clone()),
        Some(ClientSecret::new(provider.client_secret.clone())),
    )
    .set_token_uri(endpoint)
    .set_redirect_uri(RedirectUrl::new(back).map_err(Error::internal)?);
    Ok(if by_body(&metadata) {
        client.set_auth_type(AuthType::RequestBody)
    } else {
        client
    })
}

/// What a provider says of itself and its keys, as it said lately.
async fn metadata(handles: &Handles, provider: &Provider, anew: bool) -> Result<Arc<Metadata>> {
    let now = handles.clock.now();
    let lock = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((at, known)) = lock().get(&provider.issuer)
        && !anew
        && now - *at < FRESH
    {
        return Ok(Arc::clone(known));
    }
    let issuer = IssuerUrl::new(provider.issuer.clone()).map_err(Error::internal)?;
    let said = Metadata::discover_async(issuer, &call)
        .await
        .map_err(upstream)?;
    let said = Arc::new(said);
    lock().insert(provider.issuer.clone(), (now, Arc::clone(&said)));
    Ok(said)
}

/// It says less of itself than it should.
fn speechless() -> Error {
    Error::Upstream {
        provider: "the identity provider",
        source: "it names no such endpoint".into(),
    }
}

fn upstream(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Upstream {
        provider: "the identity provider",
        source: source.into(),
    }
}

/// What the provider said is not to be believed; operators learn why.
fn refused(why: impl Into<String>) -> Error {
    tracing::info!(why = why.into(), "A sign-in at a provider was refused");
    Error::invalid("code", "is not accepted: the provider did not vouch for it")
}
