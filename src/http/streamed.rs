//! Answers over HTTP that stay open: Server-Sent Events and Apollo's multipart protocol. The request is judged here; what
//! is then told is the same for both, in another form.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};

use super::access::Access;
use super::caller::Caller;
use super::graphql::{answer_prepared, refusal_of, refuse};
use super::open_streams::OpenStreams;
use super::streaming::{Running, told};
use super::{Edge, multipart, sse};
use crate::ctx::Ctx;
use crate::graphql::documents;
use crate::graphql::message::GraphqlRequest;
use crate::graphql::meter::Refused;
use crate::graphql::negotiate::{Media, Wanted};
use crate::graphql::refusal::{Code, Refusal};
use crate::graphql::request::{Allowed, Prepared};
use crate::graphql::subscription;

/// Answers a client that named a form which stays open. What has one answer is answered at once, if that is what the
/// client likes better for it.
pub async fn respond(
    edge: &Edge,
    caller: &Caller,
    wanted: Wanted,
    sent: GraphqlRequest,
    allowed: Allowed,
    resumed: Option<&str>,
) -> Response {
    let streams = Allowed {
        subscriptions: wanted.stream.is_some(),
        ..allowed
    };
    let ctx = match caller.ctx().await {
        Ok(ctx) => ctx,
        Err(error) => {
            let refusal = refusal_of(&error, &caller.request_id);
            return refuse(caller, wanted.of_refusal(), refusal);
        }
    };
    let who = caller.who(ctx.as_ref());
    let prepared = documents::prepare(&edge.pipeline, &who, sent, streams).await;
    let mut prepared = match prepared {
        Ok(prepared) => prepared,
        // an `EventSource` cannot read a refusal, so the protocol tells it as an event
        Err(refusal) if wanted.single == Some(Media::EventStream) && is_about(&refusal) => {
            return told_at_once(caller, refusal);
        }
        Err(refusal) => return refuse(caller, wanted.of_refusal(), refusal),
    };
    let single = Running::is_single(&prepared);
    let form = match if single { wanted.single } else { wanted.stream } {
        Some(form @ (Media::EventStream | Media::Multipart)) => form,
        Some(media) => return answer_prepared(edge, caller, media, ctx.as_ref(), prepared).await,
        None => {
            let message = "The accepted media type is for subscriptions only.";
            let refusal = Refusal::new(Code::BadRequest, message).with_status(406);
            return refuse(caller, wanted.of_refusal(), refusal);
        }
    };
    let ids = form == Media::EventStream && !single && subscription::resume(&mut prepared, resumed);
    let told = std::mem::take(&mut prepared.told);
    match open(edge, caller, ctx, form, prepared, ids).await {
        Ok(mut response) => {
            told.warn(response.headers_mut());
            response
        }
        Err(refused) if refused.refusal.code == Code::RateLimited => {
            refuse(caller, Media::GraphqlResponse, refused)
        }
        Err(refused) if form == Media::EventStream && is_about(&refused.refusal) => {
            told_at_once(caller, refused.refusal)
        }
        Err(refused) => refuse(caller, wanted.of_refusal(), refused),
    }
}

/// Whether a refusal is about the operation, and not about who sent it or how.
fn is_about(refusal: &Refusal) -> bool {
    refusal.code.status() == 400 && refusal.code != Code::BadRequest
}

/// Begins the operation, which takes its place among what the client has open.
async fn open(
    edge: &Edge,
    caller: &Caller,
    ctx: Option<Ctx>,
    form: Media,
    prepared: Prepared,
    ids: bool,
) -> Result<Response, Refused> {
    let refused = |error| refusal_of(&error, &caller.request_id);
    let connection = OpenStreams::connection(&edge.handles, caller.origin.address.as_deref())?;
    let (access, running) = if Running::is_single(&prepared) {
        let ctx = ctx.map(Arc::new);
        let lease = ctx
            .as_ref()
            .map(|ctx| OpenStreams::operation(&edge.handles, ctx.actor()))
            .transpose()?;
        let running = Running::single(edge, caller, ctx, prepared, lease);
        (None, running)
    } else {
        let bearer = caller.bearer.clone().ok_or_else(|| {
            let message = "sign in first: send an access token as `Authorization: Bearer …`";
            Refusal::new(Code::Unauthenticated, message)
        })?;
        let access = Access::open(caller, bearer).await.map_err(refused)?;
        let lease = OpenStreams::operation(&edge.handles, access.ctx().actor())?;
        let running = Running::subscription(edge, caller, access.live(), prepared, lease).await?;
        (Some(access), running)
    };
    let (edge, caller) = (edge.clone(), caller.clone());
    Ok(match form {
        Media::Multipart => {
            let told = told(edge, caller, access, running, connection, multipart::BEAT);
            let opening = Bytes::from_static(multipart::OPENING);
            let parts = told.map(multipart::write);
            head(form, stream::once(async move { opening }).chain(parts))
        }
        _ => {
            let told = told(edge, caller, access, running, connection, sse::BEAT);
            head(form, told.map(move |told| sse::write(told, ids)))
        }
    })
}

fn told_at_once(caller: &Caller, refusal: Refusal) -> Response {
    let error = refusal.into_server_error(&caller.request_id);
    head(Media::EventStream, stream::iter([sse::refused(&error)]))
}

fn head(form: Media, body: impl futures::Stream<Item = Bytes> + Send + 'static) -> Response {
    let headers = [
        (header::CONTENT_TYPE, form.content_type()),
        (header::CACHE_CONTROL, "no-cache"),
        // nginx holds answers back to send them in larger pieces
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    let body = body.map(Ok::<_, Infallible>);
    (headers, Body::from_stream(body)).into_response()
}
