//! What the REST edge answers with, as types: the document at `/api/v1/openapi.json` is made from them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// A successful answer.
#[derive(Serialize, ToSchema)]
pub struct Success<T> {
    /// Always true.
    #[schema(examples(true))]
    pub success: bool,
    /// What was asked for.
    pub data: T,
    /// About the answer itself.
    pub meta: Meta,
}

/// About a successful answer.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// When it was made.
    #[schema(examples("2026-11-21T10:00:01.250318Z"))]
    pub timestamp: chrono::DateTime<chrono::Utc>,
    /// The name of the request, as in the header `X-Request-Id`.
    #[schema(examples("1qWQ5C7ESqfizkE609aove"))]
    pub request_id: String,
}

/// A failed answer.
#[derive(Serialize, ToSchema)]
pub struct Failure {
    /// Always false.
    #[schema(examples(false))]
    pub success: bool,
    /// What went wrong.
    pub error: Problem,
    /// About the answer itself.
    pub meta: FailureMeta,
}

/// What went wrong.
#[derive(Serialize, ToSchema)]
pub struct Problem {
    /// From the closed list that GraphQL answers use too.
    #[schema(examples("BAD_USER_INPUT"))]
    pub code: String,
    /// For people.
    #[schema(examples("first: is 501; 1 to 500 are accepted"))]
    pub message: String,
    /// The inputs at fault, where it is about inputs.
    pub details: Vec<Detail>,
}

/// An input at fault.
#[derive(Serialize, ToSchema)]
pub struct Detail {
    /// Which one.
    #[schema(examples("first"))]
    pub path: String,
    /// What is wrong with it.
    #[schema(examples("is 501; 1 to 500 are accepted"))]
    pub msg: String,
}

/// About a failed answer.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureMeta {
    /// The name of the request: it finds the failure in the logs.
    #[schema(examples("1qWQ5C7ESqfizkE609aove"))]
    pub request_id: String,
}

/// What a sign-in leads to.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum SignInOutcome {
    /// A session.
    Session(Session),
    /// A second factor is owed.
    Challenged(Challenged),
}

/// A session. The tokens are absent when they travel in cookies.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// For the header `Authorization: Bearer …`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        examples("eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl")
    )]
    pub access_token: Option<String>,
    /// For the next session; it works once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("3zT0Q6q0oVw1b8Yk1fPq2mJ7c5d9e0fA"))]
    pub refresh_token: Option<String>,
    /// `Bearer`, or `Cookie`.
    #[schema(examples("Bearer"))]
    pub token_type: String,
    /// When the access token ends.
    #[schema(examples("2026-11-21T10:15:00Z"))]
    pub expires_at: chrono::DateTime<chrono::Utc>,
    /// Who is signed in.
    #[schema(examples("VXNlcjowMTlhYTVjMA"))]
    pub user_id: String,
    /// Where.
    #[schema(examples("VGVuYW50OjAxOWFhNWMw"))]
    pub tenant_id: String,
    /// As what.
    #[schema(examples("OWNER"))]
    pub role: String,
}

/// One factor was right, and another is owed.
#[derive(Serialize, ToSchema)]
pub struct Challenged {
    /// What to complete.
    pub challenge: Challenge,
}

/// A sign-in that waits for its second factor.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Challenge {
    /// For `POST /api/v1/auth/complete-sign-in`.
    #[schema(examples("q9dXo1m7ZkS3v5nT8bYcUw"))]
    pub token: String,
    /// When it ends.
    #[schema(examples("2026-11-21T10:05:00Z"))]
    pub expires_at: chrono::DateTime<chrono::Utc>,
}

/// The session has ended.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedOut {
    /// Always true.
    #[schema(examples(true))]
    pub signed_out: bool,
}

/// A mail is on its way, if somebody has the address.
#[derive(Serialize, ToSchema)]
pub struct Requested {
    /// Always true.
    #[schema(examples(true))]
    pub requested: bool,
}

/// The password is set.
#[derive(Serialize, ToSchema)]
pub struct WasReset {
    /// Always true.
    #[schema(examples(true))]
    pub reset: bool,
}

/// The address is its person's.
#[derive(Serialize, ToSchema)]
pub struct Verified {
    /// Always true.
    #[schema(examples(true))]
    pub verified: bool,
}

/// A delivery is safe on disk.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// What it is known as.
    #[schema(examples("RGVsaXZlcnk6MDE5YWE1YzA"))]
    pub delivery_id: String,
    /// Whether it came for the first time.
    #[schema(examples(true))]
    pub new: bool,
}

/// A file has arrived.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Uploaded {
    /// What it is known as.
    #[schema(examples("RmlsZTowMTlhYTVjMA"))]
    pub file_id: String,
    /// Its size.
    #[schema(examples(20_480))]
    pub size_bytes: i64,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    #[schema(examples("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"))]
    pub sha256: String,
}

/// A page of the event log.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventPage {
    /// The events, oldest first.
    #[schema(value_type = Vec<LoggedEvent>)]
    pub events: Vec<Value>,
    /// Send it as `after` the next time.
    #[schema(examples("djEAAAAAAAAAAgAGYMZseigA"))]
    pub cursor: String,
    /// Whether there is more already.
    #[schema(examples(false))]
    pub has_more: bool,
}

/// An event of the log, as [`crate::events::to_json`] writes it.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct LoggedEvent {
    /// Its place in the log.
    #[schema(examples("djEAAAAAAAAAAgAGYMZseigA"))]
    pub cursor: String,
    /// Its number in the log, without gaps.
    #[schema(examples(2))]
    pub sequence: i64,
    /// Its id.
    #[schema(format = "uuid", examples("019aa5c0-6f4e-7b11-8a0e-3d6d0f1f2a10"))]
    pub id: String,
    /// What happened; docs/events.md lists the kinds.
    #[schema(examples("SIGNED_IN"))]
    pub kind: String,
    /// The program that acted.
    #[schema(examples("balance"))]
    pub source_agent: String,
    /// Who acted.
    #[schema(examples("user:019aa5c0-6f4d-7c52-9f3b-54a1b7c0de11"))]
    pub actor: String,
    /// What it is about.
    pub subject: Subject,
    /// What else it says.
    #[schema(value_type = Object)]
    pub payload: Value,
    /// What changed, for events that are changes.
    #[schema(value_type = Option<Object>)]
    pub diff: Option<Value>,
    /// When it happened.
    #[schema(examples("2026-11-21T10:00:00.000000Z"))]
    pub occurred_at: chrono::DateTime<chrono::Utc>,
    /// When it was filed.
    #[schema(examples("2026-11-21T10:00:00.000000Z"))]
    pub recorded_at: chrono::DateTime<chrono::Utc>,
    /// The hash of what it says.
    #[schema(examples("5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"))]
    pub content_hash: String,
    /// The hash that chains it to the one before.
    #[schema(examples("5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"))]
    pub hash: String,
}

/// What an event is about.
#[derive(ToSchema)]
pub struct Subject {
    /// What kind of thing.
    #[schema(examples("user"))]
    pub kind: String,
    /// Which.
    #[schema(examples("019aa5c0-6f4d-7c52-9f3b-54a1b7c0de11"))]
    pub id: String,
}

/// The keys by which access tokens can be checked (RFC 7517).
#[derive(ToSchema)]
pub struct KeySet {
    /// The one that signs, and those that what they signed has not ended.
    #[schema(value_type = Vec<Object>)]
    pub keys: Vec<Value>,
}

/// How a browser asks for cookies instead of tokens.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct SessionMode {
    /// `cookie` puts the tokens into cookies that scripts cannot read.
    #[serde(rename = "X-Session-Mode")]
    #[param(example = "cookie")]
    pub mode: Option<String>,
}

/// How a delivery proves where it comes from (<https://www.standardwebhooks.com>).
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Signature {
    /// The name of the delivery: sent again, it is the same one.
    #[serde(rename = "webhook-id")]
    #[param(example = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W")]
    pub id: String,
    /// When it was sent, in seconds since 1970; at most five minutes off.
    #[serde(rename = "webhook-timestamp")]
    #[param(example = "1795255200")]
    pub timestamp: String,
    /// `v1,` and the HMAC-SHA256 of id, timestamp and body; several during a rotation.
    #[serde(rename = "webhook-signature")]
    #[param(example = "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=")]
    pub signature: String,
}
