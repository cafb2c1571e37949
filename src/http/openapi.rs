//! The REST edge described by itself: OpenAPI 3.1, made from the handlers and from the types they answer with.

mod conventions;
mod examples;

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::Value;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{auth, conditional, events, exports, factors, health, keys, oauth, schema};
use super::{queues, shapes, uploads, versions, webhooks};

/// How long a copy of what describes the server is good.
pub(super) const KEEP_SECONDS: u32 = 300;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "balance",
        description = "What GraphQL does badly: signing in without a GraphQL client, signed webhooks, uploads, exports, \
            the event feed and health. The product API is GraphQL at `/graphql`; its reference is `/schema.graphql`.\n\n\
            `/api/v1` is stable. `/api/v2` is where features are tried before they are promised; there are none now, and \
            every path below it answers 404. A route that is about to leave says so in the headers `Deprecation` \
            (RFC 9745), `Sunset` (RFC 8594) and `Link`.\n\n\
            Every answer carries `X-Request-Id`. Answers under `/api/v1` have the form `{success, data, meta}` or \
            `{success: false, error, meta}`; files, health and this document are themselves.",
        license(name = "MIT", identifier = "MIT"),
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "auth", description = "Signing in, staying signed in, and signing out"),
        (name = "events", description = "The event log"),
        (name = "exports", description = "Files on their way out"),
        (name = "files", description = "Files on their way in"),
        (name = "webhooks", description = "Signed deliveries from others"),
        (name = "system", description = "About the server"),
    ),
    paths(
        auth::sign_in, auth::refresh, auth::sign_out,
        factors::complete, factors::forgotten, factors::reset, factors::verify,
        oauth::start, oauth::callback,
        webhooks::deliver, uploads::receive,
        events::feed, versions::older_events,
        exports::audit, exports::records, exports::report,
        exports::simulation, exports::tenant,
        health::summary, health::live, health::ready, health::startup,
        queues::figures,
        keys::published, schema::sdl, served,
    ),
    components(schemas(shapes::Failure)),
    modifiers(&Schemes),
)]
struct Edge;

/// How a caller proves who it is.
struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
        let bearer = bearer.description(Some(
            "An access token of a person, or an API key (`bk_…`) of a program",
        ));
        let key = |name: &str, description: &str| ApiKeyValue::with_description(name, description);
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
        let cookie = key(
            "__Host-balance_access",
            "Of a browser that signed in with `X-Session-Mode: cookie`. A change also needs the header \
             `X-Requested-With`. Over plain http the name is `balance_access`",
        );
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
        let signature = key(
            "webhook-signature",
            "Standard Webhooks: an HMAC with the secret of the connection",
        );
        components.add_security_scheme(
            "webhookSignature",
            SecurityScheme::ApiKey(ApiKey::Header(signature)),
        );
    }
}

/// The document.
pub fn document() -> Value {
    let document = serde_json::to_value(Edge::openapi()).expect("the document is plain JSON");
    examples::filled(conventions::applied(document))
}

/// The document as it is served and committed.
pub fn text() -> String {
    let mut text = serde_json::to_string_pretty(&document()).expect("it is JSON already");
    text.push('\n');
    text
}

/// `GET /api/v1/openapi.json`: this document.
#[utoipa::path(
    get, path = "/api/v1/openapi.json", operation_id = "openapi", tag = "system", security(()),
    responses((status = 200, description = "This document", body = Object)),
)]
pub async fn served(headers: HeaderMap) -> Response {
    static TEXT: LazyLock<conditional::Document> = LazyLock::new(|| {
        conditional::Document::new("application/json", Bytes::from(text()), KEEP_SECONDS)
    });
    TEXT.answer(&headers)
}
