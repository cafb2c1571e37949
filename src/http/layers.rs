//! What happens to every request on its way in and out. Each layer is a function of the request and of what comes next;
//! [`around`] and [`within`] say in which order.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use futures::FutureExt;
use tower_http::cors::CorsLayer;
use tracing::Instrument;

use super::{Edge, bodies, csrf, envelope, preflight};
use crate::config::Config;
use crate::telemetry::trace::{TRACEPARENT, TRACESTATE, Trace};

/// The header that names a request.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The name of a request, as handlers find it in its extensions.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// What stands around compression: security headers, CORS, the name of the request, its trace.
pub async fn around(
    State((edge, cors)): State<(Edge, CorsLayer)>,
    request: Request,
    next: Next,
) -> Response {
    let inner = |request| {
        request_id(request, |request| {
            trace(request, |request| next.run(request))
        })
    };
    let mut response = preflight::share(cors, request, inner).await;
    add_security_headers(&edge.handles.config, response.headers_mut());
    response
}

/// What stands within compression: the log, where the request came from, the questions of browsers, CSRF, how its body comes, and
/// panics.
pub async fn within(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    let config = &edge.handles.config;
    let route = |request| catch_panic(request, |request| next.run(request));
    let read = |request| bodies::guard(config, request, route);
    let guarded = |request| csrf::guard(config, request, read);
    let answered = |request| preflight::answer(request, guarded);
    log(request, |request| origin(config, request, answered)).await
}

/// Headers that keep browsers from being talked into things. A page with a policy of its own keeps it.
fn add_security_headers(config: &Config, headers: &mut HeaderMap) {
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        // the old filter of browsers did more harm than good; the policy below replaces it
        (header::X_XSS_PROTECTION, "0"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(
            "default-src 'none'; frame-ancestors 'none'",
        ));
    if config.is_production() {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000; includeSubDomains; preload"),
        );
    }
}

/// Names the request: as the caller did, when that is short and plain, else anew. The answer carries the name.
async fn request_id<F>(mut request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let given = request
        .headers()
        .get(&X_REQUEST_ID)
        .and_then(|value| value.to_str().ok());
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let id = match given {
        Some(id) if (1..=64).contains(&id.len()) && id.chars().all(plain) => id.to_owned(),
        _ => crate::secret::token()[..22].to_owned(),
    };
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next(request).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}

/// Lets whatever the request does know where it came from.
async fn origin<F>(config: &Config, request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let origin = super::caller::origin(config, request.headers(), request.extensions());
    Arc::new(origin).scope(next(request)).await
}

/// Reads which trace a request belongs to, for its log lines and for the calls it makes.
async fn trace<F>(mut request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let trace = named_trace(request.headers());
    match trace {
        None => next(request).await,
        Some(trace) => {
            request.extensions_mut().insert(trace.clone());
            trace.scope(next(request)).await
        }
    }
}

fn named_trace(headers: &HeaderMap) -> Option<Trace> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    Trace::read(text(TRACEPARENT)?, text(TRACESTATE))
}

/// Turns a panic of a handler into an answer: a bug, which is logged; the client learns no more than that.
async fn catch_panic<F>(request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let id = request.extensions().get::<RequestId>().cloned();
    match AssertUnwindSafe(next(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => envelope::panicked(&id.map(|id| id.0).unwrap_or_default(), &*panic),
    }
}

/// One line per request: method, path, status, duration. Never a query string, which may hold a token, nor a body.
async fn log<F>(request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let id = request
        .extensions()
        .get::<RequestId>()
        .map(|id| id.0.clone())
        .unwrap_or_default();
    let method = request.method().clone();
    // the path of a signed link is its secret
    let path = match request.uri().path() {
        path if path.starts_with("/api/v1/uploads/") => "/api/v1/uploads/…".to_owned(),
        path if path.starts_with("/api/v1/exports/tenants/") => {
            "/api/v1/exports/tenants/…".to_owned()
        }
        path => path.to_owned(),
    };
    let trace = request.extensions().get::<Trace>().map(|t| t.id.clone());
    let span = tracing::info_span!("request", request.id = %id, trace.id = trace.as_deref());
    let started = Instant::now();
    let response = next(request).instrument(span.clone()).await;
    let _entered = span.enter();
    let (status, duration_ms) = (
        response.status().as_u16(),
        started.elapsed().as_millis() as u64,
    );
    if path.starts_with("/health") || path.starts_with("/graphiql/assets") {
        tracing::debug!(http.method = %method, http.path = %path, http.status = status, duration_ms, "{method} {path} {status}");
    } else {
        tracing::info!(http.method = %method, http.path = %path, http.status = status, duration_ms, "{method} {path} {status}");
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_answer_that_tells_nothing_but_the_name_of_its_request() {
        async fn broken() -> &'static str {
            panic!("what nobody may know")
        }
        let router = Router::new().route("/", get(broken));
        let router = router.layer(from_fn(|request, next: Next| {
            request_id(request, |request| {
                catch_panic(request, |request| next.run(request))
            })
        }));
        let request = Request::get("/").header(X_REQUEST_ID, "order-66");
        let request = request.body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()[X_REQUEST_ID], "order-66");
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["meta"]["requestId"], "order-66");
        assert_eq!(body["error"]["code"], "INTERNAL");
        assert!(!body.to_string().contains("nobody may know"), "{body}");
    }
}
