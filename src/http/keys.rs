//! The keys by which anybody can check an access token.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::Edge;
use super::caller::Caller;
use super::envelope;
use crate::identity;

/// `GET /.well-known/jwks.json`: the public halves of the signing keys, for a few minutes' keeping.
pub async fn published(State(edge): State<Edge>, caller: Caller) -> Response {
    match identity::published_keys(&edge.handles).await {
        Ok(keys) => ([(header::CACHE_CONTROL, "public, max-age=300")], Json(keys)).into_response(),
        Err(error) => envelope::failure(&caller.request_id, &error),
    }
}
