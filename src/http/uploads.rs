//! Files on their way in: a signed link takes one `PUT`.

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::Edge;
use super::caller::Caller;
use super::envelope;
use crate::files;
use crate::graphql::node::global;

/// `PUT /api/v1/uploads/{token}`: the bytes of a file, streamed. The token names the file and proves the right.
pub async fn receive(
    State(edge): State<Edge>,
    caller: Caller,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    let bytes = request.into_body().into_data_stream();
    match files::receive(&edge.handles, &token, bytes).await {
        Ok(file) => {
            let data = json!({
                "fileId": global("File", file.id).as_str(),
                "sizeBytes": file.size_bytes,
                "sha256": file.sha256,
            });
            envelope::success(&caller, StatusCode::CREATED, data)
        }
        Err(error) => envelope::failure(&caller.request_id, &error),
    }
}
