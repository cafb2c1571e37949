//! Finding imports, and how far they are.

use std::collections::HashMap;

use entity::{AccountId, ImportId, import, record, refused_row};
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter, QueryTrait, Select};

use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::page::{self, Page, Window};
use crate::permission::Permission;
use crate::records;

/// Which imports are wanted.
#[derive(Clone, Debug, Default)]
pub struct ImportFilter {
    /// How far they are: any of these, or any at all.
    pub status: Vec<import::Status>,
    /// The account they were for.
    pub account: Option<AccountId>,
}

/// How far an import is, from the file to the last decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Rows of the file.
    pub total: u64,
    /// Rows that are records, new ones and known ones.
    pub stored: u64,
    /// Records of it that the pipeline is done with, failed ones among them.
    pub processed: u64,
    /// Records of it that the pipeline gave up on.
    pub failed: u64,
}

impl ImportFilter {
    fn apply(&self, select: Select<import::Entity>) -> Select<import::Entity> {
        let status = (!self.status.is_empty()).then(|| self.status.iter().copied());
        select
            .apply_if(status, |select, status| {
                select.filter(import::Column::Status.is_in(status))
            })
            .apply_if(self.account, |select, account| {
                select.filter(import::Column::AccountId.eq(account))
            })
    }
}

/// A file may hold anything: whoever sees some records only is shown the imports they started.
fn shown(ctx: &Ctx, select: Select<import::Entity>) -> Select<import::Entity> {
    match (
        ctx.reach(Permission::ReadRecords).is_everything(),
        ctx.user(),
    ) {
        (true, _) => select,
        (false, Some(user)) => select.filter(import::Column::CreatedBy.eq(user)),
        (false, None) => select.filter(import::Column::Id.is_null()),
    }
}

/// The imports, newest first.
pub async fn list(
    ctx: &Ctx,
    filter: &ImportFilter,
    window: &Window,
) -> Result<Page<import::Model>> {
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    let select = shown(ctx, filter.apply(read.select::<import::Entity>()));
    page::page(select, &[import::Column::Id], true, window, read.on()).await
}

/// How many there are.
pub async fn count(ctx: &Ctx, filter: &ImportFilter) -> Result<u64> {
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    let select = shown(ctx, filter.apply(read.select::<import::Entity>()));
    Ok(select.count(read.on()).await?)
}

/// One import.
pub async fn load(ctx: &Ctx, id: ImportId) -> Result<import::Model> {
    let found = by_ids(ctx, &[id]).await?;
    found.into_iter().next().ok_or(Error::NotFound("import"))
}

/// The imports of these ids, in no order; ids without an import are left out.
pub async fn by_ids(ctx: &Ctx, ids: &[ImportId]) -> Result<Vec<import::Model>> {
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(1_000) {
        let ids = import::Column::Id.is_in(ids.iter().copied());
        let select = read.select::<import::Entity>().filter(ids);
        found.extend(shown(ctx, select).all(read.on()).await?);
    }
    Ok(found)
}

/// The rows of an import that could not be read, in the order of the file.
pub async fn refused_rows(
    ctx: &Ctx,
    import: ImportId,
    window: &Window,
) -> Result<Page<refused_row::Model>> {
    if !ctx.reach(Permission::ReadRecords).is_everything() {
        load(ctx, import).await?;
    }
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    let select = read
        .select::<refused_row::Entity>()
        .filter(refused_row::Column::ImportId.eq(import));
    let columns = [refused_row::Column::Line, refused_row::Column::Id];
    page::page(select, &columns, false, window, read.on()).await
}

/// How far these imports are.
pub async fn progress(ctx: &Ctx, imports: &[import::Model]) -> Result<HashMap<ImportId, Progress>> {
    let ids: Vec<ImportId> = imports.iter().map(|import| import.id).collect();
    let counts = records::status_counts(ctx, &ids).await?;
    let far = imports.iter().map(|import| {
        let of = counts.get(&import.id);
        let in_status = |status| of.and_then(|of| of.get(&status)).copied().unwrap_or(0);
        let all: u64 = of.map_or(0, |of| of.values().sum());
        let progress = Progress {
            total: rows(import.total_rows),
            stored: rows(import.new_rows) + rows(import.duplicate_rows),
            processed: all - in_status(record::Status::Received),
            failed: in_status(record::Status::Failed),
        };
        (import.id, progress)
    });
    Ok(far.collect())
}

fn rows(count: i32) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
