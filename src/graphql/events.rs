//! The event log: pages of it, and the streams that follow it.
//!
//! Every stream says where it stands: each message carries its `cursor`, and a stream that is cut is resumed by sending
//! the last one as `after`. What a message links to is loaded when it is sent, and shows what is true then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::{ComplexObject, Context, ID, Json, Object, SimpleObject, Subscription};
use chrono::{DateTime, Utc};
use entity::event;
use futures::{Stream, StreamExt};
use serde_json::Value;
use uuid::Uuid;

use super::node::{global, split};
use super::op::Op;
use crate::error::{Error, Result};
use crate::events::{self, Cursor, Delivery, Filter, Tails};
use crate::permission::Permission;

/// Something that happened, as the log keeps it.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct Event {
    /// Opaque global id.
    pub id: ID,
    /// Its place in the log: send it as `after` to go on from here.
    pub cursor: String,
    /// Its number in the tenant's log, from 1 and without gaps.
    pub sequence: i64,
    /// What happened, such as `PROCESSED` or `TX_APPROVED`.
    pub kind: String,
    /// Who caused it; `balance` unless a caller named itself.
    pub source_agent: String,
    /// Who acted: `system`, `user:<uuid>`, `service:<uuid>` or `connection:<uuid>`.
    pub actor: String,
    /// What it is about.
    pub subject: EventSubject,
    /// What it says: ids, amounts, dates and states.
    pub payload: Json<Value>,
    /// What changed, where something did.
    pub diff: Option<Json<Value>>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When it entered the log; never goes backwards.
    pub recorded_at: DateTime<Utc>,
}

/// What an event is about.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct EventSubject {
    /// Its type.
    pub kind: String,
    /// Its opaque global id.
    pub id: ID,
}

impl EventSubject {
    /// What an event is about.
    pub(super) fn of(row: &event::Model) -> Self {
        Self {
            kind: row.subject_kind.clone(),
            id: global(&typename(&row.subject_kind), row.subject_id),
        }
    }
}

/// A page of the log.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct EventPage {
    /// The events, oldest first.
    pub events: Vec<Event>,
    /// Where to go on: send it as `after`. It passes over events that were not wanted, too.
    pub cursor: String,
    /// Whether wanted events follow already.
    pub has_more: bool,
}

/// An event of a stream.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct EventMessage {
    /// Where the stream stands after it: send it as `after` to resume.
    pub cursor: String,
    #[graphql(skip)]
    row: Arc<event::Model>,
}

#[ComplexObject]
impl EventMessage {
    /// What happened.
    async fn event(&self) -> Event {
        Event::from(&*self.row)
    }
}

impl From<&event::Model> for Event {
    fn from(row: &event::Model) -> Self {
        Self {
            id: global("Event", row.id),
            cursor: Cursor::of(row).to_string(),
            sequence: row.sequence,
            kind: row.kind.clone(),
            source_agent: row.source_agent.clone(),
            actor: row.actor.clone(),
            subject: EventSubject::of(row),
            payload: shown(&row.payload),
            diff: row.diff.as_deref().map(shown),
            occurred_at: row.occurred_at,
            recorded_at: row.recorded_at,
        }
    }
}

/// A stored payload or diff, as clients read it.
pub(super) fn shown(text: &str) -> Json<Value> {
    Json(opaque("", parse(text)))
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

/// `record` is a `Record`.
fn typename(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// The ids in what an event says, as clients know them: a member is named after what its id is of.
fn opaque(name: &str, value: Value) -> Value {
    match value {
        Value::String(text) => match Uuid::parse_str(&text) {
            Ok(id) => Value::from(global(&type_of(name), id).0),
            Err(_) => Value::String(text),
        },
        Value::Object(members) => members
            .into_iter()
            .map(|(member, value)| {
                let side = matches!(member.as_str(), "from" | "to");
                let value = opaque(if side { name } else { &member }, value);
                (member, value)
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(|item| opaque(name, item)).collect(),
        other => other,
    }
}

fn type_of(member: &str) -> String {
    match member {
        "owner" => "User".to_owned(),
        "parent" => "Category".to_owned(),
        "role" => "CustomRole".to_owned(),
        "escalated" | "declined" => "Approval".to_owned(),
        "successor" => "ApiKey".to_owned(),
        "reopened" => "Approval".to_owned(),
        "outgoing" | "incoming" | "purchase" => "Record".to_owned(),
        other => typename(other),
    }
}

/// How far a stream has got: with its messages, and between them over events it does not want. Whatever carries the
/// stream puts one into its request, and tells the client.
#[derive(Clone, Default)]
pub struct Place(Arc<Mutex<Stand>>);

#[derive(Default)]
struct Stand {
    /// After all that was handed over.
    passed: Option<Cursor>,
    /// After the event that is being told.
    told: Option<Cursor>,
    /// Whether what is being told follows from that event.
    of_event: bool,
}

impl Place {
    /// The cursor to resume from.
    pub fn cursor(&self) -> Option<Cursor> {
        self.stand().passed
    }

    /// The cursor to resume from for whoever has received the last message.
    pub fn told(&self) -> Option<Cursor> {
        self.stand().told
    }

    /// The event that is being told, where nothing else is: no refusal, and not how far something is.
    pub fn event(&self) -> Option<Cursor> {
        let stand = self.stand();
        stand.told.filter(|_| stand.of_event)
    }

    fn pass(&self, cursor: Cursor) {
        self.stand().passed = Some(cursor);
    }

    /// Notes the event that is being told.
    pub fn tell(&self, cursor: Cursor) {
        let mut stand = self.stand();
        stand.told = Some(cursor);
        stand.of_event = false;
    }

    fn is_of_event(&self, of_event: bool) {
        self.stand().of_event = of_event;
    }

    fn stand(&self) -> MutexGuard<'_, Stand> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Follows the log of the tenant that asks, and keeps its place. It ends with a refusal when the permission is lost.
pub(super) async fn follow(
    ctx: &Context<'_>,
    permission: Permission,
    after: Option<String>,
    filter: Filter,
) -> Result<impl Stream<Item = Result<Arc<event::Model>>> + use<>> {
    let after = after.as_deref().map(Cursor::parse).transpose()?;
    let tails = ctx
        .data_opt::<Tails>()
        .ok_or_else(|| Error::internal("the schema has no tails to follow"))?;
    let place = ctx.data_opt::<Place>().cloned().unwrap_or_default();
    // boxed: it is over at once, and would otherwise be part of the stream for as long as that lasts
    let mut deliveries = Box::pin(tails.follow(ctx.op()?, permission, after, filter)).await?;
    let mut live = ctx.live()?;
    Ok(async_stream::stream! {
        loop {
            // the event is the fact; whether it may be told is asked at each
            let delivery = tokio::select! {
                biased;
                delivery = deliveries.next() => Some(delivery),
                () = live.changed() => None,
            };
            if let Err(lost) = events::may_follow(&live.now(), permission) {
                yield Err(lost);
                return;
            }
            match delivery {
                None => {}
                Some(None) => return,
                Some(Some(Ok(Delivery::Event(event)))) => {
                    let cursor = Cursor::of(&event);
                    place.tell(cursor);
                    yield Ok(event);
                    // only now that the next is asked for has its message been handed over
                    place.pass(cursor);
                }
                Some(Some(Ok(Delivery::Position(cursor)))) => place.pass(cursor),
                Some(Some(Err(error))) => yield Err(error),
            }
        }
    })
}

/// The messages of a stream of which each that is no refusal follows from its event: whoever asks the same about that event
/// may be told the same.
pub fn of_events<T, S: Stream<Item = async_graphql::Result<T>>>(
    ctx: &Context<'_>,
    messages: S,
) -> impl Stream<Item = async_graphql::Result<T>> + use<T, S> {
    let place = ctx.data_opt::<Place>().cloned().unwrap_or_default();
    messages.inspect(move |message| place.is_of_event(message.is_ok()))
}

/// Questions about the event log.
#[derive(Default)]
pub struct EventsQuery;

#[Object]
impl EventsQuery {
    /// Events after a cursor, oldest first. Needs `events:read`.
    #[allow(clippy::too_many_arguments)]
    async fn event_feed(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "A cursor the log gave, or START for the oldest event kept.",
            default = "START"
        )]
        after: String,
        #[graphql(
            desc = "Only events of these kinds, such as TX_APPROVED; all of them without this."
        )]
        kinds: Option<Vec<String>>,
        #[graphql(desc = "Only events about the thing of this id.")] subject_id: Option<ID>,
        #[graphql(desc = "Only events recorded then or later.")] from: Option<DateTime<Utc>>,
        #[graphql(desc = "Only events recorded before.")] to: Option<DateTime<Utc>>,
        #[graphql(desc = "How many at most, 1 to 500.", default = 50)] first: i32,
    ) -> Result<EventPage> {
        let subject = match &subject_id {
            Some(id) => {
                let (_, id) = split(id).ok_or_else(|| {
                    Error::invalid("subjectId", "is no id; use the `id` of a thing")
                })?;
                Some(id)
            }
            None => None,
        };
        let filter = Filter {
            kinds: kinds.unwrap_or_default(),
            subject,
            from,
            to,
        };
        let first = u64::try_from(first).unwrap_or(0);
        let page = events::feed(ctx.op()?, Cursor::parse(&after)?, &filter, first).await?;
        Ok(EventPage {
            events: page.events.iter().map(Into::into).collect(),
            cursor: page.cursor.to_string(),
            has_more: page.has_more,
        })
    }

    /// The place after the last event. Ask for it before a list, subscribe with it as `after`, and nothing is missed in
    /// between. Needs a sign-in.
    async fn event_cursor(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(events::head(ctx.op()?).await?.to_string())
    }
}

/// The event log as it grows.
#[derive(Default)]
pub struct EventsSubscription;

#[Subscription]
impl EventsSubscription {
    /// Events as they happen. Needs `events:read`.
    async fn event_feed(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Where to go on: the last cursor received, or START; from now without it."
        )]
        after: Option<String>,
        #[graphql(
            desc = "Only events of these kinds, such as TX_APPROVED; all of them without this."
        )]
        kinds: Option<Vec<String>>,
    ) -> Result<impl Stream<Item = async_graphql::Result<EventMessage>> + use<>> {
        let filter = Filter::kinds(kinds.unwrap_or_default());
        let events = follow(ctx, Permission::ReadEvents, after, filter).await?;
        let messages = events.map(|event| {
            let row = event?;
            Ok(EventMessage {
                cursor: Cursor::of(&row).to_string(),
                row,
            })
        });
        Ok(of_events(ctx, messages))
    }
}

#[cfg(test)]
mod tests {
    use entity::RecordId;
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_in_a_payload_are_those_that_clients_know() {
        let id = Uuid::from_u128(5);
        let shown = opaque(
            "",
            json!({ "record": id, "amount": "1.00", "parent": { "from": null, "to": id } }),
        );
        let expected = json!({
            "record": global("Record", RecordId(id)).0,
            "amount": "1.00",
            "parent": { "from": null, "to": global("Category", id).0 },
        });
        assert_eq!(shown, expected);
    }
}
