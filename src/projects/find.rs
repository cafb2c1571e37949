//! Finding projects.

use entity::{ProjectId, project};
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter, Select};

use crate::ctx::{Ctx, Read};
use crate::error::{Error, Result};
use crate::page::{self, Page, Window};
use crate::permission::Permission;

/// Which projects are wanted.
#[derive(Clone, Debug, Default)]
pub struct ProjectFilter {
    /// Only those put away, or only those not.
    pub archived: Option<bool>,
}

impl ProjectFilter {
    fn select(&self, read: &Read) -> Select<project::Entity> {
        let select = read.select::<project::Entity>();
        match self.archived {
            None => select,
            Some(true) => select.filter(project::Column::ArchivedAt.is_not_null()),
            Some(false) => select.filter(project::Column::ArchivedAt.is_null()),
        }
    }
}

/// The projects by key.
pub async fn list(
    ctx: &Ctx,
    filter: &ProjectFilter,
    window: &Window,
) -> Result<Page<project::Model>> {
    ctx.require(Permission::ReadProjects)?;
    let read = ctx.read().await?;
    let columns = [project::Column::Key, project::Column::Id];
    page::page(filter.select(&read), &columns, false, window, read.on()).await
}

/// How many there are.
pub async fn count(ctx: &Ctx, filter: &ProjectFilter) -> Result<u64> {
    ctx.require(Permission::ReadProjects)?;
    let read = ctx.read().await?;
    Ok(filter.select(&read).count(read.on()).await?)
}

/// One project.
pub async fn load(ctx: &Ctx, id: ProjectId) -> Result<project::Model> {
    let found = by_ids(ctx, &[id]).await?.pop();
    found.ok_or(Error::NotFound("project"))
}

/// The projects of these ids, in no order; ids without a project are left out.
pub async fn by_ids(ctx: &Ctx, ids: &[ProjectId]) -> Result<Vec<project::Model>> {
    ctx.require(Permission::ReadProjects)?;
    let read = ctx.read().await?;
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(1_000) {
        let some = read
            .select::<project::Entity>()
            .filter(project::Column::Id.is_in(ids.iter().copied()));
        found.extend(some.all(read.on()).await?);
    }
    Ok(found)
}
