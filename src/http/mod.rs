//! The HTTP edge: it translates requests to verbs and answers to responses, and decides nothing itself.
//!
//! A request passes, in this order, and its answer the other way round:
//!
//! 1. security headers, which every answer gets, whoever made it
//! 2. CORS, which says who may read the answer
//! 3. the name of the request (`X-Request-Id`) and of its trace (`traceparent`)
//! 4. compression
//! 5. limits of the body, which comes as it is and keeps coming, and is parsed by the handler that wants it
//! 6. limits of how often
//! 7. the log: one line for each request. It stands before 5 and 6, so that what these refuse has a line too
//! 8. the route: who calls, what they may do, and whether the input makes sense

pub mod access;
pub mod admin;
pub mod auth;
pub mod bodies;
pub mod caller;
pub mod conditional;
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
pub mod openapi;
pub mod preflight;
pub mod queues;
pub mod rates;
pub mod schema;
pub mod shapes;
pub mod single;
pub mod sse;
pub mod streamed;
pub mod streaming;
pub mod uploads;
pub mod versions;
pub mod webhooks;
pub mod ws;

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Redirect;
use axum::routing::{any, get, post, put};
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};

use crate::config::Graphiql;
use crate::ctx::Handles;
use crate::graphql::request::Pipeline;
use crate::graphql::schema::Balance;

/// Bodies on the REST edge, except uploads.
const BODY_MAX_BYTES: usize = 10 * 1024 * 1024;

/// What every handler reaches. Each layer of each request has its own, so a copy is one pointer.
#[derive(Clone)]
pub struct Edge(Arc<Reached>);

/// What an [`Edge`] leads to.
pub struct Reached {
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

impl From<Reached> for Edge {
    fn from(reached: Reached) -> Self {
        Self(Arc::new(reached))
    }
}

impl Deref for Edge {
    type Target = Reached;

    fn deref(&self) -> &Reached {
        &self.0
    }
}

/// Every route, inside the layers.
pub fn router(edge: Edge) -> Router {
    layered(routes(&edge), edge)
}

fn routes(edge: &Edge) -> Router<Edge> {
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
        .route(
            "/exports/simulations/{simulation}",
            get(exports::simulation),
        )
        .route("/exports/tenants/{token}", get(exports::tenant))
        .route("/queues", get(queues::figures))
        .route("/openapi.json", get(openapi::served))
        .merge(health())
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
        .route("/schema.graphql", get(schema::sdl))
        .route("/.well-known/jwks.json", get(keys::published))
        .merge(health())
        .nest("/api/v1", api)
        .merge(versions::beta())
        .merge(admin::router())
        .route("/api/events", get(versions::older_events))
        .route("/api/{*rest}", any(envelope::unknown_route))
        .fallback(envelope::unknown_route);
    if edge.handles.config.graphiql() != Graphiql::Off {
        router = router
            .route("/", get(|| async { Redirect::temporary("/graphiql") }))
            .route("/graphiql/session", get(graphiql_session::session))
            .merge(graphiql::router());
    }
    router.method_not_allowed_fallback(envelope::wrong_method)
}

/// Puts the layers around routes, in their order. Each layer of a router copies all that is further in for each request,
/// so ours are two: what stands within compression, and what stands around it.
pub fn layered(routes: Router<Edge>, edge: Edge) -> Router {
    let around = (edge.clone(), preflight::cors(&edge));
    // the last layer is the first to see a request
    routes
        .layer(from_fn_with_state(edge.clone(), layers::within))
        .layer(
            CompressionLayer::new().compress_when(
                // events must leave at once, and GraphiQL's files come compressed
                DefaultPredicate::new()
                    .and(NotForContentType::const_new("text/event-stream"))
                    .and(NotForContentType::const_new("multipart/mixed")),
            ),
        )
        .layer(from_fn_with_state(around, layers::around))
        .with_state(edge)
}

/// Health, where probes look for it and under the versioned API.
fn health() -> Router<Edge> {
    Router::new()
        .route("/health", get(health::summary))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/health/startup", get(health::startup))
}
