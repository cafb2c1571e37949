//! Files on their way in: a signed link takes one `PUT`.

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::Edge;
use super::caller::Caller;
use super::envelope;
use super::shapes::{Failure, Success, Uploaded};
use crate::files;
use crate::graphql::node::global;

/// `PUT /api/v1/uploads/{token}`: the bytes of a file, streamed. The token names the file and proves the right.
#[utoipa::path(
    put, path = "/api/v1/uploads/{token}", operation_id = "upload", tag = "files", security(()),
    params(("token" = String, Path, description = "What `url` of `createUpload` ends with", example = "AZqlwG9Oc")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The bytes of the file"),
    responses(
        (status = 201, description = "It has arrived", body = Success<Uploaded>),
        (status = 401, description = "The link is not good any more", body = Failure),
        (status = 409, description = "It has arrived before, with other bytes", body = Failure),
    ),
)]
pub async fn receive(
    State(edge): State<Edge>,
    caller: Caller,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    let bytes = request.into_body().into_data_stream();
    match files::receive(&edge.handles, &token, bytes).await {
        Ok(file) => {
            let data = Uploaded {
                file_id: global("File", file.id).to_string(),
                size_bytes: file.size_bytes,
                sha256: file.sha256.unwrap_or_default(),
            };
            envelope::success(&caller, StatusCode::CREATED, data)
        }
        Err(error) => envelope::failure(&caller.request_id, &error),
    }
}
