//! The reference of the product API.

use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::response::Response;

use super::conditional::Document;
use super::openapi::KEEP_SECONDS;
use crate::graphql::schema;

/// `GET /schema.graphql`: the GraphQL schema, with a description of everything in it.
#[utoipa::path(
    get, path = "/schema.graphql", operation_id = "graphqlSchema", tag = "system", security(()),
    responses((status = 200, description = "The schema definition", body = String, content_type = "text/plain")),
)]
pub async fn sdl(headers: HeaderMap) -> Response {
    static SDL: LazyLock<Document> =
        LazyLock::new(|| Document::new("text/plain; charset=utf-8", schema::sdl(), KEEP_SECONDS));
    SDL.answer(&headers)
}
