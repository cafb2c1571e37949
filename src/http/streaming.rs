//! An operation that streams, the same behind every transport: what it answers, where it stands, and what ends it early.
//!
//! Nothing is ever ahead of the client: an answer is made when the one before has left, and what has not been told waits
//! in the event log. Over a WebSocket several operations share a connection and an [`Access`]; over HTTP each has its
//! own, and [`told`] is all that happens to it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{Response, ServerError};
use async_stream::stream;
use futures::stream::BoxStream;
use futures::{FutureExt, Stream, StreamExt};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::access::{Access, Ending};
use super::caller::Caller;
use super::open_streams::Lease;
use super::{Edge, single};
use crate::ctx::Ctx;
use crate::events::Cursor;
use crate::graphql::events::Place;
use crate::graphql::live::Live;
use crate::graphql::meter::{Meter, Refused};
use crate::graphql::request::Prepared;
use crate::graphql::status::{to_json, was_executed};
use crate::graphql::subscription;

/// How soon after the beginning a client is told where its stream stands.
pub const ANNOUNCE: Duration = Duration::from_millis(100);

/// What an operation has to say next.
pub enum Answer {
    /// An answer.
    Item(Box<Response>),
    /// There are no more.
    End,
}

/// An operation under way: a stream of its answers, then its end. Dropping it ends it.
pub struct Running {
    answers: Option<BoxStream<'static, Response>>,
    place: Place,
    _lease: Option<Lease>,
}

impl Running {
    /// Begins a subscription of whoever `live` is.
    pub async fn subscription(
        edge: &Edge,
        caller: &Caller,
        live: Live,
        mut prepared: Prepared,
        lease: Lease,
    ) -> Result<Self, Refused> {
        subscription::check(&mut prepared)?;
        let (ctx, price) = (live.now(), prepared.price.clone());
        let meter = Meter::open(&edge.handles, Some(&ctx), &caller.origin, price).await?;
        let place = Place::default();
        if let Some(question) = subscription::question(&mut prepared) {
            prepared.request = prepared.request.data(question);
        }
        prepared.request = prepared
            .request
            .data(live.now())
            .data(live)
            .data(Arc::new(meter))
            .data(place.clone());
        let answers = edge
            .pipeline
            .stream(prepared, None, caller.request_id.clone());
        Ok(Self {
            answers: Some(answers),
            place,
            _lease: Some(lease),
        })
    }

    /// Begins a query or a mutation, which has one answer, and as long for it as over plain HTTP.
    pub fn single(
        edge: &Edge,
        caller: &Caller,
        ctx: Option<Arc<Ctx>>,
        prepared: Prepared,
        lease: Option<Lease>,
    ) -> Self {
        let (edge, caller) = (edge.clone(), caller.clone());
        // whoever carries the answer is another task than the one that took the request
        let origin = caller.origin.clone();
        let answer = origin.scope(async move {
            let carried = single::carry_out(&edge, &caller, ctx.as_deref(), prepared).await;
            carried.unwrap_or_else(|refused| refused.into_response(&caller.request_id))
        });
        Self {
            answers: Some(answer.into_stream().boxed()),
            place: Place::default(),
            _lease: lease,
        }
    }

    /// Whether an operation has one answer only.
    pub fn is_single(prepared: &Prepared) -> bool {
        prepared.measured.operation_type != OperationType::Subscription
    }

    /// Where to resume: after the last answer that has left, and all that was passed over since.
    pub fn cursor(&self) -> Option<Cursor> {
        self.place.cursor()
    }

    /// Where to resume after the answer that was taken last; `None` when it is not about an event.
    pub fn told(&self) -> Option<Cursor> {
        self.place.told()
    }
}

impl Stream for Running {
    type Item = Answer;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Answer>> {
        let Some(answers) = &mut self.answers else {
            return Poll::Ready(None);
        };
        Poll::Ready(Some(match ready!(answers.poll_next_unpin(cx)) {
            Some(response) => Answer::Item(Box::new(response)),
            None => {
                self.answers = None;
                Answer::End
            }
        }))
    }
}

/// What is told over an HTTP answer that stays open.
pub enum Told {
    /// There is nothing new, and the stream stands here.
    Beat(Option<Cursor>),
    /// An answer as JSON, and where the stream stands after it.
    Next(Vec<u8>, Option<Cursor>),
    /// It is over.
    End,
    /// It is ended early, and what to tell of it.
    Cut(Ending, ServerError),
}

/// Tells the answers of an operation to its end. A subscription ends early with the access it began with.
pub fn told(
    edge: Edge,
    caller: Caller,
    mut access: Option<Access>,
    mut running: Running,
    connection: Option<Lease>,
    beat: Duration,
) -> impl Stream<Item = Told> + Send + 'static {
    enum Turn {
        Answer(Option<Answer>),
        Moved,
        Beat,
        Cut(Ending),
    }
    stream! {
        let _connection = connection;
        // the head of the answer leaves with the first bytes, in front of some proxies not before
        yield Told::Beat(None);
        let (mut cut, mut last) = (None, None);
        let mut beats = interval_at(Instant::now() + ANNOUNCE, beat);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let clock = &edge.handles.clock;
            let expiry = access.as_ref().and_then(|access| access.remaining(clock));
            let turn = tokio::select! {
                // whoever lost their access is told nothing more, however much there is
                biased;
                () = edge.stopping.cancelled() => Turn::Cut(Ending::Stopping),
                () = Access::moved(&mut access) => Turn::Moved,
                () = tokio::time::sleep(expiry.unwrap_or_default()), if expiry.is_some() => {
                    Turn::Cut(Ending::Expired)
                }
                _ = beats.tick() => Turn::Beat,
                answer = running.next() => Turn::Answer(answer),
            };
            match turn {
                Turn::Answer(Some(Answer::Item(response))) => {
                    let refused = !was_executed(&response);
                    let json = match to_json(&response) {
                        Ok(json) => json,
                        Err(error) => {
                            // without an end: what follows must not seem to follow
                            tracing::error!(%error, "An answer could not be written");
                            return;
                        }
                    };
                    last = running.told();
                    yield Told::Next(json, last);
                    if refused {
                        break;
                    }
                }
                Turn::Answer(_) => break,
                Turn::Moved => {
                    let Some(access) = &mut access else { continue };
                    // boxed, as it is seldom: a stream is as large as the largest thing it may wait for
                    if let Err(ending) = Box::pin(access.look(&caller)).await {
                        cut = Some(ending);
                        break;
                    }
                }
                // what was passed over counts once it is behind what was told
                Turn::Beat => yield Told::Beat(running.cursor().max(last)),
                Turn::Cut(ending) => {
                    cut = Some(ending);
                    break;
                }
            }
        }
        yield match cut {
            None => Told::End,
            Some(ending) => {
                let error = ending.refusal().into_server_error(&caller.request_id);
                Told::Cut(ending, error)
            }
        };
    }
}
