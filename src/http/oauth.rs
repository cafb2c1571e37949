//! Browsers on their way to an identity provider and back. The answers are redirects; tokens are in no address of them.

use axum::extract::{Path, Query};
use axum::http::header::{CACHE_CONTROL, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::{cookies, envelope};
use crate::config::Config;
use crate::identity::oauth::{self, Arriving, Leaving};

/// What a browser leaves with.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct Start {
    /// Where in the app to come back to; needed without a ticket.
    #[param(example = "https://app.example.com/signed-in")]
    return_to: Option<String>,
    /// SHA-256 of a secret of the app, base64url: binds the code that comes back to the app.
    code_challenge: Option<String>,
    /// Of `startIdentityLink`, to link an account instead of signing in.
    ticket: Option<String>,
    /// What the sign-in ends in: a `code` to exchange, or cookies (`cookie`).
    #[param(inline)]
    session: Option<Session>,
}

/// What a sign-in ends in.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
enum Session {
    /// A code that the app exchanges for tokens.
    Code,
    /// Cookies of the browser.
    Cookie,
}

/// What a provider sends a browser back with.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Callback {
    /// What the browser left with.
    #[serde(default)]
    state: String,
    /// The provider's answer; or …
    code: Option<String>,
    /// … why there is none.
    error: Option<String>,
    /// Who answers (RFC 9207).
    iss: Option<String>,
}

/// `GET /api/v1/oauth/{provider}/start?returnTo=&session=`: sends the browser to the provider.
#[utoipa::path(
    get, path = "/api/v1/oauth/{provider}/start", operation_id = "startOauth", tag = "auth", security(()),
    params(("provider" = String, Path, description = "A name of `signInProviders`", example = "google"), Start),
    responses(
        (status = 303, description = "To the provider", headers(("location" = String))),
        (status = 401, description = "The ticket is not good any more", body = super::shapes::Failure),
        (status = 502, description = "The provider does not answer", body = super::shapes::Failure),
    ),
)]
pub async fn start(
    caller: Caller,
    Path(provider): Path<String>,
    headers: HeaderMap,
    Query(query): Query<Start>,
) -> Response {
    let config = &caller.handles.config;
    let leaving = Leaving {
        provider,
        return_to: query.return_to,
        code_challenge: query.code_challenge,
        ticket: query.ticket,
        cookies: query.session == Some(Session::Cookie),
        browser: browser(config, &headers),
    };
    match oauth::leave(&caller.handles, leaving).await {
        Ok(left) => {
            let (name, secure) = cookie(config);
            let cookie = format!(
                "{name}={}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax{secure}",
                left.browser
            );
            ([(SET_COOKIE, cookie)], to(left.url.as_str())).into_response()
        }
        Err(error) => envelope::failure(&caller.request_id, &error),
    }
}

/// `GET /api/v1/oauth/{provider}/callback`: takes the browser back and sends it on to the app, with cookies, `code` or
/// `error`.
#[utoipa::path(
    get, path = "/api/v1/oauth/{provider}/callback", operation_id = "finishOauth", tag = "auth", security(()),
    params(("provider" = String, Path, description = "The provider that sends the browser back", example = "google"), Callback),
    responses((status = 303, description = "To the app, with `code` or `error`", headers(("location" = String)))),
)]
pub async fn callback(
    caller: Caller,
    Path(provider): Path<String>,
    headers: HeaderMap,
    Query(query): Query<Callback>,
) -> Response {
    let arriving = Arriving {
        provider,
        state: query.state,
        code: query.code,
        error: query.error,
        issuer: query.iss,
        browser: browser(&caller.handles.config, &headers),
        user_agent: caller.origin.user_agent.clone(),
        address: caller.origin.address.clone(),
    };
    match oauth::arrive(&caller.handles, arriving).await {
        Ok(arrival) => {
            let mut response = to(arrival.url.as_str());
            if let Some(session) = arrival.session {
                let (config, now) = (&caller.handles.config, caller.handles.clock.now());
                cookies::set(response.headers_mut(), config, now, &session);
            }
            response
        }
        Err(error) => envelope::failure(&caller.request_id, &error),
    }
}

/// A redirect that is made for one browser, once.
fn to(url: &str) -> Response {
    let once = [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (once, Redirect::to(url)).into_response()
}

/// What the cookie is called, and what it needs besides. Over https its name says that no other site may have set it.
fn cookie(config: &Config) -> (&'static str, &'static str) {
    if config.public_url().starts_with("https://") {
        ("__Host-balance-oauth", "; Secure")
    } else {
        ("balance-oauth", "")
    }
}

fn browser(config: &Config, headers: &HeaderMap) -> Option<String> {
    cookies::find(headers, cookie(config).0).map(str::to_owned)
}
