//! Making the vectors of everything that is approved: after the model changed, or where they were never made.
//!
//! It walks the approved texts in the order of their keys, a portion at a time, and notes after each how far it is: one
//! that was interrupted goes on from there, and a text that has its vector costs a look.

use chrono::{DateTime, Timelike, Utc};
use entity::{JobId, RecordId, record, text_vector, vector_set};
use sea_orm::sea_query::{CaseStatement, Expr, Func};
use sea_orm::{ColumnTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::store::{Texts, embed, hash};
use super::{agreed_to, allowed, table};
use crate::ctx::{Ctx, Job, Tx};
use crate::error::{Error, Result};
use crate::queue::Claim;
use crate::text;
use crate::vectors::{HASHED, Space};

/// Texts looked at in one transaction.
const PORTION: u64 = 250;

/// How far the vectors of a tenant in one space are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The space.
    pub space: Space,
    /// Approved texts there were when it began.
    pub total: i64,
    /// Texts looked at.
    pub done: i64,
    /// When all had their vector.
    pub finished_at: Option<DateTime<Utc>>,
}

/// How far the tenant's vectors are in each space that is configured and allowed; one that was never begun is at nothing.
pub async fn progress(ctx: &Ctx) -> Result<Vec<Progress>> {
    let spaces = allowed::spaces(ctx).await?;
    let read = ctx.read().await?;
    let rows = read.select::<vector_set::Entity>().all(read.on()).await?;
    let progress = spaces.into_iter().map(|space| {
        let row = rows
            .iter()
            .find(|row| row.model == space.model && row.dimension == table::dimension(&space));
        Progress {
            total: row.map_or(0, |row| row.total),
            done: row.map_or(0, |row| row.done),
            finished_at: row.and_then(|row| row.finished_at),
            space,
        }
    });
    Ok(progress.collect())
}

/// Asks for the vectors that are missing, as a worker does when it starts: a job for each space in which the tenant's
/// were never finished. How many jobs that were.
pub async fn begin_at_start(ctx: &Ctx) -> Result<usize> {
    let progress = progress(ctx).await?;
    let missing: Vec<Space> = progress
        .into_iter()
        .filter(|progress| progress.finished_at.is_none())
        .map(|progress| progress.space)
        .collect();
    if missing.is_empty() {
        return Ok(0);
    }
    let now = ctx.now();
    // two workers that start together want one and the same
    let since = now - chrono::TimeDelta::seconds(i64::from(now.minute() * 60 + now.second()));
    let since = since.with_nanosecond(0).unwrap_or(since);
    let mut tx = ctx.begin().await?;
    for space in &missing {
        tx.enqueue(Job::RebuildVectors {
            model: space.model.clone(),
            dimension: space.dimension,
            since,
        });
    }
    tx.commit().await?;
    Ok(missing.len())
}

/// Rebuilds as a job, which is done with the last portion. Where the tenant wants no embeddings any more, those that it
/// has are let go.
pub async fn rebuild_job(ctx: &Ctx, claim: &Claim, job: JobId, space: &Space) -> Result<()> {
    if allowed::spaces(ctx).await?.contains(space) {
        rebuild(ctx, space, |far| {
            ctx.tell_progress(job, far.done.unsigned_abs(), far.total.unsigned_abs());
        })
        .await?;
    } else {
        allowed::forget_unwanted(ctx).await?;
        tracing::info!(
            vectors.model = space.model,
            "No vectors of this model are wanted any more"
        );
    }
    let tx = ctx.begin().await?;
    tx.complete(claim, &[job]).await?;
    tx.commit().await
}

/// Makes every vector that is missing in a space, and tells after each portion how far it is.
pub async fn rebuild(
    ctx: &Ctx,
    space: &Space,
    mut tell: impl FnMut(&Progress),
) -> Result<Progress> {
    while give_keys(ctx).await? {}
    let mut set = begin(ctx, space).await?;
    loop {
        let texts = portion(ctx, set.cursor).await?;
        let full = texts.len() as u64 == PORTION;
        set.cursor = texts.keys().next_back().copied().or(set.cursor);
        set.done += texts.len() as i64;
        set.total = Ord::max(set.total, set.done);
        set.finished_at = (!full).then(|| ctx.now());
        store(ctx, space, &texts, &set).await?;
        let progress = Progress {
            space: space.clone(),
            total: set.total,
            done: set.done,
            finished_at: set.finished_at,
        };
        tell(&progress);
        if !full {
            return Ok(progress);
        }
    }
}

/// Gives approved records from before there were keys theirs; false when none is left.
async fn give_keys(ctx: &Ctx) -> Result<bool> {
    let tx = ctx.begin().await?;
    let rows: Vec<(RecordId, String)> = tx
        .select::<record::Entity>()
        .select_only()
        .columns([record::Column::Id, record::Column::Description])
        .filter(record::Column::Status.eq(record::Status::Approved))
        .filter(record::Column::TextKey.is_null())
        .order_by_asc(record::Column::Id)
        .limit(PORTION)
        .into_tuple()
        .all(tx.on())
        .await?;
    if rows.is_empty() {
        return Ok(false);
    }
    let mut key = CaseStatement::new();
    for (id, description) in &rows {
        key = key.case(
            record::Column::Id.eq(*id),
            Expr::value(text::key(description)),
        );
    }
    tx.update::<record::Entity>()
        .col_expr(record::Column::TextKey, key.into())
        .filter(record::Column::Id.is_in(rows.iter().map(|(id, _)| *id)))
        .exec(tx.on())
        .await?;
    tx.commit().await?;
    Ok(true)
}

/// Where to go on: after a finished walk from the start again.
async fn begin(ctx: &Ctx, space: &Space) -> Result<vector_set::Model> {
    let tx = ctx.begin().await?;
    let found = tx
        .select::<vector_set::Entity>()
        .filter(vector_set::Column::Model.eq(&space.model))
        .filter(vector_set::Column::Dimension.eq(table::dimension(space)))
        .one(tx.on())
        .await?;
    let interrupted = found.as_ref().filter(|set| set.finished_at.is_none());
    if let Some(set) = interrupted.filter(|set| set.cursor.is_some()) {
        return Ok(set.clone());
    }
    let total = tx
        .select::<record::Entity>()
        .select_only()
        .column(record::Column::TextKey)
        .filter(agreed_to())
        .filter(record::Column::TextKey.is_not_null())
        .distinct()
        .count(tx.on())
        .await?;
    let set = vector_set::Model {
        tenant_id: tx.tenant(),
        model: space.model.clone(),
        dimension: table::dimension(space),
        cursor: None,
        total: i64::try_from(total).map_err(Error::internal)?,
        done: 0,
        updated_at: ctx.now(),
        finished_at: None,
    };
    tx.insert_new(vec![set.clone()]).await?;
    note(&tx, &set).await?;
    tx.commit().await?;
    Ok(set)
}

/// The next approved texts.
async fn portion(ctx: &Ctx, after: Option<Uuid>) -> Result<Texts> {
    ctx.refresh().await;
    let read = ctx.read().await?;
    let mut next = read
        .select::<record::Entity>()
        .select_only()
        .column(record::Column::TextKey)
        .expr_as(
            Func::min(Expr::col(record::Column::Description)),
            "description",
        )
        .filter(agreed_to())
        .filter(record::Column::TextKey.is_not_null())
        .group_by(record::Column::TextKey)
        .order_by_asc(record::Column::TextKey)
        .limit(PORTION);
    if let Some(after) = after {
        next = next.filter(record::Column::TextKey.gt(after));
    }
    let texts: Vec<(Uuid, String)> = next.into_tuple().all(read.on()).await?;
    drop(read);
    ctx.refresh().await;
    Ok(texts.into_iter().collect())
}

/// Stores what a portion lacks, together with how far that is. The last one lets go of models that are not used.
async fn store(ctx: &Ctx, space: &Space, texts: &Texts, set: &vector_set::Model) -> Result<()> {
    if space.is_hashed() {
        let tx = ctx.begin().await?;
        hash(&tx, texts).await?;
        note(&tx, set).await?;
        return tx.commit().await;
    }
    let asker = allowed::asker(ctx).await?;
    let asker = asker.ok_or_else(|| Error::conflict("the tenant wants no embeddings any more"))?;
    let (known, made) = embed(ctx, asker, texts).await?;
    let tx = ctx.begin().await?;
    table::approve(&tx, space, &known).await?;
    table::put(&tx, space, made, Some(ctx.now())).await?;
    note(&tx, set).await?;
    if set.finished_at.is_some() {
        let used = text_vector::Column::Model
            .ne(&space.model)
            .or(text_vector::Column::Dimension.ne(table::dimension(space)));
        tx.delete::<text_vector::Entity>()
            .filter(text_vector::Column::Model.ne(HASHED))
            .filter(used)
            .exec(tx.on())
            .await?;
        let used = vector_set::Column::Model
            .ne(&space.model)
            .or(vector_set::Column::Dimension.ne(table::dimension(space)));
        tx.delete::<vector_set::Entity>()
            .filter(vector_set::Column::Model.ne(HASHED))
            .filter(used)
            .exec(tx.on())
            .await?;
    }
    tx.commit().await
}

async fn note(tx: &Tx<'_>, set: &vector_set::Model) -> Result<()> {
    tx.update::<vector_set::Entity>()
        .col_expr(vector_set::Column::Cursor, Expr::value(set.cursor))
        .col_expr(vector_set::Column::Total, Expr::value(set.total))
        .col_expr(vector_set::Column::Done, Expr::value(set.done))
        .col_expr(vector_set::Column::UpdatedAt, Expr::value(tx.ctx().now()))
        .col_expr(vector_set::Column::FinishedAt, Expr::value(set.finished_at))
        .filter(vector_set::Column::Model.eq(&set.model))
        .filter(vector_set::Column::Dimension.eq(set.dimension))
        .exec(tx.on())
        .await?;
    Ok(())
}
