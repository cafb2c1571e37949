//! The audit log, as clients see it.

use async_graphql::{Context, Enum, ID, InputObject, Json, Object, SimpleObject};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::events::{EventSubject, shown};
use super::node::{global, split};
use super::op::Op;
use super::page::{Connection, as_of, asks, window};
use crate::audit::{self, Entry, WhoKind};
use crate::error::{Error, Result};

/// What kind of actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "WhoKind")]
pub enum AuditActorKind {
    /// A person.
    User,
    /// A program with an API key.
    Service,
    /// A sender of webhooks.
    Connection,
    /// balance itself.
    System,
}

/// Who acted.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct AuditActor {
    /// What kind of actor.
    pub kind: AuditActorKind,
    /// The global id of the user, the service account or the connection.
    pub id: Option<ID>,
    /// What they are called today; null of the system, and of somebody who is gone.
    pub name: Option<String>,
}

/// A change, with who made it and from where.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct AuditEntry {
    /// The global id of the event.
    pub id: ID,
    /// Its number in the tenant's log.
    pub sequence: i64,
    /// What was done, such as `RULE_CHANGED`.
    pub action: String,
    /// To what.
    pub resource: EventSubject,
    /// By whom.
    pub actor: AuditActor,
    /// The agent that the caller named; `balance` unless it did.
    pub source_agent: String,
    /// What the event says: ids, amounts, dates and states.
    pub payload: Json<Value>,
    /// What changed, where something did.
    pub diff: Option<Json<Value>>,
    /// The address the request came from, if a request caused it.
    pub address: Option<String>,
    /// The client as it named itself.
    pub user_agent: Option<String>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
}

impl From<Entry> for AuditEntry {
    fn from(entry: Entry) -> Self {
        let Entry {
            event,
            actor,
            origin,
        } = entry;
        let kind = match actor.kind {
            WhoKind::User => "User",
            WhoKind::Service => "ServiceAccount",
            WhoKind::Connection => "Connection",
            WhoKind::System => "System",
        };
        let origin = origin.unwrap_or_default();
        Self {
            id: global("Event", event.id),
            sequence: event.sequence,
            resource: EventSubject::of(&event),
            actor: AuditActor {
                kind: actor.kind.into(),
                id: actor.id.map(|id| global(kind, id)),
                name: actor.name,
            },
            payload: shown(&event.payload),
            diff: event.diff.as_deref().map(shown),
            address: origin.address,
            user_agent: origin.user_agent,
            occurred_at: event.occurred_at,
            action: event.kind,
            source_agent: event.source_agent,
        }
    }
}

/// Which entries are wanted.
#[derive(InputObject, Default)]
pub struct AuditFilter {
    /// By this kind of actor.
    pub actor_kind: Option<AuditActorKind>,
    /// By this user, service account or connection.
    pub actor_id: Option<ID>,
    /// With one of these actions, such as RULE_CHANGED.
    pub actions: Option<Vec<String>>,
    /// About this kind of thing, such as `rule`.
    pub resource_kind: Option<String>,
    /// About this thing.
    pub resource_id: Option<ID>,
    /// That happened then or later.
    pub from: Option<DateTime<Utc>>,
    /// That happened before.
    pub to: Option<DateTime<Utc>>,
}

impl AuditFilter {
    /// The filter with ids of the tenant instead of global ones.
    pub fn read(self) -> Result<audit::AuditFilter> {
        let actor = self.actor_id.map(|id| actor(&id)).transpose()?;
        let resource = self.resource_id.map(|id| {
            let found = split(&id).map(|(_, id)| id);
            found.ok_or_else(|| {
                Error::invalid("filter.resourceId", "is no id; use the `id` of a thing")
            })
        });
        Ok(audit::AuditFilter {
            by: self.actor_kind.map(Into::into),
            actor,
            actions: self.actions.unwrap_or_default(),
            resource_kind: self.resource_kind,
            resource: resource.transpose()?,
            from: self.from,
            to: self.to,
        })
    }
}

fn actor(id: &ID) -> Result<(WhoKind, uuid::Uuid)> {
    let found = split(id).and_then(|(kind, id)| {
        let kind = match kind.as_str() {
            "User" => WhoKind::User,
            "ServiceAccount" => WhoKind::Service,
            "Connection" => WhoKind::Connection,
            _ => return None,
        };
        Some((kind, id))
    });
    found.ok_or_else(|| {
        Error::invalid(
            "filter.actorId",
            "is no id of somebody who acts; that of a ServiceAccount or a Connection, or the id of a User is accepted",
        )
    })
}

/// Questions about who did what.
#[derive(Default)]
pub struct AuditQuery;

#[Object]
impl AuditQuery {
    /// Every change with who made it and from where, newest first. Needs `audit:read`.
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which entries; all when left out.")] filter: Option<AuditFilter>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor to start after.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor to end before.")] before: Option<String>,
    ) -> Result<Connection<AuditEntry>> {
        let window = window(first, after, last, before)?;
        let op = ctx.op()?;
        let filter = filter.unwrap_or_default().read()?;
        let as_of = as_of(ctx).await?;
        let page = audit::list(op, &filter, &window).await?;
        let mut found = Connection::of(page, AuditEntry::from);
        found.as_of = as_of;
        if asks(ctx, "totalCount") {
            found.total_count = Some(audit::count(op, &filter).await? as i64);
        }
        Ok(found)
    }
}
