//! An event as the audit log tells it: with the name of who acted, and from where.

use std::collections::HashMap;

use entity::{ConnectionId, ServiceAccountId, UserId, connection, event, event_origin};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use crate::ctx::{Origin, Read};
use crate::error::Result;
use crate::identity;

/// What kind of actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhoKind {
    /// A person.
    User,
    /// A program with an API key.
    Service,
    /// A sender of webhooks.
    Connection,
    /// balance itself.
    System,
}

impl WhoKind {
    /// As events write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Service => "service",
            Self::Connection => "connection",
            Self::System => "system",
        }
    }
}

/// Who acted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// What kind of actor.
    pub kind: WhoKind,
    /// Which one.
    pub id: Option<Uuid>,
    /// What they are called today; none of somebody who is gone.
    pub name: Option<String>,
}

/// An entry of the audit log.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What happened.
    pub event: event::Model,
    /// Who did it.
    pub actor: Who,
    /// From where, if a request caused it.
    pub origin: Option<Origin>,
}

impl Who {
    fn parse(actor: &str) -> Self {
        let (kind, id) = actor.split_once(':').unwrap_or((actor, ""));
        let kinds = [WhoKind::User, WhoKind::Service, WhoKind::Connection];
        let kind = kinds.into_iter().find(|known| known.as_str() == kind);
        Self {
            kind: kind.unwrap_or(WhoKind::System),
            id: Uuid::parse_str(id).ok(),
            name: None,
        }
    }
}

/// The entries of these events: four statements at most, however many events.
pub(super) async fn resolve(read: &Read, events: Vec<event::Model>) -> Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = events
        .into_iter()
        .map(|event| Entry {
            actor: Who::parse(&event.actor),
            event,
            origin: None,
        })
        .collect();
    name(read, &mut entries).await?;
    place(read, &mut entries).await?;
    Ok(entries)
}

async fn name(read: &Read, entries: &mut [Entry]) -> Result<()> {
    let ids = |kind: WhoKind| {
        let of_kind = entries.iter().filter(move |entry| entry.actor.kind == kind);
        let mut ids: Vec<Uuid> = of_kind.filter_map(|entry| entry.actor.id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let mut names: HashMap<(&str, Uuid), String> = HashMap::new();
    let users = ids(WhoKind::User);
    if !users.is_empty() {
        let found = identity::user_names(read, users.into_iter().map(UserId)).await?;
        names.extend(found.into_iter().map(|(id, name)| (("user", id.0), name)));
    }
    let services = ids(WhoKind::Service);
    if !services.is_empty() {
        let services = services.into_iter().map(ServiceAccountId);
        let found = identity::service_account_names(read, services).await?;
        names.extend(
            found
                .into_iter()
                .map(|(id, name)| (("service", id.0), name)),
        );
    }
    let connections = ids(WhoKind::Connection);
    if !connections.is_empty() {
        let found: Vec<(ConnectionId, String)> = read
            .select::<connection::Entity>()
            .select_only()
            .column(connection::Column::Id)
            .column(connection::Column::Name)
            .filter(connection::Column::Id.is_in(connections.into_iter().map(ConnectionId)))
            .into_tuple()
            .all(read.on())
            .await?;
        names.extend(
            found
                .into_iter()
                .map(|(id, name)| (("connection", id.0), name)),
        );
    }
    for Entry { actor, .. } in entries {
        let key = actor.id.map(|id| (actor.kind.as_str(), id));
        actor.name = key.and_then(|key| names.get(&key).cloned());
    }
    Ok(())
}

async fn place(read: &Read, entries: &mut [Entry]) -> Result<()> {
    let sequences = || entries.iter().map(|entry| entry.event.sequence);
    let (Some(first), Some(last)) = (sequences().min(), sequences().max()) else {
        return Ok(());
    };
    // a run that began before the page can reach into it: those are found by where they end
    let origins = read
        .select::<event_origin::Entity>()
        .filter(event_origin::Column::Sequence.lte(last))
        .filter(event_origin::Column::LastSequence.gte(first))
        .all(read.on())
        .await?;
    for entry in entries {
        let sequence = entry.event.sequence;
        let origin = origins
            .iter()
            .find(|run| (run.sequence..=run.last_sequence).contains(&sequence));
        entry.origin = origin.map(|run| Origin {
            address: run.address.clone(),
            user_agent: run.user_agent.clone(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actors_are_read_as_they_are_written() {
        let id = Uuid::from_u128(5);
        let who = Who::parse(&format!("service:{id}"));
        assert_eq!((who.kind, who.id), (WhoKind::Service, Some(id)));
        assert_eq!(Who::parse("system").kind, WhoKind::System);
        assert_eq!(Who::parse("system").id, None);
    }
}
