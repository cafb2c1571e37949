//! The door for signed webhooks.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::Edge;
use super::caller::Caller;
use super::envelope;
use super::shapes::{Accepted, Failure, Signature, Success};
use crate::connections::{self, Envelope};
use crate::error::Error;
use crate::graphql::node::{global, local};

/// `POST /api/v1/webhooks/{connection}`: 202 once the delivery is safe on disk. The body is kept as it came.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{connection}", operation_id = "deliverWebhook", tag = "webhooks",
    security(("webhookSignature" = [])),
    params(("connection" = String, Path, description = "The id of the connection", example = "Q29ubmVjdGlvbjowMTlhYTVjMA"), Signature),
    request_body(content = Object, description = "What the layout of the connection expects; see docs/importing.md"),
    responses(
        (status = 202, description = "The delivery is safe, and will be read", body = Success<Accepted>),
        (status = 401, description = "The signature is wrong, or too old", body = Failure),
    ),
)]
pub async fn deliver(
    State(edge): State<Edge>,
    caller: Caller,
    Path(connection): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name: &'static str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.map(str::to_owned).ok_or_else(|| {
            Error::invalid(
                name,
                "the header is missing; see https://www.standardwebhooks.com",
            )
        })
    };
    let delivered = async {
        let connection = local("Connection", "connection", &connection.into())
            .map_err(|_| Error::NotFound("connection"))?;
        let envelope = Envelope {
            id: header("webhook-id")?,
            timestamp: header("webhook-timestamp")?,
            signature: header("webhook-signature")?,
        };
        connections::deliver(&edge.handles, connection, &envelope, &body).await
    };
    match delivered.await {
        Ok(delivered) => {
            let data = Accepted {
                delivery_id: global("Delivery", delivered.id).to_string(),
                new: delivered.new,
            };
            envelope::success(&caller, StatusCode::ACCEPTED, data)
        }
        Err(error) => envelope::failure(&caller.request_id, &error),
    }
}
