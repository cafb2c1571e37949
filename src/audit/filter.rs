//! Which entries are wanted.

use chrono::{DateTime, Utc};
use entity::event;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter, Select};
use uuid::Uuid;

use super::WhoKind;
use crate::ctx::Event;
use crate::error::{Error, Result};

/// Which entries are wanted. What is empty asks for nothing.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// By this kind of actor.
    pub by: Option<WhoKind>,
    /// By this very actor.
    pub actor: Option<(WhoKind, Uuid)>,
    /// With one of these actions: the public names of events.
    pub actions: Vec<String>,
    /// About this kind of thing, such as `rule`.
    pub resource_kind: Option<String>,
    /// About this thing.
    pub resource: Option<Uuid>,
    /// That happened then or later.
    pub from: Option<DateTime<Utc>>,
    /// That happened before.
    pub to: Option<DateTime<Utc>>,
}

impl AuditFilter {
    /// Refuses actions that do not exist.
    pub(super) fn check(&self) -> Result<()> {
        let unknown = |kind: &&String| !Event::KINDS.contains(&kind.as_str());
        match self.actions.iter().find(unknown) {
            None => Ok(()),
            Some(kind) => {
                let shown: String = kind.chars().take(40).collect();
                Err(Error::invalid(
                    "actions",
                    format!("'{shown}' is no action; one such as RULE_CHANGED is accepted"),
                ))
            }
        }
    }

    pub(super) fn apply(&self, mut select: Select<event::Entity>) -> Select<event::Entity> {
        use event::Column;
        // written out, so that the index of what people and programs did can be used
        let others = || Expr::cust("actor <> 'system'");
        match self.by {
            None => {}
            Some(WhoKind::System) => select = select.filter(Column::Actor.eq("system")),
            Some(kind) => {
                let prefix = format!("{}:", kind.as_str());
                select = select
                    .filter(others())
                    .filter(Column::Actor.starts_with(prefix));
            }
        }
        if let Some((kind, id)) = self.actor {
            let actor = format!("{}:{id}", kind.as_str());
            select = select.filter(others()).filter(Column::Actor.eq(actor));
        }
        if !self.actions.is_empty() {
            select = select.filter(Column::Kind.is_in(self.actions.iter().map(String::as_str)));
        }
        if let Some(kind) = &self.resource_kind {
            select = select.filter(Column::SubjectKind.eq(kind.as_str()));
        }
        if let Some(id) = self.resource {
            select = select.filter(Column::SubjectId.eq(id));
        }
        if let Some(from) = self.from {
            select = select.filter(Column::RecordedAt.gte(from));
        }
        if let Some(to) = self.to {
            select = select.filter(Column::RecordedAt.lt(to));
        }
        select
    }
}
