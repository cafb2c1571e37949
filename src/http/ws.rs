//! GraphQL over WebSocket: the `graphql-transport-ws` protocol
//! (<https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>).
//!
//! A client that answers nothing is gone, though its connection may not say so: it is asked by a `ping` message, then by a
//! ping of WebSocket itself, which is answered without anybody's doing, and then it is cut.
//!
//! One task per socket. While a message leaves, its operations go on to their next answer and no further, so a slow
//! client slows its own streams, which wait in the event log, and nothing piles up here: see `operations`.

mod operations;
mod silence;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, interval_at};
use tokio_stream::StreamExt;

use super::Edge;
use super::access::{Access, Ending};
use super::caller::{CLIENT_NAMES, Caller, bearer_in};
use super::graphql::refuse;
use super::open_streams::{Lease, OpenStreams};
use super::streaming::{ANNOUNCE, Answer, Running};
use crate::error::Error;
use crate::graphql::documents;
use crate::graphql::message::from_json;
use crate::graphql::meter::Refused;
use crate::graphql::negotiate::Media;
use crate::graphql::refusal::{Code, Exceeded, Refusal};
use crate::graphql::request::Allowed;
use crate::graphql::status::{to_json, was_executed};
use operations::Operations;
use silence::Silence;

/// The subprotocol.
const PROTOCOL: &str = "graphql-transport-ws";
/// How long a client may take to introduce itself.
const INIT: Duration = Duration::from_secs(10);
/// How often a quiet socket is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(25);
/// The longest message a client may send.
const MESSAGE_MAX_BYTES: usize = 1024 * 1024;
/// The longest id an operation may have: each of its messages repeats it.
const ID_MAX_BYTES: usize = 256;
/// Answers that leave before a socket looks whether its client has said something.
const IN_A_ROW: u32 = 16;
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
        let message = format!("Open the socket with the subprotocol {PROTOCOL}.");
        let refusal = Refusal::new(Code::BadRequest, message);
        return refuse(&caller, Media::Json, refusal);
    }
    let address = caller.origin.address.as_deref();
    let lease = match OpenStreams::connection(&edge.handles, address) {
        Ok(lease) => lease,
        Err(refusal) => return refuse(&caller, Media::GraphqlResponse, refusal),
    };
    upgrade
        .protocols([PROTOCOL])
        // the default of 128 KiB per socket is most of what a socket would cost; a longer message gets its own
        .read_buffer_size(512)
        .write_buffer_size(512)
        .max_message_size(MESSAGE_MAX_BYTES)
        .on_upgrade(move |socket| {
            // boxed before it is waited for: a task keeps room for whatever is moved into it
            Box::new(Session {
                edge,
                caller,
                socket,
                access: None,
                heard: None,
                operations: Operations::default(),
                keepalive: interval_at(Instant::now() + KEEPALIVE, KEEPALIVE),
                silence: Silence::default(),
                _lease: lease,
            })
            .serve()
        })
}

/// Why a socket is closed: a code of the protocol and a reason under 123 bytes. Code 0 closes nothing: the client left.
type Closing = (u16, &'static str);

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Incoming {
    ConnectionInit { payload: Option<Map<String, Value>> },
    Ping { payload: Option<Map<String, Value>> },
    Pong {},
    Subscribe { id: String, payload: Value },
    Complete { id: String },
}

/// What a socket has to do next.
enum Turn {
    Tell(String, Answer),
    Heard(Option<Result<Message, axum::Error>>),
    Look,
    Ping,
    Silent,
    Overdue,
    Stop,
}

struct Session {
    edge: Edge,
    caller: Caller,
    socket: WebSocket,
    access: Option<Access>,
    /// What moves the access, asked about before each answer.
    heard: Option<watch::Receiver<()>>,
    operations: Operations,
    keepalive: Interval,
    silence: Silence,
    _lease: Option<Lease>,
}

impl Session {
    async fn serve(mut self: Box<Self>) {
        if let Err((code, reason)) = self.run().await {
            Box::pin(self.close(code, reason)).await;
        }
    }

    async fn run(&mut self) -> Result<(), Closing> {
        let opened = Instant::now();
        let stopping = self.edge.stopping.clone();
        let mut told = 0;
        loop {
            let deadline = self.deadline(opened);
            let silent = self.silence.until();
            let (socket, access) = (&mut self.socket, &mut self.access);
            // whoever lost their access is told nothing more, however much there is
            let ends = stopping.is_cancelled()
                || access.as_ref().is_some_and(Access::has_moved)
                || deadline.is_some_and(|deadline| deadline <= Instant::now());
            let others = async {
                tokio::select! {
                    biased;
                    () = stopping.cancelled() => Turn::Stop,
                    () = Access::moved(access) => Turn::Look,
                    () = tokio::time::sleep_until(deadline.unwrap_or(opened)), if deadline.is_some() => {
                        Turn::Overdue
                    }
                    message = socket.recv() => Turn::Heard(message),
                    // after what may have come meanwhile
                    () = tokio::time::sleep_until(silent.unwrap_or(opened)), if silent.is_some() => {
                        Turn::Silent
                    }
                    _ = self.keepalive.tick() => Turn::Ping,
                }
            };
            // what waits may have become ready after the access moved: asked each time, whoever is woken
            let heard = &self.heard;
            let moved = poll_fn(|_| match heard.as_ref().map(watch::Receiver::has_changed) {
                Some(Ok(true)) => Poll::Ready(()),
                _ => Poll::Pending,
            });
            // to ask all others before each answer is most of what telling it costs
            let turn = if told < IN_A_ROW && !ends {
                tokio::select! {
                    biased;
                    () = moved => Turn::Look,
                    Some((id, answer)) = self.operations.next() => Turn::Tell(id, answer),
                    other = others => other,
                }
            } else {
                told = 0;
                tokio::select! {
                    biased;
                    other = others => other,
                    Some((id, answer)) = self.operations.next() => Turn::Tell(id, answer),
                }
            };
            // what is seldom waited for is boxed: a task is as large as the largest thing it may wait for
            match turn {
                Turn::Tell(id, answer) => {
                    told += 1;
                    Box::pin(self.tell(id, answer)).await?;
                }
                Turn::Stop => return Err(Ending::Stopping.close()),
                Turn::Look => Box::pin(self.look_again()).await?,
                Turn::Overdue => return Err(self.overdue()),
                Turn::Silent => Box::pin(self.ask_again()).await?,
                Turn::Ping => Box::pin(self.ping()).await?,
                Turn::Heard(message) => {
                    self.silence.end();
                    match message {
                        Some(Ok(Message::Text(text))) => Box::pin(self.hear(text.as_str())).await?,
                        Some(Ok(Message::Binary(_))) => return Err((4400, "send text messages")),
                        Some(Ok(Message::Close(_))) => return Box::pin(self.bow_out()).await,
                        None => return Ok(()),
                        Some(Ok(_)) => {}
                        Some(Err(error)) => return Err(unreadable(&error)),
                    }
                }
            }
        }
    }

    /// When the socket closes by itself: the client must introduce itself in time, and its token must be good.
    fn deadline(&self, opened: Instant) -> Option<Instant> {
        match &self.access {
            None => Some(opened + INIT),
            Some(access) => {
                let remaining = access.remaining(&self.edge.handles.clock)?;
                Instant::now().checked_add(remaining)
            }
        }
    }

    fn overdue(&self) -> Closing {
        match &self.access {
            None => (4408, "connection_init did not come in time"),
            Some(_) => Ending::Expired.close(),
        }
    }

    /// Asks a client once more that did not answer, in a way that needs no program; or gives it up.
    async fn ask_again(&mut self) -> Result<(), Closing> {
        let patience = self.edge.handles.config.slow_client();
        if !self.silence.goes_on(patience) {
            return Err((1013, "no answer; connect again from the last cursor"));
        }
        self.leave(Message::Ping(Bytes::new())).await
    }

    /// Reads on after the client's close frame, which is when the answer to it leaves.
    async fn bow_out(&mut self) -> Result<(), Closing> {
        self.operations.clear();
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
                    pong["payload"] = payload.into();
                }
                self.send(pong).await
            }
            Incoming::Pong {} => Ok(()),
            Incoming::Subscribe { id, payload } => self.subscribe(id, payload).await,
            Incoming::Complete { id } => {
                self.operations.remove(&id);
                Ok(())
            }
        }
    }

    async fn init(&mut self, payload: Option<Map<String, Value>>) -> Result<(), Closing> {
        if self.access.is_some() {
            return Err((4429, "too many initialisation requests"));
        }
        // browsers cannot set headers on a socket
        let named = |name: &str| {
            let mut members = payload.iter().flatten();
            let named = members.find(|(member, _)| member.eq_ignore_ascii_case(name));
            named.map(|(_, value)| value.as_str().unwrap_or_default())
        };
        let bearer = match named("authorization") {
            Some(value) => bearer_in(value),
            None => self.caller.bearer.take(),
        };
        let bearer = bearer.ok_or((4403, "send connection_init {Authorization: \"Bearer …\"}"))?;
        if let Some(name) = CLIENT_NAMES.iter().find_map(|name| named(name)) {
            self.caller.client_name = Some(name.to_owned());
        }
        let access = Access::open(&self.caller, bearer).await;
        let access = access.map_err(|error| match error {
            Error::Suspended => Ending::Suspended.close(),
            _ => (4403, "the access token is not good"),
        })?;
        self.heard = Some(access.heard());
        self.access = Some(access);
        self.send(json!({ "type": "connection_ack" })).await
    }

    async fn look_again(&mut self) -> Result<(), Closing> {
        if let Some(heard) = &mut self.heard {
            heard.mark_unchanged();
        }
        if let Some(access) = &mut self.access {
            let looking = access.look(&self.caller);
            let looked = self.operations.meanwhile(looking).await;
            looked.map_err(Ending::close)?;
        }
        Ok(())
    }

    async fn subscribe(&mut self, id: String, payload: Value) -> Result<(), Closing> {
        if self.access.is_none() {
            return Err((4401, "send connection_init first"));
        }
        if self.operations.contains(&id) {
            return Err((4409, "an operation with this id is open already"));
        }
        if !(1..=ID_MAX_BYTES).contains(&id.len()) {
            return Err((4400, "an id has 1 to 256 bytes"));
        }
        let begun = if self.operations.len() >= OPERATIONS {
            Err(too_many().into())
        } else {
            let beginning = begin(&self.edge, &self.caller, self.access.as_ref(), payload);
            self.operations.meanwhile(beginning).await
        };
        match begun {
            Ok(running) => {
                self.operations.insert(id, running);
                // soon after, the client learns from where the stream began
                self.keepalive.reset_after(ANNOUNCE);
                Ok(())
            }
            Err(refused) => {
                let answer = refused.into_response(&self.caller.request_id);
                self.send(json!({ "id": id, "type": "error", "payload": answer.errors }))
                    .await
            }
        }
    }

    async fn tell(&mut self, id: String, answer: Answer) -> Result<(), Closing> {
        let Answer::Item(response) = answer else {
            self.operations.remove(&id);
            return self.send(json!({ "id": id, "type": "complete" })).await;
        };
        if !was_executed(&response) {
            // the operation as such was refused, and that ends it
            self.operations.remove(&id);
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

    /// Asks whether the client is there, and tells it where each stream stands: a stream whose events are rare is
    /// resumed from there and not from its last event, which may be long gone.
    async fn ping(&mut self) -> Result<(), Closing> {
        let cursors: serde_json::Map<String, Value> = self
            .operations
            .cursors()
            .map(|(id, cursor)| (id.to_owned(), cursor.to_string().into()))
            .collect();
        let mut ping = json!({ "type": "ping" });
        if !cursors.is_empty() {
            ping["payload"] = json!({ "cursors": cursors });
        }
        self.silence.begin(self.edge.handles.config.slow_client());
        self.send(ping).await
    }

    async fn send(&mut self, message: Value) -> Result<(), Closing> {
        self.send_text(message.to_string()).await
    }

    async fn send_text(&mut self, message: String) -> Result<(), Closing> {
        self.leave(Message::Text(message.into())).await
    }

    async fn leave(&mut self, message: Message) -> Result<(), Closing> {
        let patience = self.edge.handles.config.slow_client();
        let leaving = self.socket.send(message);
        let leaving = tokio::time::timeout(patience, leaving);
        match self.operations.meanwhile(leaving).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err((0, "")),
            Err(_) => Err((1013, "too slow; connect again from the last cursor")),
        }
    }

    async fn close(&mut self, code: u16, reason: &'static str) {
        self.operations.clear();
        if code != 0 {
            let frame = Message::Close(Some(CloseFrame {
                code,
                reason: reason.into(),
            }));
            drop(tokio::time::timeout(Duration::from_secs(1), self.socket.send(frame)).await);
        }
    }
}

/// Why a socket is closed whose client sent what cannot be read. The library tells of it in words only.
fn unreadable(error: &axum::Error) -> Closing {
    match error.to_string().contains("too long") {
        true => (4413, "the message is too long"),
        false => (4400, "the message is not readable"),
    }
}

/// The socket has as many operations as it may; the others go on.
fn too_many() -> Refusal {
    let exceeded = Exceeded {
        limit: "openOperations",
        maximum: OPERATIONS as u64,
        actual: OPERATIONS as u64 + 1,
    };
    let message =
        format!("At most {OPERATIONS} operations may be open on one socket; end some first.");
    Refusal::exceeded(Code::RateLimited, exceeded, message)
}

/// Begins an operation of whoever is on the socket.
async fn begin(
    edge: &Edge,
    caller: &Caller,
    access: Option<&Access>,
    payload: Value,
) -> Result<Running, Refused> {
    let Some(access) = access else {
        let ending = Ending::Revoked("send connection_init first");
        return Err(ending.refusal().into());
    };
    let sent = from_json(payload)?;
    let ctx = access.ctx();
    let who = caller.who(Some(&*ctx));
    let prepared = documents::prepare(&edge.pipeline, &who, sent, Allowed::STREAM).await?;
    let lease = OpenStreams::operation(&edge.handles, ctx.actor())?;
    if !Running::is_single(&prepared) {
        return Running::subscription(edge, caller, access.live(), prepared, lease).await;
    }
    let ctx = Some(Arc::new(ctx.again()));
    Ok(Running::single(edge, caller, ctx, prepared, Some(lease)))
}
