//! Pages of the log, for whoever comes back for more in their own time.

use chrono::{DateTime, Utc};
use entity::event;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{Cursor, read};
use crate::ctx::{Ctx, Event};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// The most events a page may have.
pub const MAX: u64 = 500;

/// Which events are wanted. What is empty asks for nothing.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of one of these kinds, by their public names.
    pub kinds: Vec<String>,
    /// About this thing.
    pub subject: Option<Uuid>,
    /// Recorded then or later.
    pub from: Option<DateTime<Utc>>,
    /// Recorded before.
    pub to: Option<DateTime<Utc>>,
}

impl Filter {
    /// Events of these kinds.
    pub fn kinds<K: Into<String>>(kinds: impl IntoIterator<Item = K>) -> Self {
        Self {
            kinds: kinds.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// Refuses kinds that do not exist.
    pub(super) fn check(&self) -> Result<()> {
        let unknown = |kind: &&String| !Event::KINDS.contains(&kind.as_str());
        let Some(kind) = self.kinds.iter().find(unknown) else {
            return Ok(());
        };
        let shown: String = kind.chars().take(40).collect();
        let known = Event::KINDS.join(", ");
        Err(Error::invalid(
            "kinds",
            format!("'{shown}' is no kind of event; accepted are {known}"),
        ))
    }

    /// Whether an event is wanted.
    pub fn takes(&self, event: &event::Model) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&event.kind))
            && self.subject.is_none_or(|id| id == event.subject_id)
            && self.from.is_none_or(|from| event.recorded_at >= from)
            && self.to.is_none_or(|to| event.recorded_at < to)
    }

    fn narrow(&self, mut select: sea_orm::Select<event::Entity>) -> sea_orm::Select<event::Entity> {
        if !self.kinds.is_empty() {
            select =
                select.filter(event::Column::Kind.is_in(self.kinds.iter().map(String::as_str)));
        }
        if let Some(subject) = self.subject {
            select = select.filter(event::Column::SubjectId.eq(subject));
        }
        if let Some(from) = self.from {
            select = select.filter(event::Column::RecordedAt.gte(from));
        }
        if let Some(to) = self.to {
            select = select.filter(event::Column::RecordedAt.lt(to));
        }
        select
    }
}

/// A page of the log.
#[derive(Clone, Debug)]
pub struct FeedPage {
    /// The events, in order.
    pub events: Vec<event::Model>,
    /// Where to read on: after everything this page looked at, wanted or not.
    pub cursor: Cursor,
    /// Whether wanted events follow already.
    pub has_more: bool,
}

/// Reads the wanted events after a place, at most `first` of them (1 to [`MAX`]).
pub async fn feed(ctx: &Ctx, after: Cursor, filter: &Filter, first: u64) -> Result<FeedPage> {
    // the log tells of every record: whoever sees some only does not read it
    ctx.require_on_all(Permission::ReadEvents)?;
    filter.check()?;
    if !(1..=MAX).contains(&first) {
        return Err(Error::invalid("first", format!("must be 1 to {MAX}")));
    }
    let read = ctx.read().await?;
    // the head is read before the rows, which stop at it: the page may then say it has looked at all up to there
    let head = read::head(&read).await?;
    let start = read::start(&read, after, head).await?;
    let wanted = read
        .select::<event::Entity>()
        .filter(event::Column::Sequence.gt(start))
        .filter(event::Column::Sequence.lte(head.sequence()));
    let mut events = filter
        .narrow(wanted)
        .order_by_asc(event::Column::Sequence)
        .limit(first + 1)
        .all(read.on())
        .await?;
    let has_more = events.len() as u64 > first;
    events.truncate(first as usize);
    let cursor = match events.last() {
        Some(last) if has_more => Cursor::of(last),
        _ => head,
    };
    Ok(FeedPage {
        events,
        cursor,
        has_more,
    })
}

/// The place after the last event. Read it before rows, then follow from it, and nothing lies between. Needs no
/// permission: a place tells nothing about what is there.
pub async fn head(ctx: &Ctx) -> Result<Cursor> {
    read::head(&ctx.read().await?).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_known_by_its_public_name_only() {
        assert!(Filter::kinds(["PROCESSED", "TX_APPROVED"]).check().is_ok());
        let refused = Filter::kinds(["processed"]).check().unwrap_err();
        assert!(
            refused
                .to_string()
                .starts_with("kinds: 'processed' is no kind of event")
        );
    }
}
