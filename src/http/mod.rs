//! The HTTP edge: it translates requests to verbs and answers to responses, and decides nothing itself.

pub mod access;
pub mod auth;
pub mod caller;
pub mod cookies;
pub mod csrf;
pub mod envelope;
pub mod events;
pub mod exports;
pub mod factors;
pub mod graphiql;
pub mod graphiql_session;
pub mod graphql;
pub mod health;
pub mod keys;
pub mod layers;
pub mod listener;
pub mod multipart;
pub mod oauth;
pub mod open_streams;
pub mod rates;
pub mod single;
pub mod sse;
pub mod streamed;
pub mod streaming;
pub mod uploads;
pub mod webhooks;
pub mod ws;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Redirect;
use axum::routing::{any, get, post, put};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::cors::CorsLayer;

use crate::config::Graphiql;
use crate::ctx::Handles;
use crate::graphql::documents::told;
use crate::graphql::request::Pipeline;
use crate::graphql::schema::Balance;

/// Bodies on the REST edge, except uploads.
const BODY_MAX_BYTES: usize = 10 * 1024 * 1024;

/// What every handler reaches.
#[derive(Clone)]
pub struct Edge {
    /// What the process shares.
    pub handles: Arc<Handles>,
    /// The way of every GraphQL request.
    pub pipeline: Arc<Pipeline<Balance>>,
    /// When the process started.
    pub started: Instant,
    /// Whether migrations are applied and the process may serve.
    pub ready: Arc<AtomicBool>,
    /// Cancelled when the process is asked to stop.
    pub stopping: CancellationToken,
}

/// Every route, inside the layers in their order: security headers, CORS, request id, compression, body limit, log.
pub fn router(edge: Edge) -> Router {
    let api = Router::new()
        .route("/auth/sign-in", post(auth::sign_in))
        .route("/auth/complete-sign-in", post(factors::complete))
        .route("/auth/request-password-reset", post(factors::forgotten))
        .route("/auth/reset-password", post(factors::reset))
        .route("/auth/verify-email", post(factors::verify))
        .route("/auth/refresh", post(auth::refresh))
        .route("/auth/sign-out", post(auth::sign_out))
        .route("/oauth/{provider}/start", get(oauth::start))
        .route("/oauth/{provider}/callback", get(oauth::callback))
        .route("/webhooks/{connection}", post(webhooks::deliver))
        .route("/events", get(events::feed))
        .route("/exports/audit.csv", get(exports::audit))
        .route("/exports/records.csv", get(exports::records))
        .route("/exports/reports/{report}", get(exports::report))
        .route("/exports/tenants/{token}", get(exports::tenant))
        .route("/health", get(health::summary))
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .route(
            "/uploads/{token}",
            put(uploads::receive).layer(DefaultBodyLimit::disable()),
        )
        .fallback(envelope::unknown_route)
        .method_not_allowed_fallback(envelope::wrong_method)
        .layer(from_fn_with_state(edge.clone(), rates::limit))
        .layer(from_fn(envelope::enveloped));

    let mut router = Router::new()
        .route("/graphql", get(graphql::get).post(graphql::post))
        .route("/schema.graphql", get(graphql::sdl))
        .route("/.well-known/jwks.json", get(keys::published))
        .route("/health", get(health::summary))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/health/startup", get(health::startup))
        .nest("/api/v1", api)
        .route(
            "/api/events",
            get(|| async { Redirect::permanent("/api/v1/events") }),
        )
        .route("/api/{*rest}", any(envelope::unknown_route))
        .fallback(envelope::unknown_route);
    if edge.handles.config.graphiql() != Graphiql::Off {
        router = router
            .route("/", get(|| async { Redirect::temporary("/graphiql") }))
            .route("/graphiql/session", get(graphiql_session::session))
            .merge(graphiql::router());
    }
    // the last layer is the first to see a request
    router
        .layer(CatchPanicLayer::custom(envelope::panicked))
        .layer(from_fn_with_state(edge.clone(), csrf::guard))
        .layer(from_fn_with_state(edge.clone(), layers::origin))
        .layer(from_fn(layers::log))
        .layer(
            CompressionLayer::new().compress_when(
                // events must leave at once, and GraphiQL's files come compressed
                DefaultPredicate::new()
                    .and(NotForContentType::const_new("text/event-stream"))
                    .and(NotForContentType::const_new("multipart/mixed")),
            ),
        )
        .layer(from_fn(layers::request_id))
        .layer(cors(&edge))
        .layer(from_fn_with_state(edge.clone(), layers::security_headers))
        .with_state(edge)
}

/// The single-page apps that may call from a browser, with cookies.
fn cors(edge: &Edge) -> CorsLayer {
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
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("x-source-agent"),
            HeaderName::from_static("x-requested-with"),
            HeaderName::from_static("last-event-id"),
            cookies::MODE,
            HeaderName::from_static("graphql-require-preflight"),
            HeaderName::from_static(caller::CLIENT_NAMES[0]),
            HeaderName::from_static(caller::CLIENT_NAMES[1]),
            HeaderName::from_static("apollographql-client-version"),
        ])
        .expose_headers([
            HeaderName::from_static("x-request-id"),
            header::RETRY_AFTER,
            told::DEPRECATION,
            told::SUNSET,
            told::DEPRECATED_MEMBERS,
            rates::POLICY,
            rates::LEFT,
        ])
        .max_age(std::time::Duration::from_secs(3_600))
}
