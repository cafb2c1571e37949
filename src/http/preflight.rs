//! What a browser asks before it lets a page of another origin call (CORS). The answer is tower-http's; but such a
//! question goes on inwards like every request, so that it too has a name and a line in the log.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::CorsLayer;

use super::{Edge, caller, cookies, layers, rates};
use crate::graphql::documents::told;

/// What the answer to a browser depends on.
const ASKED: [HeaderName; 4] = [
    header::ORIGIN,
    header::ACCESS_CONTROL_REQUEST_METHOD,
    header::ACCESS_CONTROL_REQUEST_HEADERS,
    HeaderName::from_static("access-control-request-private-network"),
];

/// The single-page apps that may call from a browser, with cookies; the methods are those that routes have.
pub fn cors(edge: &Edge) -> CorsLayer {
    let origins: Vec<HeaderValue> = edge
        .handles
        .config
        .frontend_url
        .iter()
        .filter_map(|origin| origin.trim_end_matches('/').parse().ok())
        .collect();
    CorsLayer::new()
        .allow_origin(origins)
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::OPTIONS])
        .allow_headers([
            header::ACCEPT,
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            layers::X_REQUEST_ID,
            HeaderName::from_static("x-source-agent"),
            HeaderName::from_static("x-requested-with"),
            HeaderName::from_static("last-event-id"),
            cookies::MODE,
            HeaderName::from_static("graphql-require-preflight"),
            HeaderName::from_static("apollo-require-preflight"),
            HeaderName::from_static(caller::CLIENT_NAMES[0]),
            HeaderName::from_static(caller::CLIENT_NAMES[1]),
            HeaderName::from_static("apollographql-client-version"),
            HeaderName::from_static("traceparent"),
            HeaderName::from_static("tracestate"),
        ])
        .expose_headers([
            layers::X_REQUEST_ID,
            header::RETRY_AFTER,
            header::ETAG,
            header::LINK,
            header::CONTENT_DISPOSITION,
            told::DEPRECATION,
            told::SUNSET,
            told::DEPRECATED_MEMBERS,
            rates::POLICY,
            rates::LEFT,
        ])
        .max_age(std::time::Duration::from_secs(3_600))
}

/// Adds to an answer what lets a page of a listed origin read it.
pub async fn share<F>(
    cors: CorsLayer,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response
where
    F: Future<Output = Response>,
{
    let mut question = Request::new(Body::empty());
    *question.method_mut() = request.method().clone();
    for name in ASKED {
        if let Some(value) = request.headers().get(&name) {
            question.headers_mut().insert(name, value.clone());
        }
    }
    let nothing =
        service_fn(|_: Request| async { Ok::<_, Infallible>(Response::new(Body::empty())) });
    let Ok(mut allowed) = cors.layer(nothing).oneshot(question).await;
    let mut response = next(request).await;
    let headers = response.headers_mut();
    // the answer may depend on other headers too
    if let Some(vary) = allowed.headers_mut().remove(header::VARY) {
        headers.append(header::VARY, vary);
    }
    headers.extend(std::mem::take(allowed.headers_mut()));
    response
}

/// Answers the question itself, once it has a name and a line in the log.
pub async fn answer<F>(request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    match *request.method() {
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        _ => next(request).await,
    }
}
