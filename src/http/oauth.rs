//! Browsers on their way to an identity provider and back. The answers are redirects; tokens are in no address of them.

use axum::extract::{Path, Query};
use axum::http::header::{CACHE_CONTROL, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::caller::Caller;
use super::{cookies, envelope};
use crate::config::Config;
use crate::identity::oauth::{self, Arriving, Leaving};

/// What a browser leaves with.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Start {
    return_to: Option<String>,
    code_challenge: Option<String>,
    ticket: Option<String>,
    session: Option<Session>,
}

/// What a sign-in ends in.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
enum Session {
    /// A code that the app exchanges for tokens.
    Code,
    /// Cookies of the browser.
    Cookie,
}

/// What a provider sends a browser back with.
#[derive(Deserialize)]
pub struct Callback {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// `GET /api/v1/oauth/{provider}/start?returnTo=&session=`: sends the browser to the provider.
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
