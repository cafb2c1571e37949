//! What a browser asks before it lets a page of another origin call (CORS). The answer is tower-http's; but such a
//! question goes on inwards like every request, so that it too has a name and a line in the log.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::CorsLayer;

use super::{Edge, caller, cookies, layers, rates};
use crate::graphql::documents::told;

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
pub async fn share(State(cors): State<CorsLayer>, request: Request, next: Next) -> Response {
    if request.method() != Method::OPTIONS {
        let inner = service_fn(move |request| {
            let next = next.clone();
            async move { Ok::<_, Infallible>(next.run(request).await) }
        });
        return cors
            .layer(inner)
            .oneshot(request)
            .await
            .unwrap_or_else(|never| match never {});
    }
    let mut question = Request::new(Body::empty());
    *question.method_mut() = Method::OPTIONS;
    *question.headers_mut() = request.headers().clone();
    let nothing =
        service_fn(|_: Request| async { Ok::<_, Infallible>(Response::new(Body::empty())) });
    let allowed = cors.layer(nothing).oneshot(question).await;
    let mut response = next.run(request).await;
    let Ok(allowed) = allowed;
    response.headers_mut().extend(allowed.headers().clone());
    response
}

/// Answers the question itself, once it has a name and a line in the log.
pub async fn answer(request: Request, next: Next) -> Response {
    match *request.method() {
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        _ => next.run(request).await,
    }
}
