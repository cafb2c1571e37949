//! Signing in, refreshing and signing out over REST, for clients without GraphQL: the same verbs as the mutations.

use async_graphql::ID;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::caller::Caller;
use super::envelope;
use crate::error::{Error, Result};
use crate::graphql::node::{global, local_opt};
use crate::identity::{self, Challenge, Credentials, SignedIn};

/// The body of a sign-in.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignIn {
    email: String,
    password: String,
    tenant_id: Option<String>,
}

/// The body of the other two.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refresh {
    refresh_token: String,
}

type Body<T> = Result<Json<T>, JsonRejection>;

/// `POST /api/v1/auth/sign-in`: a session for an email and a password; 401 if one of them is wrong.
pub async fn sign_in(caller: Caller, body: Body<SignIn>) -> Response {
    match try_sign_in(&caller, body).await {
        Ok(identity::SignIn::In(session)) => answer(&caller, Ok(session)),
        Ok(identity::SignIn::SecondFactor(challenge)) => challenged(&caller, &challenge),
        Err(error) => answer(&caller, Err(error)),
    }
}

/// `POST /api/v1/auth/refresh`: the next session for a refresh token; 401 if it is not in force.
pub async fn refresh(caller: Caller, body: Body<Refresh>) -> Response {
    let outcome = match read(body) {
        Ok(body) => identity::refresh(&caller.handles, &body.refresh_token).await,
        Err(error) => Err(error),
    };
    answer(&caller, outcome)
}

/// `POST /api/v1/auth/sign-out`: ends the session of a refresh token; doing it twice is no error.
pub async fn sign_out(caller: Caller, body: Body<Refresh>) -> Response {
    let outcome = match read(body) {
        Ok(body) => identity::sign_out(&caller.handles, &body.refresh_token).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => envelope::success(&caller, StatusCode::OK, json!({ "signedOut": true })),
        Err(error) => envelope::failure(&caller.request_id, &error),
    }
}

async fn try_sign_in(caller: &Caller, body: Body<SignIn>) -> Result<identity::SignIn> {
    let body = read(body)?;
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

pub(super) fn read<T>(body: Body<T>) -> Result<T> {
    match body {
        Ok(Json(body)) => Ok(body),
        Err(rejection) => Err(Error::invalid("body", rejection.body_text())),
    }
}

pub(super) fn answer(caller: &Caller, outcome: Result<SignedIn>) -> Response {
    match outcome {
        Ok(session) => {
            let data = json!({
                "accessToken": session.access_token,
                "refreshToken": session.refresh_token,
                "tokenType": "Bearer",
                "expiresAt": session.expires_at,
                "userId": global("User", session.user).as_str(),
                "tenantId": global("Tenant", session.tenant).as_str(),
                "role": identity::role_name(session.role),
            });
            private(caller, data)
        }
        Err(error) => envelope::failure(&caller.request_id, &error),
    }
}

/// One factor was right, and another is owed.
fn challenged(caller: &Caller, challenge: &Challenge) -> Response {
    let data =
        json!({ "challenge": { "token": challenge.token, "expiresAt": challenge.expires_at } });
    private(caller, data)
}

/// Tokens are nobody's to keep on the way.
fn private(caller: &Caller, data: serde_json::Value) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store")];
    (headers, envelope::success(caller, StatusCode::OK, data)).into_response()
}
