//! The second factor, and forgotten passwords, over REST: the same verbs as the mutations.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::auth::{Carried, answer, read};
use super::caller::Caller;
use super::envelope;
use crate::error::{Error, Result};
use crate::identity::{self, Completion, SecondFactor};

/// The body that completes a sign-in.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Complete {
    challenge: String,
    code: Option<String>,
    recovery_code: Option<String>,
}

/// The body of somebody who forgot their password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forgotten {
    email: String,
}

/// The body that sets a password anew.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reset {
    token: String,
    password: String,
}

/// The body of a link that was followed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    token: String,
}

type Body<T> = Result<Json<T>, JsonRejection>;

/// `POST /api/v1/auth/complete-sign-in`: a session for a challenge and a second factor; 401 if one of them is wrong.
pub async fn complete(caller: Caller, headers: HeaderMap, body: Body<Complete>) -> Response {
    let outcome = match read(body).and_then(|body| completion(&caller, body)) {
        Ok(completion) => identity::complete_sign_in(&caller.handles, completion).await,
        Err(error) => Err(error),
    };
    answer(&caller, Carried::asked(&headers), outcome)
}

/// `POST /api/v1/auth/request-password-reset`: mails a link, if somebody has the address; the answer does not tell.
pub async fn forgotten(caller: Caller, body: Body<Forgotten>) -> Response {
    let outcome = match read(body) {
        Ok(body) => identity::request_password_reset(&caller.handles, &body.email).await,
        Err(error) => Err(error),
    };
    done(&caller, StatusCode::ACCEPTED, "requested", outcome)
}

/// `POST /api/v1/auth/reset-password`: sets a new password by the token of a mailed link.
pub async fn reset(caller: Caller, body: Body<Reset>) -> Response {
    let outcome = match read(body) {
        Ok(body) => {
            identity::reset_password_by_token(&caller.handles, &body.token, &body.password).await
        }
        Err(error) => Err(error),
    };
    done(&caller, StatusCode::OK, "reset", outcome)
}

/// `POST /api/v1/auth/verify-email`: the address that a mailed link was sent to is its person's.
pub async fn verify(caller: Caller, body: Body<Verify>) -> Response {
    let outcome = match read(body) {
        Ok(body) => identity::verify_email(&caller.handles, &body.token).await,
        Err(error) => Err(error),
    };
    done(&caller, StatusCode::OK, "verified", outcome)
}

fn completion(caller: &Caller, body: Complete) -> Result<Completion> {
    let shown = match (body.code, body.recovery_code) {
        (Some(code), None) => SecondFactor::Code(code),
        (None, Some(code)) => SecondFactor::RecoveryCode(code),
        _ => {
            return Err(Error::invalid(
                "code",
                "is missing; a code of the app or a recovery code is needed, and one of them only",
            ));
        }
    };
    Ok(Completion {
        challenge: body.challenge,
        shown,
        user_agent: caller.origin.user_agent.clone(),
        address: caller.origin.address.clone(),
    })
}

fn done(caller: &Caller, status: StatusCode, what: &str, outcome: Result<()>) -> Response {
    match outcome {
        Ok(()) => envelope::success(caller, status, json!({ what: true })),
        Err(error) => envelope::failure(&caller.request_id, &error),
    }
}
