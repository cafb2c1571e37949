//! The shape of every answer of the REST edge: `{success, data, meta}` or `{success: false, error}`.

use std::any::Any;

use axum::Json;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::caller::Caller;
use super::layers::RequestId;
use super::shapes::{Detail, Failure, FailureMeta, Meta, Problem, Success};
use crate::error::Error;
use crate::graphql::error::{code, status};
use crate::graphql::refusal::{Code, Refusal};
use crate::graphql::status::to_json;

/// Where GraphQL is served.
const GRAPHQL: &str = "/graphql";

/// A successful answer.
pub fn success(caller: &Caller, status: StatusCode, data: impl Serialize) -> Response {
    let meta = Meta {
        timestamp: caller.handles.clock.now(),
        request_id: caller.request_id.clone(),
    };
    let success = Success {
        success: true,
        data,
        meta,
    };
    (status, Json(success)).into_response()
}

/// A failed answer. What is ours to know is logged, not told.
pub fn failure(request_id: &str, error: &Error) -> Response {
    let code = code(error);
    if code == Code::Internal {
        tracing::error!(request.id = request_id, error = ?error, "{error}");
    }
    let details = match error {
        Error::Invalid { field, message } => vec![Detail {
            path: field.to_string(),
            msg: message.clone(),
        }],
        _ => Vec::new(),
    };
    let mut response = refuse(
        request_id,
        StatusCode::from_u16(status(error)).unwrap_or(StatusCode::BAD_REQUEST),
        code,
        &error.to_string(),
        details,
    );
    if let Error::RateLimited {
        retry_after_seconds,
    } = error
    {
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, (*retry_after_seconds).into());
    }
    response
}

/// A failed answer in words of its own.
pub fn refuse(
    request_id: &str,
    status: StatusCode,
    code: Code,
    message: &str,
    details: Vec<Detail>,
) -> Response {
    let failure = Failure {
        success: false,
        error: Problem {
            code: code.as_str().to_owned(),
            message: message.to_owned(),
            details,
        },
        meta: FailureMeta {
            request_id: request_id.to_owned(),
        },
    };
    challenged((status, Json(failure)).into_response())
}

/// Says how to introduce oneself, where that is what was missing (RFC 6750).
pub fn challenged(mut response: Response) -> Response {
    if response.status() == StatusCode::UNAUTHORIZED {
        let headers = response.headers_mut();
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// Where a request went and what it is called: enough to refuse it in the words of its endpoint.
pub struct Place {
    graphql: bool,
    request_id: String,
}

impl Place {
    /// Of a request.
    pub fn of(request: &Request) -> Self {
        let id = request.extensions().get::<RequestId>();
        Self {
            graphql: request.uri().path() == GRAPHQL,
            request_id: id.map(|id| id.0.clone()).unwrap_or_default(),
        }
    }

    /// A failed answer: an envelope, or what a GraphQL client reads.
    pub fn refuse(&self, status: StatusCode, code: Code, message: &str) -> Response {
        if !self.graphql {
            return refuse(&self.request_id, status, code, message, Vec::new());
        }
        let error = Refusal::new(code, message).into_server_error(&self.request_id);
        let body = to_json(&async_graphql::Response::from_errors(vec![error])).unwrap_or_default();
        let media = [
            (header::CONTENT_TYPE, "application/json; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
        ];
        (status, media, body).into_response()
    }
}

/// Refuses a request that nobody has looked into.
pub fn refuse_here(request: &Request, status: StatusCode, code: Code, message: &str) -> Response {
    Place::of(request).refuse(status, code, message)
}

/// There is no such route.
pub async fn unknown_route(caller: Caller) -> Response {
    refuse(
        &caller.request_id,
        StatusCode::NOT_FOUND,
        Code::NotFound,
        "no such route; see /api/v1/openapi.json",
        Vec::new(),
    )
}

/// The route exists, for another method.
pub async fn wrong_method(request: Request) -> Response {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let message = "this route takes another method";
    refuse_here(&request, status, Code::BadRequest, message)
}

/// Says in the envelope what the framework refuses by itself: a body that is too long, a query string or JSON it cannot
/// read.
pub async fn enveloped(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let response = next.run(request).await;
    let status = response.status();
    let media = response.headers().get(header::CONTENT_TYPE);
    let plain = media.is_some_and(|media| media.as_bytes().starts_with(b"text/plain"));
    if !(status.is_client_error() && plain) {
        return response;
    }
    let code = match status {
        StatusCode::UNPROCESSABLE_ENTITY => Code::BadUserInput,
        _ => Code::BadRequest,
    };
    let body = to_bytes(response.into_body(), 1_000).await;
    let message = body
        .ok()
        .and_then(|body| String::from_utf8(body.into()).ok());
    let message = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "the body is too long: at most 10 MB are accepted here",
        _ => message.as_deref().unwrap_or("the request cannot be read"),
    };
    // a parameter is named like any other value that cannot be used
    let (message, details) = match message.strip_prefix("Failed to deserialize query string: ") {
        None => (message, Vec::new()),
        Some(wrong) => {
            let named = wrong.split_once(": ").map(|(path, msg)| Detail {
                path: path.to_owned(),
                msg: msg.to_owned(),
            });
            (wrong, named.into_iter().collect())
        }
    };
    let id = id.map(|id| id.0).unwrap_or_default();
    refuse(&id, status, code, message, details)
}

/// A handler panicked: a bug, which is logged; the client learns no more than that.
pub fn panicked(request_id: &str, panic: &(dyn Any + Send)) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    tracing::error!(
        request.id = request_id,
        panic = text,
        "A request handler panicked"
    );
    refuse(
        request_id,
        StatusCode::INTERNAL_SERVER_ERROR,
        Code::Internal,
        "something went wrong on our side",
        Vec::new(),
    )
}
