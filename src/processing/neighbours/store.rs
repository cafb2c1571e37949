//! Keeping the vectors of what was approved.

use std::collections::BTreeMap;

use entity::{JobId, RecordId, job, record, vector_set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::{agreed_to, allowed, rebuild, table};
use crate::ctx::{Ctx, Job, Tx};
use crate::error::{Error, Result};
use crate::processing::ngram;
use crate::queue::Claim;
use crate::text;
use crate::vectors::{Asker, Space};

/// Texts by their keys.
pub(super) type Texts = BTreeMap<Uuid, String>;

/// Carries out claimed jobs about vectors: those about records together, rebuildings one after the other.
#[tracing::instrument(skip_all, fields(tenant.id = %ctx.tenant(), jobs = claim.jobs.len()))]
pub async fn store_vectors(ctx: &Ctx, claim: &Claim) -> Result<()> {
    let mut records: Vec<RecordId> = Vec::new();
    let mut about_records: Vec<JobId> = Vec::new();
    let mut rebuildings = Vec::new();
    for job in &claim.jobs {
        match Job::read(job)? {
            Job::StoreVectors { records: more } => {
                records.extend(more);
                about_records.push(job.id);
            }
            Job::RebuildVectors {
                model, dimension, ..
            } => rebuildings.push((job.id, Space { model, dimension })),
            other => return Err(Error::internal(format!("{other:?} is not about vectors"))),
        }
    }
    if !about_records.is_empty() {
        store(ctx, claim, &about_records, &records).await?;
    }
    for (job, space) in rebuildings {
        rebuild::rebuild_job(ctx, claim, job, &space).await?;
    }
    Ok(())
}

async fn store(ctx: &Ctx, claim: &Claim, jobs: &[JobId], records: &[RecordId]) -> Result<()> {
    let texts = approved(ctx, records).await?;
    let asker = allowed::asker(ctx).await?;
    // vectors made here wait for no service
    let tx = ctx.begin().await?;
    let Some(asker) = asker else {
        tx.complete(claim, jobs).await?;
        hash(&tx, &texts).await?;
        return tx.commit().await;
    };
    hash(&tx, &texts).await?;
    tx.commit().await?;
    let (known, made) = embed(ctx, asker, &texts).await?;
    let tx = ctx.begin().await?;
    tx.complete(claim, jobs).await?;
    table::approve(&tx, asker.space(), &known).await?;
    table::put(&tx, asker.space(), made, Some(ctx.now())).await?;
    tx.commit().await
}

/// The texts of those records that are approved still.
async fn approved(ctx: &Ctx, records: &[RecordId]) -> Result<Texts> {
    let read = ctx.read().await?;
    let mut texts = Texts::new();
    for ids in records.chunks(1_000) {
        let rows: Vec<(Option<Uuid>, String)> = read
            .select::<record::Entity>()
            .select_only()
            .columns([record::Column::TextKey, record::Column::Description])
            .filter(record::Column::Id.is_in(ids.iter().copied()))
            .filter(agreed_to())
            .into_tuple()
            .all(read.on())
            .await?;
        for (key, text) in rows {
            texts.insert(key.unwrap_or_else(|| text::key(&text)), text);
        }
    }
    Ok(texts)
}

/// Stores the hashed vectors of approved texts.
pub(super) async fn hash(tx: &Tx<'_>, texts: &Texts) -> Result<()> {
    let space = Space::hashed();
    let rows = texts.iter().map(|(key, text)| (*key, ngram::dense(text)));
    // blank text is like nothing
    let rows = rows.filter(|(_, vector)| vector.iter().any(|number| *number != 0.0));
    table::put(tx, &space, rows.collect(), Some(tx.ctx().now())).await
}

/// Which of these texts have their embedding already, and those of the others, fresh from the service. No transaction
/// is open when this returns, nor while it waits.
pub(super) async fn embed(
    ctx: &Ctx,
    asker: &Asker,
    texts: &Texts,
) -> Result<(Vec<Uuid>, Vec<table::Row>)> {
    let keys: Vec<Uuid> = texts.keys().copied().collect();
    let read = ctx.read().await?;
    let known = table::stored(ctx, &read, asker.space(), &keys).await?;
    drop(read);
    ctx.refresh().await;
    let (missing, wanted): (Vec<Uuid>, Vec<&str>) = texts
        .iter()
        .filter(|(key, text)| !known.contains(key) && !text.trim().is_empty())
        .map(|(key, text)| (*key, text.as_str()))
        .unzip();
    if missing.is_empty() {
        return Ok((known.into_iter().collect(), Vec::new()));
    }
    let made = asker.embed(&wanted, ctx.now()).await;
    let made = made.map_err(|failure| Error::Upstream {
        provider: "the embedding service",
        source: failure.into(),
    })?;
    Ok((
        known.into_iter().collect(),
        missing.into_iter().zip(made).collect(),
    ))
}

/// What happens when a job about vectors has failed for good: the next start makes what is missing.
pub async fn give_up(ctx: &Ctx, claim: &Claim, job: &job::Model, error: &str) -> Result<()> {
    let tx = ctx.begin().await?;
    tx.bury(claim, &[job.id], error).await?;
    tx.update::<vector_set::Entity>()
        .col_expr(
            vector_set::Column::FinishedAt,
            Expr::value(None::<chrono::DateTime<chrono::Utc>>),
        )
        .col_expr(vector_set::Column::Cursor, Expr::value(None::<Uuid>))
        .filter(vector_set::Column::FinishedAt.is_not_null())
        .exec(tx.on())
        .await?;
    tx.commit().await
}
