//! The audit log as a CSV file, in portions: the length of the log does not matter to memory.

use std::borrow::Cow;

use async_stream::try_stream;
use entity::event;
use futures::Stream;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::entry::{self, Entry};
use super::filter::AuditFilter;
use crate::ctx::Ctx;
use crate::error::Result;
use crate::permission::Permission;
use crate::records::push_line;

/// Entries of one portion.
const PORTION: u64 = 1_000;

const HEADER: &[&str] = &[
    "sequence",
    "occurredAt",
    "action",
    "resourceKind",
    "resourceId",
    "actorKind",
    "actorId",
    "actorName",
    "sourceAgent",
    "address",
    "userAgent",
    "payload",
    "diff",
];

/// The wanted entries as CSV, newest first. Each portion is read for itself, so a slow reader holds no transaction open.
pub async fn export(
    ctx: Ctx,
    filter: AuditFilter,
) -> Result<impl Stream<Item = Result<Vec<u8>>> + Send + 'static> {
    ctx.require_on_all(Permission::ReadAudit)?;
    filter.check()?;
    Ok(try_stream! {
        let mut header = Vec::new();
        push_line(&mut header, HEADER.iter().map(|name| Cow::Borrowed(*name)));
        yield header;
        let mut before = None;
        loop {
            let entries = portion(&ctx, &filter, before).await?;
            let Some(last) = entries.last() else { break };
            before = Some(last.event.sequence);
            let more = entries.len() as u64 == PORTION;
            let mut lines = Vec::with_capacity(entries.len() * 300);
            for entry in &entries {
                push_line(&mut lines, cells(entry));
            }
            yield lines;
            if !more {
                break;
            }
        }
    })
}

async fn portion(ctx: &Ctx, filter: &AuditFilter, before: Option<i64>) -> Result<Vec<Entry>> {
    let read = ctx.read().await?;
    let events = filter
        .apply(read.select::<event::Entity>())
        .apply_if(before, |select, before| {
            select.filter(event::Column::Sequence.lt(before))
        })
        .order_by_desc(event::Column::Sequence)
        .limit(PORTION)
        .all(read.on())
        .await?;
    let entries = entry::resolve(&read, events).await?;
    drop(read);
    ctx.refresh().await;
    Ok(entries)
}

fn cells(
    Entry {
        event,
        actor,
        origin,
    }: &Entry,
) -> [Cow<'_, str>; 13] {
    let text = |text: Option<&'_ String>| Cow::Owned(text.cloned().unwrap_or_default());
    let origin = origin.as_ref();
    [
        event.sequence.to_string().into(),
        event.occurred_at.to_rfc3339().into(),
        event.kind.as_str().into(),
        event.subject_kind.as_str().into(),
        event.subject_id.to_string().into(),
        actor.kind.as_str().into(),
        actor.id.map(|id| id.to_string()).unwrap_or_default().into(),
        text(actor.name.as_ref()),
        event.source_agent.as_str().into(),
        text(origin.and_then(|origin| origin.address.as_ref())),
        text(origin.and_then(|origin| origin.user_agent.as_ref())),
        event.payload.as_str().into(),
        text(event.diff.as_ref()),
    ]
}
