//! Pages of the audit log.

use entity::event;
use sea_orm::PaginatorTrait;

use super::entry::{self, Entry};
use super::filter::AuditFilter;
use crate::ctx::Ctx;
use crate::error::Result;
use crate::page::{self, Page, Window};
use crate::permission::Permission;

/// The wanted entries, newest first.
pub async fn list(ctx: &Ctx, filter: &AuditFilter, window: &Window) -> Result<Page<Entry>> {
    ctx.require_on_all(Permission::ReadAudit)?;
    filter.check()?;
    let read = ctx.read().await?;
    let wanted = filter.apply(read.select::<event::Entity>());
    let order = [event::Column::Sequence];
    let page = page::page(wanted, &order, true, window, read.on()).await?;
    let (cursors, events) = page.rows.into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
    let entries = entry::resolve(&read, events).await?;
    Ok(Page {
        rows: cursors.into_iter().zip(entries).collect(),
        has_next: page.has_next,
        has_previous: page.has_previous,
    })
}

/// How many there are.
pub async fn count(ctx: &Ctx, filter: &AuditFilter) -> Result<u64> {
    ctx.require_on_all(Permission::ReadAudit)?;
    filter.check()?;
    let read = ctx.read().await?;
    let wanted = filter.apply(read.select::<event::Entity>());
    Ok(wanted.count(read.on()).await?)
}
