//! Signing in, refreshing and signing out over REST, for clients without GraphQL: the same verbs as the mutations.

use async_graphql::ID;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bodies::Sent;
use super::caller::Caller;
use super::shapes::{self, Challenged, Session, SessionMode, SignInOutcome, SignedOut, Success};
use super::{cookies, envelope};
use crate::error::{Error, Result};
use crate::graphql::node::{global, local_opt};
use crate::identity::{self, Challenge, Credentials, SignedIn};

/// The body of a sign-in.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignIn {
    /// The address of the person.
    #[schema(examples("olive@acme.example"))]
    email: String,
    /// Their password.
    #[schema(format = "password", examples("correct horse battery staple"))]
    password: String,
    /// Which of their tenants; the last one used when absent.
    #[schema(examples("VGVuYW50OjAxOWFhNWMw"))]
    tenant_id: Option<String>,
}

/// The body of the other two; empty for a browser, which sends the token in a cookie.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refresh {
    /// The refresh token of the session.
    #[schema(examples("3zT0Q6q0oVw1b8Yk1fPq2mJ7c5d9e0fA"))]
    refresh_token: Option<String>,
}

/// `POST /api/v1/auth/sign-in`: a session for an email and a password; 401 if one of them is wrong.
#[utoipa::path(
    post, path = "/api/v1/auth/sign-in", operation_id = "signIn", tag = "auth", security(()),
    params(SessionMode),
    request_body = SignIn,
    responses(
        (status = 200, description = "A session, or the challenge of a second factor", body = Success<SignInOutcome>),
        (status = 401, description = "The address or the password is wrong", body = shapes::Failure),
    ),
)]
pub async fn sign_in(caller: Caller, headers: HeaderMap, body: Sent<SignIn>) -> Response {
    let carried = Carried::asked(&headers);
    match try_sign_in(&caller, body).await {
        Ok(identity::SignIn::In(session)) => answer(&caller, carried, Ok(session)),
        Ok(identity::SignIn::SecondFactor(challenge)) => challenged(&caller, &challenge),
        Err(error) => answer(&caller, carried, Err(error)),
    }
}

/// `POST /api/v1/auth/refresh`: the next session for a refresh token; 401 if it is not in force.
#[utoipa::path(
    post, path = "/api/v1/auth/refresh", operation_id = "refreshSession", tag = "auth", security((), ("cookie" = [])),
    params(SessionMode),
    request_body = Refresh,
    responses(
        (status = 200, description = "The next session", body = Success<Session>),
        (status = 401, description = "The token is not in force", body = shapes::Failure),
    ),
)]
pub async fn refresh(caller: Caller, headers: HeaderMap, body: Sent<Refresh>) -> Response {
    let (carried, outcome) = match shown(&caller, &headers, body) {
        Ok((carried, token)) => (carried, identity::refresh(&caller.handles, &token).await),
        Err(error) => (Carried::asked(&headers), Err(error)),
    };
    let over = matches!(outcome, Err(Error::Unauthenticated(_)));
    let mut response = answer(&caller, carried, outcome);
    if over && carried == Carried::InCookies {
        // what is not in force is of no more use to the browser
        cookies::clear(response.headers_mut(), &caller.handles.config);
    }
    response
}

/// `POST /api/v1/auth/sign-out`: ends the session of a refresh token; doing it twice is no error.
#[utoipa::path(
    post, path = "/api/v1/auth/sign-out", operation_id = "signOut", tag = "auth", security((), ("cookie" = [])),
    request_body = Refresh,
    responses(
        (status = 200, description = "It has ended, now or before", body = Success<SignedOut>),
        (status = 401, description = "No token was sent", body = shapes::Failure),
    ),
)]
pub async fn sign_out(caller: Caller, headers: HeaderMap, body: Sent<Refresh>) -> Response {
    let outcome = match shown(&caller, &headers, body) {
        Ok((_, token)) => identity::sign_out(&caller.handles, &token).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => {
            let done = SignedOut { signed_out: true };
            let mut response = envelope::success(&caller, StatusCode::OK, done);
            if cookies::Names::of(&caller.handles.config).are_in(&headers) {
                cookies::clear(response.headers_mut(), &caller.handles.config);
            }
            response
        }
        Err(error) => envelope::failure(&caller.request_id, &error),
    }
}

/// How a client carries its tokens.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Carried {
    /// Itself.
    Itself,
    /// In cookies, which its scripts cannot read.
    InCookies,
}

impl Carried {
    /// What the request asks for.
    pub(super) fn asked(headers: &HeaderMap) -> Self {
        if cookies::are_wanted(headers) {
            Self::InCookies
        } else {
            Self::Itself
        }
    }
}

/// The refresh token of a request: the one in the body, else the one in the cookie.
fn shown(caller: &Caller, headers: &HeaderMap, body: Sent<Refresh>) -> Result<(Carried, String)> {
    if let Some(token) = body.0?.refresh_token {
        return Ok((Carried::asked(headers), token));
    }
    let names = cookies::Names::of(&caller.handles.config);
    match cookies::find(headers, names.refresh) {
        Some(token) => Ok((Carried::InCookies, token.to_owned())),
        None => Err(Error::Unauthenticated(
            "send a refresh token, in the body or in its cookie",
        )),
    }
}

async fn try_sign_in(caller: &Caller, body: Sent<SignIn>) -> Result<identity::SignIn> {
    let body = body.0?;
    let tenant = body.tenant_id.map(ID);
    let credentials = Credentials {
        email: body.email,
        password: body.password,
        tenant: local_opt("Tenant", "tenantId", tenant.as_ref())?,
        user_agent: caller.origin.user_agent.clone(),
        address: caller.origin.address.clone(),
    };
    identity::sign_in(&caller.handles, credentials).await
}

pub(super) fn answer(caller: &Caller, carried: Carried, outcome: Result<SignedIn>) -> Response {
    match outcome {
        Ok(session) => {
            let by_itself = carried == Carried::Itself;
            // what a script of the page can read, it can lose
            let told = |token: &String| by_itself.then(|| token.clone());
            let data = Session {
                access_token: told(&session.access_token),
                refresh_token: told(&session.refresh_token),
                token_type: if by_itself { "Bearer" } else { "Cookie" }.to_owned(),
                expires_at: session.expires_at,
                user_id: global("User", session.user).to_string(),
                tenant_id: global("Tenant", session.tenant).to_string(),
                role: identity::role_name(session.role).to_owned(),
            };
            let mut response = private(caller, data);
            if by_itself {
                return response;
            }
            let (config, now) = (&caller.handles.config, caller.handles.clock.now());
            cookies::set(response.headers_mut(), config, now, &session);
            response
        }
        Err(error) => envelope::failure(&caller.request_id, &error),
    }
}

/// One factor was right, and another is owed.
fn challenged(caller: &Caller, challenge: &Challenge) -> Response {
    let challenge = shapes::Challenge {
        token: challenge.token.clone(),
        expires_at: challenge.expires_at,
    };
    private(caller, Challenged { challenge })
}

/// Tokens are nobody's to keep on the way.
fn private(caller: &Caller, data: impl Serialize) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store")];
    (headers, envelope::success(caller, StatusCode::OK, data)).into_response()
}
