//! Asking for an export, and seeing how far it is.

use entity::ExportId;
use entity::export::{self, Status};
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter};

use crate::ctx::{Ctx, Event, Job, Tx};
use crate::error::{Error, Result};
use crate::page::{self, Page, Window};
use crate::permission::Permission;

/// Asks for everything of the tenant as a file. One at a time: a second one would hold the same.
#[tracing::instrument(skip_all)]
pub async fn request_export(ctx: &Ctx) -> Result<export::Model> {
    ctx.require(Permission::ManageTenant)?;
    let mut tx = ctx.begin().await?;
    let under_way = tx
        .select::<export::Entity>()
        .filter(export::Column::Status.is_in([Status::Queued, Status::Running]))
        .one(tx.on())
        .await?;
    if under_way.is_some() {
        return Err(Error::conflict("an export is being made already"));
    }
    let row = ask(&mut tx, false).await?;
    tx.commit().await?;
    Ok(row)
}

/// Asks for an export within a unit of work.
pub(in crate::tenants) async fn ask(tx: &mut Tx<'_>, for_deletion: bool) -> Result<export::Model> {
    let ctx = tx.ctx();
    let row = export::Model {
        tenant_id: ctx.tenant(),
        id: ctx.id(),
        status: Status::Queued,
        for_deletion,
        rows_done: 0,
        rows_total: 0,
        size_bytes: 0,
        sha256: None,
        error: None,
        created_by: ctx.user(),
        created_at: ctx.now(),
        finished_at: None,
        expires_at: None,
    };
    tx.insert(row.clone()).await?;
    tx.enqueue(Job::ExportTenant { export: row.id });
    tx.record(Event::ExportRequested { export: row.id });
    Ok(row)
}

/// One export.
pub async fn load_export(ctx: &Ctx, id: ExportId) -> Result<export::Model> {
    ctx.require(Permission::ManageTenant)?;
    find(ctx, id).await?.ok_or(Error::NotFound("export"))
}

/// The exports of the tenant, the last one first.
pub async fn list_exports(ctx: &Ctx, window: &Window) -> Result<Page<export::Model>> {
    ctx.require(Permission::ManageTenant)?;
    let read = ctx.read().await?;
    page::page(
        read.select::<export::Entity>(),
        &[export::Column::Id],
        true,
        window,
        read.on(),
    )
    .await
}

/// How many exports the tenant has.
pub async fn count_exports(ctx: &Ctx) -> Result<u64> {
    ctx.require(Permission::ManageTenant)?;
    let read = ctx.read().await?;
    Ok(read.select::<export::Entity>().count(read.on()).await?)
}

pub(super) async fn find(ctx: &Ctx, id: ExportId) -> Result<Option<export::Model>> {
    let read = ctx.read().await?;
    Ok(read
        .select::<export::Entity>()
        .filter(export::Column::Id.eq(id))
        .one(read.on())
        .await?)
}
