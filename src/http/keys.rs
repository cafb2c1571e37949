//! The keys by which anybody can check an access token.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::Edge;
use super::caller::Caller;
use super::conditional::Document;
use super::envelope;
use crate::identity;

/// `GET /.well-known/jwks.json`: the public halves of the signing keys, for a few minutes' keeping.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", operation_id = "publishedKeys", tag = "system", security(()),
    responses((status = 200, description = "The keys", body = super::shapes::KeySet)),
)]
pub async fn published(State(edge): State<Edge>, caller: Caller, headers: HeaderMap) -> Response {
    let keys = identity::published_keys(&edge.handles).await;
    match keys.and_then(|keys| Ok(serde_json::to_vec(&keys)?)) {
        Ok(keys) => Document::new("application/json", keys, 300).answer(&headers),
        Err(error) => envelope::failure(&caller.request_id, &error),
    }
}
