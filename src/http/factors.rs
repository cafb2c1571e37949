//! The second factor, and forgotten passwords, over REST: the same verbs as the mutations.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::{Carried, answer};
use super::bodies::Sent;
use super::caller::Caller;
use super::envelope;
use super::shapes::{Failure, Requested, Session, SessionMode, Success, Verified, WasReset};
use crate::error::{Error, Result};
use crate::identity::{self, Completion, SecondFactor};

/// The body that completes a sign-in.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Complete {
    /// The token of the challenge.
    #[schema(examples("q9dXo1m7ZkS3v5nT8bYcUw"))]
    challenge: String,
    /// A code of the authenticator app; or …
    #[schema(examples("492039"))]
    code: Option<String>,
    /// … a recovery code. One of them only.
    recovery_code: Option<String>,
}

/// The body of somebody who forgot their password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Forgotten {
    /// The address of the person.
    #[schema(examples("olive@acme.example"))]
    email: String,
}

/// The body that sets a password anew.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reset {
    /// The token of the mailed link.
    #[schema(examples("q9dXo1m7ZkS3v5nT8bYcUw"))]
    token: String,
    /// The new password.
    #[schema(format = "password", examples("correct horse battery staple"))]
    password: String,
}

/// The body of a link that was followed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// The token of the mailed link.
    #[schema(examples("q9dXo1m7ZkS3v5nT8bYcUw"))]
    token: String,
}

/// `POST /api/v1/auth/complete-sign-in`: a session for a challenge and a second factor; 401 if one of them is wrong.
#[utoipa::path(
    post, path = "/api/v1/auth/complete-sign-in", operation_id = "completeSignIn", tag = "auth", security(()),
    params(SessionMode),
    request_body = Complete,
    responses(
        (status = 200, description = "A session", body = Success<Session>),
        (status = 401, description = "The challenge or the code is wrong", body = Failure),
    ),
)]
pub async fn complete(caller: Caller, headers: HeaderMap, body: Sent<Complete>) -> Response {
    let outcome = match body.0.and_then(|body| completion(&caller, body)) {
        Ok(completion) => identity::complete_sign_in(&caller.handles, completion).await,
        Err(error) => Err(error),
    };
    answer(&caller, Carried::asked(&headers), outcome)
}

/// `POST /api/v1/auth/request-password-reset`: mails a link, if somebody has the address; the answer does not tell.
#[utoipa::path(
    post, path = "/api/v1/auth/request-password-reset", operation_id = "requestPasswordReset", tag = "auth", security(()),
    request_body = Forgotten,
    responses(
        (status = 202, description = "A mail is on its way, if somebody has the address", body = Success<Requested>),
        (status = 409, description = "This deployment sends no mail", body = Failure),
    ),
)]
pub async fn forgotten(caller: Caller, body: Sent<Forgotten>) -> Response {
    let outcome = match body.0 {
        Ok(body) => identity::request_password_reset(&caller.handles, &body.email).await,
        Err(error) => Err(error),
    };
    done(
        &caller,
        StatusCode::ACCEPTED,
        Requested { requested: true },
        outcome,
    )
}

/// `POST /api/v1/auth/reset-password`: sets a new password by the token of a mailed link.
#[utoipa::path(
    post, path = "/api/v1/auth/reset-password", operation_id = "resetPassword", tag = "auth", security(()),
    request_body = Reset,
    responses(
        (status = 200, description = "The password is set", body = Success<WasReset>),
        (status = 401, description = "The link is not good any more", body = Failure),
    ),
)]
pub async fn reset(caller: Caller, body: Sent<Reset>) -> Response {
    let outcome = match body.0 {
        Ok(body) => {
            identity::reset_password_by_token(&caller.handles, &body.token, &body.password).await
        }
        Err(error) => Err(error),
    };
    done(&caller, StatusCode::OK, WasReset { reset: true }, outcome)
}

/// `POST /api/v1/auth/verify-email`: the address that a mailed link was sent to is its person's.
#[utoipa::path(
    post, path = "/api/v1/auth/verify-email", operation_id = "verifyEmail", tag = "auth", security(()),
    request_body = Verify,
    responses(
        (status = 200, description = "The address is its person's", body = Success<Verified>),
        (status = 401, description = "The link is not good any more", body = Failure),
    ),
)]
pub async fn verify(caller: Caller, body: Sent<Verify>) -> Response {
    let outcome = match body.0 {
        Ok(body) => identity::verify_email(&caller.handles, &body.token).await,
        Err(error) => Err(error),
    };
    done(
        &caller,
        StatusCode::OK,
        Verified { verified: true },
        outcome,
    )
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

fn done(
    caller: &Caller,
    status: StatusCode,
    what: impl Serialize,
    outcome: Result<()>,
) -> Response {
    match outcome {
        Ok(()) => envelope::success(caller, status, what),
        Err(error) => envelope::failure(&caller.request_id, &error),
    }
}
