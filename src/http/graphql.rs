//! GraphQL over HTTP: one request, one answer. What streams goes over a WebSocket of the same path, or as an answer that
//! stays open: see [`streamed`].

use axum::body::{Body, to_bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::caller::Caller;
use super::csrf::asks_for_a_socket;
use super::envelope::challenged;
use super::{Edge, single, streamed, ws};
use crate::ctx::Ctx;
use crate::error::Error;
use crate::graphql::answer::retry_after;
use crate::graphql::message::{GraphqlRequest, parse_get, parse_post};
use crate::graphql::meter::Refused;
use crate::graphql::negotiate::{Media, Sent, Wanted, check_content_type, check_csrf};
use crate::graphql::refusal::{Code, Refusal};
use crate::graphql::request::{Allowed, Prepared};
use crate::graphql::{documents, error, status};

/// How many headers an answer has, about: room for them is made once.
const HEADERS: usize = 16;
/// A GraphQL request in a body is at most this long.
const BODY_MAX_BYTES: usize = 1024 * 1024;

/// `POST /graphql`.
pub async fn post(State(edge): State<Edge>, caller: Caller, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let wanted = match Wanted::of(text(headers, header::ACCEPT)) {
        Ok(wanted) => wanted,
        Err(refusal) => return refuse(&caller, Media::Json, refusal),
    };
    let sent = async {
        check_content_type(text(headers, header::CONTENT_TYPE))?;
        let body = to_bytes(body, BODY_MAX_BYTES).await.map_err(|_| {
            let message = format!("The body is longer than {BODY_MAX_BYTES} bytes.");
            Refusal::new(Code::BadRequest, message).with_status(413)
        })?;
        parse_post(&body)
    };
    match sent.await {
        Ok(sent) => carry_out(&edge, &caller, wanted, sent, Allowed::POST, headers).await,
        Err(refusal) => refuse(&caller, wanted.of_refusal(), refusal),
    }
}

/// `GET /graphql`: a query, or the start of a WebSocket.
pub async fn get(
    State(edge): State<Edge>,
    caller: Caller,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    match upgrade {
        Ok(upgrade) => return ws::open(edge, caller, upgrade, &headers),
        Err(rejection) if asks_for_a_socket(&headers) => {
            let refusal = Refusal::new(Code::BadRequest, rejection.body_text());
            let refusal = refusal.with_status(rejection.status().as_u16());
            return refuse(&caller, Media::Json, refusal);
        }
        Err(_) => {}
    }
    let accept = text(&headers, header::ACCEPT);
    let wanted = match Wanted::of(accept) {
        Ok(wanted) => wanted,
        Err(refusal) => return refuse(&caller, Media::Json, refusal),
    };
    let custom = [
        "authorization",
        "graphql-require-preflight",
        "apollo-require-preflight",
        "x-requested-with",
    ];
    let from = Sent {
        cookie: headers.contains_key(header::COOKIE),
        accept,
        custom_header: custom.iter().any(|name| headers.contains_key(*name)),
        fetch_site: text(&headers, HeaderName::from_static("sec-fetch-site")),
    };
    match check_csrf(from).and_then(|()| parse_get(query.as_deref().unwrap_or_default())) {
        Ok(sent) => carry_out(&edge, &caller, wanted, sent, Allowed::GET, &headers).await,
        Err(refusal) => refuse(&caller, wanted.of_refusal(), refusal),
    }
}

/// Answers at once, or with an answer that stays open where the client named one.
async fn carry_out(
    edge: &Edge,
    caller: &Caller,
    wanted: Wanted,
    sent: GraphqlRequest,
    allowed: Allowed,
    headers: &HeaderMap,
) -> Response {
    match wanted {
        Wanted {
            single: Some(media),
            stream: None,
        } => {
            // boxed before it is begun: what wraps it moves a pointer, and not all that an operation may hold
            Box::pin(answer(edge, caller, media, sent, allowed)).await
        }
        _ => {
            let resumed = text(headers, HeaderName::from_static("last-event-id"));
            // boxed, as it is seldom: every request is as large as the largest thing it may wait for
            Box::pin(streamed::respond(
                edge, caller, wanted, sent, allowed, resumed,
            ))
            .await
        }
    }
}

async fn answer(
    edge: &Edge,
    caller: &Caller,
    media: Media,
    sent: GraphqlRequest,
    allowed: Allowed,
) -> Response {
    let ctx = match caller.ctx().await {
        Ok(ctx) => ctx,
        Err(error) => return refuse(caller, media, refusal_of(&error, &caller.request_id)),
    };
    let who = caller.who(ctx.as_ref());
    match documents::prepare(&edge.pipeline, &who, sent, allowed).await {
        Ok(prepared) => answer_prepared(edge, caller, media, ctx.as_ref(), prepared).await,
        Err(refusal) => refuse(caller, media, refusal),
    }
}

/// Answers a request that passed every check before it is carried out.
pub(super) async fn answer_prepared(
    edge: &Edge,
    caller: &Caller,
    media: Media,
    ctx: Option<&Ctx>,
    mut prepared: Prepared,
) -> Response {
    let told = std::mem::take(&mut prepared.told);
    // dropped when the client goes away, and what it runs in the database ends with it
    let outcome = single::carry_out(edge, caller, ctx, prepared).await;
    let mut response = match outcome {
        Ok(response) => response,
        Err(refused) => return refuse(caller, media, refused),
    };
    told.share(&mut response);
    let status = status::answer_status(media, &response);
    match status::to_json(&response) {
        Ok(body) => {
            let mut reply = reply(media, status, body);
            told.write(&response, reply.headers_mut());
            again_later(reply, &response)
        }
        Err(error) => refuse(
            caller,
            media,
            refusal_of(&Error::from(error), &caller.request_id),
        ),
    }
}

/// An error of ours before execution, as a refusal.
pub(super) fn refusal_of(error: &Error, request_id: &str) -> Refusal {
    let code = error::code(error);
    if code == Code::Internal {
        tracing::error!(request.id = request_id, error = ?error, "{error}");
    }
    Refusal::new(code, error.to_string()).with_status(error::status(error))
}

/// Refuses a request as a whole.
pub(super) fn refuse(caller: &Caller, media: Media, refused: impl Into<Refused>) -> Response {
    let refused = refused.into();
    let status = status::refusal_status(media, &refused.refusal);
    let allow = refused.refusal.allow;
    let answer = refused.into_response(&caller.request_id);
    let body = status::to_json(&answer).unwrap_or_default();
    let mut response = again_later(reply(media, status, body), &answer);
    if let Some(allow) = allow {
        response
            .headers_mut()
            .insert(header::ALLOW, header::HeaderValue::from_static(allow));
    }
    response
}

/// Says in the header what an error says: when to try again.
fn again_later(mut reply: Response, answer: &async_graphql::Response) -> Response {
    if let Some(seconds) = retry_after(answer) {
        let headers = reply.headers_mut();
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    reply
}

fn reply(media: Media, status: u16, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    // and those that layers add
    headers.reserve(HEADERS);
    let content_type = HeaderValue::from_static(media.content_type());
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    challenged(response)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
