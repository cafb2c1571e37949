//! Speaking with a provider: what it says of itself, where a browser leaves for, and who it says came back.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreJwsSigningAlgorithm as Algorithm,
    CoreProviderMetadata,
};
use openidconnect::{
    AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, SignatureVerificationError,
    TokenResponse,
};
use url::Url;

use crate::config::Provider;
use crate::ctx::Handles;
use crate::error::{Error, Result};
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

type Known = HashMap<String, (DateTime<Utc>, Arc<CoreProviderMetadata>)>;

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

/// Where a browser leaves for with this state.
pub(super) async fn depart(
    handles: &Handles,
    provider: &Provider,
    state: String,
) -> Result<Departure> {
    let client = client(handles, provider, false).await?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let flow = CoreAuthenticationFlow::AuthorizationCode;
    let nonce = secret::token();
    let given = nonce.clone();
    let (url, _, _) = client
        .authorize_url(
            flow,
            move || CsrfToken::new(state),
            move || Nonce::new(given),
        )
        .add_scopes(provider.scopes.iter().cloned().map(Scope::new))
        .set_pkce_challenge(challenge)
        .url();
    Ok(Departure {
        url,
        nonce,
        verifier: verifier.into_secret(),
    })
}

/// Exchanges the code that a browser brought back; whom it stands for.
pub(super) async fn vouch(
    handles: &Handles,
    provider: &Provider,
    code: String,
    verifier: String,
    nonce: String,
) -> Result<Vouched> {
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
    match read(handles, &client, token, &nonce) {
        Err(ClaimsVerificationError::SignatureVerification(
            SignatureVerificationError::NoMatchingKey,
        )) => {
            // it may have new keys since we asked
            let client = self::client(handles, provider, true).await?;
            read(handles, &client, token, &nonce)
        }
        outcome => outcome,
    }
    .map_err(|error| refused(error.to_string()))
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
    let methods = metadata.token_endpoint_auth_methods_supported();
    let by_body = methods.is_some_and(|methods| {
        methods.contains(&CoreClientAuthMethod::ClientSecretPost)
            && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
    });
    let endpoint = metadata
        .token_endpoint()
        .cloned()
        .ok_or_else(|| refused("the provider has no token endpoint"))?;
    let client = CoreClient::from_provider_metadata(
        CoreProviderMetadata::clone(&metadata),
        ClientId::new(provider.client_id.clone()),
        Some(ClientSecret::new(provider.client_secret.clone())),
    )
    .set_token_uri(endpoint)
    .set_redirect_uri(RedirectUrl::new(back).map_err(Error::internal)?);
    Ok(if by_body {
        client.set_auth_type(AuthType::RequestBody)
    } else {
        client
    })
}

/// What a provider says of itself and its keys, as it said lately.
async fn metadata(
    handles: &Handles,
    provider: &Provider,
    anew: bool,
) -> Result<Arc<CoreProviderMetadata>> {
    let now = handles.clock.now();
    let lock = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((at, known)) = lock().get(&provider.issuer)
        && !anew
        && now - *at < FRESH
    {
        return Ok(Arc::clone(known));
    }
    let issuer = IssuerUrl::new(provider.issuer.clone()).map_err(Error::internal)?;
    let said = CoreProviderMetadata::discover_async(issuer, &call)
        .await
        .map_err(upstream)?;
    let said = Arc::new(said);
    lock().insert(provider.issuer.clone(), (now, Arc::clone(&said)));
    Ok(said)
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
