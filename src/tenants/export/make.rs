//! Writing an export.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use entity::export::{self, Status};
use entity::{ExportId, JobId, file, job};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;
use tokio::io::AsyncReadExt;

use super::archive::{Archive, Written};
use super::contents::{self, Progress};
use super::rows::PORTION;
use super::{ask, download};
use crate::ctx::{Ctx, Event};
use crate::error::{Error, Result};
use crate::events;
use crate::files::Store;
use crate::identity;
use crate::page::Window;
use crate::queue::Claim;
use crate::tenants::change;

/// How long the file of an export is kept.
pub(super) const KEEP: TimeDelta = TimeDelta::days(7);
/// How often the row says how far it is.
const SAY: Duration = Duration::from_millis(500);
/// Bytes of an uploaded file that are read at a time.
const CHUNK: usize = 256 * 1024;

/// Writes an export that was asked for. One that is there already is left as it is.
#[tracing::instrument(skip_all, fields(export.id = %id))]
pub async fn make(ctx: &Ctx, claim: &Claim, job: &job::Model, id: ExportId) -> Result<()> {
    let asked = ask::find(ctx, id).await?.ok_or(Error::NotFound("export"))?;
    let made = match asked.status {
        Status::Queued | Status::Running => Some(write(ctx, claim, &asked).await?),
        Status::Ready | Status::Failed => None,
    };
    let mut tx = ctx.begin().await?;
    tx.complete(claim, &[job.id]).await?;
    if let Some((written, expires_at)) = made {
        let stored = tx
            .update::<export::Entity>()
            .col_expr(export::Column::Status, Expr::value(Status::Ready))
            .col_expr(export::Column::SizeBytes, Expr::value(written.size_bytes))
            .col_expr(export::Column::Sha256, Expr::value(written.sha256))
            .col_expr(
                export::Column::RowsDone,
                Expr::col(export::Column::RowsTotal),
            )
            .col_expr(export::Column::FinishedAt, Expr::value(ctx.now()))
            .col_expr(export::Column::ExpiresAt, Expr::value(expires_at))
            .filter(export::Column::Id.eq(id))
            .filter(export::Column::Status.is_in([Status::Queued, Status::Running]))
            .exec(tx.on())
            .await?;
        if stored.rows_affected == 1 {
            tx.record(Event::ExportReady { export: id });
        }
    }
    tx.commit().await
}

/// Buries the job of an export that cannot be made, and says so in the export.
#[tracing::instrument(skip_all, fields(export.id = %id))]
pub async fn give_up(
    ctx: &Ctx,
    claim: &Claim,
    job: &job::Model,
    id: ExportId,
    error: &str,
) -> Result<()> {
    let mut tx = ctx.begin().await?;
    tx.bury(claim, &[job.id], error).await?;
    let failed = tx
        .update::<export::Entity>()
        .col_expr(export::Column::Status, Expr::value(Status::Failed))
        .col_expr(export::Column::Error, Expr::value(error))
        .col_expr(export::Column::FinishedAt, Expr::value(ctx.now()))
        .filter(export::Column::Id.eq(id))
        .filter(export::Column::Status.is_in([Status::Queued, Status::Running]))
        .exec(tx.on())
        .await?;
    if failed.rows_affected == 1 {
        tx.record(Event::ExportFailed { export: id });
    }
    tx.commit().await
}

async fn write(
    ctx: &Ctx,
    claim: &Claim,
    asked: &export::Model,
) -> Result<(Written, DateTime<Utc>)> {
    let store = Store::of(ctx.config());
    // the claim is in the name: a worker that lost it may still be writing
    let partial =
        download::folder(&store, ctx.tenant()).join(format!("{}.{}.part", asked.id, claim.id));
    let mut archive = Archive::begin(partial).await?;
    let read = ctx.read().await?;
    let tenant = change::load(read.on(), ctx.tenant()).await?;
    drop(read);
    let as_of = events::head(ctx).await?;
    let rows_total = contents::count(ctx).await? as i64;
    let mut told = Told {
        ctx,
        id: asked.id,
        job: claim.jobs.first().map(|job| job.id),
        rows: 0,
        rows_total,
        said: Instant::now(),
    };
    told.begin(rows_total).await?;

    let mut files = contents::write(ctx, &mut archive, &mut told).await?;
    let members = members(ctx, &mut archive).await?;
    files.insert("members.ndjson".to_owned(), members.into());
    let uploads = uploads(ctx, &store, &mut archive).await?;
    let manifest = json!({
        "format": "balance export",
        "version": 1,
        "tenant": { "id": tenant.id, "name": tenant.name, "baseCurrency": tenant.base_currency },
        "exportedAt": ctx.now(),
        "asOf": as_of.to_string(),
        "rows": files,
        "uploads": uploads,
    });
    archive.file("manifest.json").await?;
    let text = serde_json::to_vec_pretty(&manifest).map_err(Error::internal)?;
    archive.bytes(text).await?;

    // one that was made before a deletion can be had until the tenant is erased
    let last_day = tenant.erase_at.filter(|_| asked.for_deletion);
    let expires_at = seconds(last_day.unwrap_or_default().max(ctx.now() + KEEP));
    let path = download::path(&store, ctx.tenant(), asked.id, expires_at);
    Ok((archive.keep(path).await?, expires_at))
}

/// The people of the tenant, by name.
async fn members(ctx: &Ctx, archive: &mut Archive) -> Result<i64> {
    archive.file("members.ndjson").await?;
    let (mut count, mut from) = (0, None);
    loop {
        ctx.refresh().await;
        let window = Window {
            size: crate::page::MAX,
            from,
            backwards: false,
        };
        let page = identity::list_members(ctx, &window).await?;
        let mut text = Vec::new();
        for (_, member) in &page.rows {
            let line = json!({
                "userId": member.person.id,
                "name": member.person.name,
                "email": member.person.email,
                "role": identity::role_name(member.role),
                "joinedAt": member.joined_at,
            });
            serde_json::to_writer(&mut text, &line).map_err(Error::internal)?;
            text.push(b'\n');
            count += 1;
        }
        archive.bytes(text).await?;
        from = page.rows.last().map(|(cursor, _)| cursor.clone());
        if !page.has_next {
            return Ok(count);
        }
    }
}

/// The uploaded files, each once, under the hash of its content; `files.ndjson` has their names.
async fn uploads(ctx: &Ctx, store: &Store, archive: &mut Archive) -> Result<u64> {
    let mut after: Option<entity::FileId> = None;
    let mut written = BTreeSet::new();
    loop {
        ctx.refresh().await;
        let read = ctx.read().await?;
        let mut select = read
            .select::<file::Entity>()
            .filter(file::Column::Sha256.is_not_null());
        if let Some(after) = after {
            select = select.filter(file::Column::Id.gt(after));
        }
        let files = select
            .order_by_asc(file::Column::Id)
            .limit(PORTION)
            .all(read.on())
            .await?;
        drop(read);
        ctx.refresh().await;
        let Some(last) = files.last() else {
            return Ok(written.len() as u64);
        };
        after = Some(last.id);
        for sha256 in files.into_iter().filter_map(|file| file.sha256) {
            if !written.insert(sha256.clone()) {
                continue;
            }
            let mut bytes = store
                .open(ctx.tenant(), &sha256)
                .await
                .map_err(Error::internal)?;
            archive.file(&format!("uploads/{sha256}")).await?;
            loop {
                let mut chunk = Vec::with_capacity(CHUNK);
                let mut next = (&mut bytes).take(CHUNK as u64);
                let read = next.read_to_end(&mut chunk).await;
                if read.map_err(Error::internal)? == 0 {
                    break;
                }
                archive.bytes(chunk).await?;
            }
        }
    }
}

/// Says in the row how far it is.
struct Told<'c> {
    ctx: &'c Ctx,
    id: ExportId,
    job: Option<JobId>,
    rows: i64,
    rows_total: i64,
    said: Instant,
}

impl Told<'_> {
    async fn begin(&self, rows_total: i64) -> Result<()> {
        let tx = self.ctx.begin().await?;
        tx.update::<export::Entity>()
            .col_expr(export::Column::Status, Expr::value(Status::Running))
            .col_expr(export::Column::RowsTotal, Expr::value(rows_total))
            .col_expr(export::Column::RowsDone, Expr::value(0))
            .filter(export::Column::Id.eq(self.id))
            .filter(export::Column::Status.is_in([Status::Queued, Status::Running]))
            .exec(tx.on())
            .await?;
        tx.commit().await
    }
}

impl Progress for Told<'_> {
    async fn wrote(&mut self, rows: i64) -> Result<()> {
        self.rows += rows;
        if self.said.elapsed() < SAY {
            return Ok(());
        }
        self.said = Instant::now();
        let tx = self.ctx.begin().await?;
        tx.update::<export::Entity>()
            .col_expr(export::Column::RowsDone, Expr::value(self.rows))
            .filter(export::Column::Id.eq(self.id))
            .filter(export::Column::Status.eq(Status::Running))
            .exec(tx.on())
            .await?;
        tx.commit().await?;
        if let Some(job) = self.job {
            let (done, total) = (self.rows.unsigned_abs(), self.rows_total.unsigned_abs());
            self.ctx.tell_progress(job, done, total);
        }
        Ok(())
    }
}

/// An instant that a file name can hold.
fn seconds(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(at.timestamp(), 0).unwrap_or(at)
}
