//! Who GraphiQL is signed in as when its page opens.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Edge;
use super::caller::Caller;
use super::envelope;
use crate::config::Graphiql;
use crate::demo;

/// `GET /graphiql/session`: in development a token of the demo owner, elsewhere none: the page asks for a sign-in.
pub async fn session(State(edge): State<Edge>, caller: Caller) -> Response {
    let demo = match edge.handles.config.graphiql() {
        Graphiql::Demo => demo::session(&edge.handles).await,
        _ => Ok(None),
    };
    match demo {
        Ok(demo) => {
            let (token, email) = demo.map_or((None, None), |demo| {
                (Some(demo.access_token), Some(demo.email))
            });
            let mode = if edge.handles.config.is_production() {
                "production"
            } else {
                "development"
            };
            let body = json!({ "accessToken": token, "email": email, "mode": mode });
            ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
        }
        Err(error) => envelope::failure(&caller.request_id, &error),
    }
}
