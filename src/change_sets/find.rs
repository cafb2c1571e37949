//! Looking change sets up, and what they did.

use entity::change_set_item::{self, Column as I, Kind, Outcome, Reason};
use entity::{ChangeSetId, change_set};
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter, Select};

use crate::ctx::{Ctx, Read};
use crate::error::{Error, Result};
use crate::page::{self, Page, Window};
use crate::permission::Permission;

/// Which items are wanted. What is absent matters not.
#[derive(Clone, Debug, Default)]
pub struct ItemFilter {
    /// About one of these.
    pub kinds: Option<Vec<Kind>>,
    /// With one of these outcomes.
    pub outcomes: Option<Vec<Outcome>>,
    /// For one of these reasons.
    pub reasons: Option<Vec<Reason>>,
}

/// The change sets, the latest first.
pub async fn list(ctx: &Ctx, window: &Window) -> Result<Page<change_set::Model>> {
    may_read(ctx)?;
    let read = ctx.read().await?;
    let all = read.select::<change_set::Entity>();
    page::page(all, &[change_set::Column::Id], true, window, read.on()).await
}

/// How many there are.
pub async fn count(ctx: &Ctx) -> Result<u64> {
    may_read(ctx)?;
    let read = ctx.read().await?;
    let all = read.select::<change_set::Entity>();
    Ok(all.count(read.on()).await?)
}

/// One change set.
pub async fn load(ctx: &Ctx, id: ChangeSetId) -> Result<change_set::Model> {
    let found = by_ids(ctx, &[id]).await?.pop();
    found.ok_or(Error::NotFound("change set"))
}

/// The change sets of those ids that exist, in no particular order.
pub async fn by_ids(ctx: &Ctx, ids: &[ChangeSetId]) -> Result<Vec<change_set::Model>> {
    may_read(ctx)?;
    let read = ctx.read().await?;
    let found = read
        .select::<change_set::Entity>()
        .filter(change_set::Column::Id.is_in(ids.iter().copied()))
        .all(read.on())
        .await?;
    Ok(found)
}

/// What a change set did, in its order: rules, policy, records.
pub async fn items(
    ctx: &Ctx,
    id: ChangeSetId,
    filter: &ItemFilter,
    window: &Window,
) -> Result<Page<change_set_item::Model>> {
    load(ctx, id).await?;
    let read = ctx.read().await?;
    let select = wanted(&read, id, filter);
    page::page(select, &[I::Number, I::Id], false, window, read.on()).await
}

/// How many items there are.
pub async fn count_items(ctx: &Ctx, id: ChangeSetId, filter: &ItemFilter) -> Result<u64> {
    load(ctx, id).await?;
    let read = ctx.read().await?;
    let select = wanted(&read, id, filter);
    Ok(select.count(read.on()).await?)
}

fn wanted(read: &Read, id: ChangeSetId, filter: &ItemFilter) -> Select<change_set_item::Entity> {
    let mut select = read
        .select::<change_set_item::Entity>()
        .filter(I::ChangeSetId.eq(id));
    if let Some(kinds) = &filter.kinds {
        select = select.filter(I::Kind.is_in(kinds.iter().copied()));
    }
    if let Some(outcomes) = &filter.outcomes {
        select = select.filter(I::Outcome.is_in(outcomes.iter().copied()));
    }
    if let Some(reasons) = &filter.reasons {
        select = select.filter(I::Reason.is_in(reasons.iter().copied()));
    }
    select
}

/// A change set tells of all records that a simulation saw, so whoever sees some records only is shown none.
fn may_read(ctx: &Ctx) -> Result<()> {
    ctx.require(Permission::ReadReports)?;
    ctx.require_on_all(Permission::ReadRecords)
}
