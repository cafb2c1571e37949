//! GraphQL over WebSocket: the `graphql-transport-ws` protocol
//! (<https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>).
//!
//! One task per socket. It polls its operations only when the last message has left, so a slow client slows its own
//! streams, which wait in the event log, and nothing piles up here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, interval_at};
use tokio_stream::{StreamExt, StreamMap};

use super::Edge;
use super::caller::Caller;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::graphql::events::Place;
use crate::graphql::live::Live;
use crate::graphql::message::from_json;
use crate::graphql::meter::Meter;
use crate::graphql::request::Allowed;
use crate::graphql::status::{to_json, was_executed};

/// The subprotocol.
const PROTOCOL: &str = "graphql-transport-ws";
/// How long a client may take to introduce itself.
const INIT: Duration = Duration::from_secs(10);
/// How often a quiet socket is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(25);
/// How soon after subscribing the client is told where its stream stands.
const ANNOUNCE: Duration = Duration::from_millis(100);
/// How long a message may take to leave.
const SEND: Duration = Duration::from_secs(30);
/// How soon a socket whose access could not be looked up is looked up again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The longest message a client may send.
const MESSAGE_MAX_BYTES: usize = 1024 * 1024;
/// Operations one socket may have open.
const OPERATIONS: usize = 100;

/// Takes the socket over.
pub fn open(
    edge: Edge,
    caller: Caller,
    upgrade: WebSocketUpgrade,
    headers: &HeaderMap,
) -> Response {
    let offered = headers
        .get(header::SEC_WEBSOCKET_PROTOCOL)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    if !offered.split(',').any(|name| name.trim() == PROTOCOL) {
        let message = format!("open the socket with the subprotocol {PROTOCOL}");
        return (StatusCode::BAD_REQUEST, message).into_response();
    }
    upgrade
        .protocols([PROTOCOL])
        // the default of 128 KiB per socket is most of what a socket would cost
        .read_buffer_size(4 * 1024)
        .write_buffer_size(4 * 1024)
        .max_message_size(MESSAGE_MAX_BYTES)
        .on_upgrade(move |socket| async move {
            let mut session = Session {
                edge,
                caller,
                socket,
                access: None,
                operations: StreamMap::new(),
                places: HashMap::new(),
                keepalive: interval_at(Instant::now() + KEEPALIVE, KEEPALIVE),
            };
            if let Err((code, reason)) = session.run().await {
                session.close(code, reason).await;
            }
        })
}

/// Why a socket is closed: a code of the protocol and a reason under 123 bytes. Code 0 closes nothing: the client left.
type Closing = (u16, &'static str);

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Incoming {
    ConnectionInit { payload: Option<Value> },
    Ping { payload: Option<Value> },
    Pong {},
    Subscribe { id: String, payload: Value },
    Complete { id: String },
}

/// By what somebody came in, and what that is worth.
struct Access {
    bearer: String,
    /// What the streams of the socket follow.
    ctx: watch::Sender<Arc<Ctx>>,
    /// Moves when who may do what has changed in the tenant.
    changes: watch::Receiver<()>,
    /// When to look again although nothing was heard.
    look_again: Option<Instant>,
}

enum Answer {
    Item(Box<async_graphql::Response>),
    End,
}

impl Access {
    /// Returns when it should be looked at again.
    async fn moved(access: &mut Option<Self>) {
        let Some(access) = access else {
            return std::future::pending().await;
        };
        match access.look_again {
            Some(at) => tokio::time::sleep_until(at).await,
            // a sender that is gone has nothing to tell
            None => match access.changes.changed().await {
                Ok(()) => {}
                Err(_) => std::future::pending().await,
            },
        }
    }
}

/// Nothing happens in a tenant on hold that anybody could follow.
const SUSPENDED: Closing = (4403, "the tenant is suspended");

struct Session {
    edge: Edge,
    caller: Caller,
    socket: WebSocket,
    access: Option<Access>,
    operations: StreamMap<String, BoxStream<'static, Answer>>,
    /// How far each operation has got over events it does not want.
    places: HashMap<String, Place>,
    keepalive: Interval,
}

impl Session {
    async fn run(&mut self) -> Result<(), Closing> {
        let opened = Instant::now();
        let stopping = self.edge.stopping.clone();
        loop {
            let expiry = self.remaining();
            tokio::select! {
                message = self.socket.recv() => match message {
                    // boxed, as it is seldom: a task is as large as the largest thing it may wait for
                    Some(Ok(Message::Text(text))) => Box::pin(self.hear(text.as_str())).await?,
                    Some(Ok(Message::Binary(_))) => return Err((4400, "send text messages")),
                    Some(Ok(Message::Close(_))) => return self.bow_out().await,
                    None => return Ok(()),
                    Some(Ok(_)) => {}
                    Some(Err(_)) => return Err((4413, "the message is too long or not readable")),
                },
                Some((id, answer)) = self.operations.next() => self.tell(id, answer).await?,
                () = Access::moved(&mut self.access), if self.access.is_some() => {
                    Box::pin(self.look_again()).await?;
                }
                () = tokio::time::sleep_until(opened + INIT), if self.access.is_none() => {
                    return Err((4408, "connection_init did not come in time"));
                }
                () = tokio::time::sleep(expiry.unwrap_or(INIT)), if expiry.is_some() => {
                    return Err((4403, "the access token has expired; connect again with a new one"));
                }
                _ = self.keepalive.tick() => self.ping().await?,
                () = stopping.cancelled() => return Err((1001, "the server is going away; connect again")),
            }
        }
    }

    /// Reads on after the client's close frame, which is when the answer to it leaves.
    async fn bow_out(&mut self) -> Result<(), Closing> {
        let rest = async { while let Some(Ok(_)) = self.socket.recv().await {} };
        drop(tokio::time::timeout(Duration::from_secs(1), rest).await);
        Ok(())
    }

    async fn hear(&mut self, text: &str) -> Result<(), Closing> {
        let message =
            serde_json::from_str(text).map_err(|_| (4400, "the message is not of the protocol"))?;
        match message {
            Incoming::ConnectionInit { payload } => self.init(payload).await,
            Incoming::Ping { payload } => {
                let mut pong = json!({ "type": "pong" });
                if let Some(payload) = payload {
                    pong["payload"] = payload;
                }
                self.send(pong).await
            }
            Incoming::Pong {} => Ok(()),
            Incoming::Subscribe { id, payload } => self.subscribe(id, payload).await,
            Incoming::Complete { id } => {
                self.forget(&id);
                Ok(())
            }
        }
    }

    async fn init(&mut self, payload: Option<Value>) -> Result<(), Closing> {
        if self.access.is_some() {
            return Err((4429, "too many initialisation requests"));
        }
        let sent = payload.as_ref().and_then(|p| {
            let named = ["Authorization", "authorization"]
                .iter()
                .find_map(|name| p.get(*name));
            named.and_then(Value::as_str)
        });
        let bearer = match sent {
            Some(value) => value
                .strip_prefix("Bearer ")
                .or_else(|| value.strip_prefix("bearer "))
                .map(str::to_owned),
            None => self.caller.bearer.clone(),
        };
        let bearer = bearer.ok_or((4403, "send connection_init {Authorization: \"Bearer …\"}"))?;
        let refused = |_| (4403, "the access token is not good");
        let ctx = self.caller.ctx_of(&bearer).await.map_err(refused)?;
        let changes = self.edge.handles.standings.watch(ctx.tenant());
        // asked again now that changes are heard of: what came before them counts here
        let ctx = self.caller.ctx_of(&bearer).await.map_err(refused)?;
        if ctx.is_suspended() {
            return Err(SUSPENDED);
        }
        self.access = Some(Access {
            bearer,
            ctx: watch::channel(Arc::new(ctx)).0,
            changes,
            look_again: None,
        });
        self.send(json!({ "type": "connection_ack" })).await
    }

    /// Asks what the bearer is worth now. Who lost their access is shown out; who lost or gained a permission goes on
    /// with what they have.
    async fn look_again(&mut self) -> Result<(), Closing> {
        let Some(access) = &mut self.access else {
            return Ok(());
        };
        match self.caller.ctx_of(&access.bearer).await {
            Ok(ctx) if ctx.is_suspended() => Err(SUSPENDED),
            Ok(ctx) => {
                access.look_again = None;
                access.ctx.send_replace(Arc::new(ctx));
                Ok(())
            }
            Err(error) if error.is_transient() => {
                access.look_again = Some(Instant::now() + LOOK_AGAIN);
                Ok(())
            }
            Err(Error::Unauthenticated(reason)) if reason.len() < 123 => Err((4403, reason)),
            Err(_) => Err((4403, "access was taken away; sign in again")),
        }
    }

    async fn subscribe(&mut self, id: String, payload: Value) -> Result<(), Closing> {
        let Some(access) = &self.access else {
            return Err((4401, "send connection_init first"));
        };
        let live = Live::new(access.ctx.subscribe());
        if self.operations.contains_key(&id) {
            return Err((4409, "an operation with this id is open already"));
        }
        if self.operations.len() >= OPERATIONS {
            return Err((4429, "at most 100 operations may be open on one socket"));
        }
        let prepared =
            from_json(payload).and_then(|sent| self.edge.pipeline.prepare(sent, Allowed::STREAM));
        let mut prepared = match prepared {
            Ok(prepared) => prepared,
            Err(refusal) => {
                let error = refusal.into_server_error(&self.caller.request_id);
                return self
                    .send(json!({ "id": id, "type": "error", "payload": [error] }))
                    .await;
            }
        };
        let (ctx, price) = (live.now(), prepared.price.clone());
        let opened = Meter::open(&self.edge.handles, Some(&ctx), &self.caller.origin, price);
        let meter = match opened.await {
            Ok(meter) => meter,
            Err(refused) => {
                let answer = refused.into_response(&self.caller.request_id);
                return self
                    .send(json!({ "id": id, "type": "error", "payload": answer.errors }))
                    .await;
            }
        };
        let place = Place::default();
        prepared.request = prepared
            .request
            .data(Arc::new(live.now().again()))
            .data(live)
            .data(self.caller.origin.clone())
            .data(place.clone());
        let answers = self
            .edge
            .pipeline
            .stream(prepared, None, self.caller.request_id.clone());
        let answers = meter
            .follow(answers)
            .map(|response| Answer::Item(Box::new(response)))
            .chain(tokio_stream::once(Answer::End));
        self.places.insert(id.clone(), place);
        self.operations.insert(id, Box::pin(answers));
        // soon after, the client learns from where the stream began
        self.keepalive.reset_after(ANNOUNCE);
        Ok(())
    }

    async fn tell(&mut self, id: String, answer: Answer) -> Result<(), Closing> {
        let Answer::Item(response) = answer else {
            self.forget(&id);
            return self.send(json!({ "id": id, "type": "complete" })).await;
        };
        if !was_executed(&response) {
            // the operation as such was refused, and that ends it
            self.forget(&id);
            return self
                .send(json!({ "id": id, "type": "error", "payload": response.errors }))
                .await;
        }
        let body = to_json(&response)
            .ok()
            .and_then(|body| String::from_utf8(body).ok());
        let payload = body.ok_or((1011, "an answer could not be written"))?;
        // put together as text: a JSON value would sort the fields, whose order the client chose
        let id = Value::from(id);
        self.send_text(format!(
            r#"{{"id":{id},"type":"next","payload":{payload}}}"#
        ))
        .await
    }

    fn forget(&mut self, id: &str) {
        self.operations.remove(id);
        self.places.remove(id);
    }

    /// Asks whether the client is there, and tells it where each stream stands: a stream whose events are rare is
    /// resumed from there and not from its last event, which may be long gone.
    async fn ping(&mut self) -> Result<(), Closing> {
        let cursors: serde_json::Map<String, Value> = self
            .places
            .iter()
            .filter_map(|(id, place)| Some((id.clone(), place.cursor()?.to_string().into())))
            .collect();
        let mut ping = json!({ "type": "ping" });
        if !cursors.is_empty() {
            ping["payload"] = json!({ "cursors": cursors });
        }
        self.send(ping).await
    }

    async fn send(&mut self, message: Value) -> Result<(), Closing> {
        self.send_text(message.to_string()).await
    }

    async fn send_text(&mut self, message: String) -> Result<(), Closing> {
        let leaving = self.socket.send(Message::Text(message.into()));
        match tokio::time::timeout(SEND, leaving).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err((0, "")),
            Err(_) => Err((1013, "too slow; connect again from the last cursor")),
        }
    }

    async fn close(&mut self, code: u16, reason: &'static str) {
        if code != 0 {
            let frame = Message::Close(Some(CloseFrame {
                code,
                reason: reason.into(),
            }));
            drop(tokio::time::timeout(Duration::from_secs(1), self.socket.send(frame)).await);
        }
    }

    /// How long the access token is good for.
    fn remaining(&self) -> Option<Duration> {
        let access = self.access.as_ref()?;
        let expires_at: DateTime<Utc> = access.ctx.borrow().expires_at()?;
        Some(
            (expires_at - self.edge.handles.clock.now())
                .to_std()
                .unwrap_or_default(),
        )
    }
}
