//! What embeddings say about the records of a batch that no tier in this process is sure of.
//!
//! The texts that have no vector yet go to the service in one request; the neighbours of all come with one statement.
//! When the service fails the batch goes on without: the hashed tier has been heard already.

use std::collections::HashMap;

use entity::{AccountId, CategoryId, record};
use serde_json::json;
use uuid::Uuid;

use super::allowed;
use super::filed::{Filed, filed};
use super::nearest::{Asked, Near, nearest};
use super::store::{Texts, embed};
use super::table;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::processing::counts::Counts;
use crate::processing::decide::{Tier, View};
use crate::processing::knowledge::Known;
use crate::processing::memory;
use crate::processing::similar::Neighbour;
use crate::text;

/// How many texts vote.
const NEIGHBOURS: usize = 8;
/// Texts looked for beyond them: some were approved once and are not any more.
const SPARE: usize = 8;
/// Embeddings of texts that have nothing in common are more alike than their n-grams are.
const MIN_SCORE: f32 = 0.5;
/// How sure embeddings make: below what decides alone, since no model could be measured on real books here.
const CEILING: f64 = 0.65;

/// What embeddings say about each of these records, in order; nothing at all without a service that the tenant allows.
pub async fn consult(
    ctx: &Ctx,
    records: &[&record::Model],
    categories: &HashMap<CategoryId, Known>,
) -> Result<Vec<Option<View>>> {
    let Some(asker) = allowed::asker(ctx).await? else {
        ctx.refresh().await;
        return Ok(vec![None; records.len()]);
    };
    let mut texts = Texts::new();
    for record in records {
        texts.insert(key(record), record.description.clone());
    }
    match embed(ctx, asker, &texts).await {
        Ok((_, made)) if made.is_empty() => {}
        // kept from now on: the same text is not sent twice
        Ok((_, made)) => {
            let tx = ctx.begin().await?;
            table::put(&tx, asker.space(), made, None).await?;
            tx.commit().await?;
        }
        Err(Error::Upstream { source, .. }) => {
            tracing::debug!(%source, "Texts of a batch have no embeddings");
        }
        Err(error) => return Err(error),
    }
    let keys: Vec<Uuid> = texts.into_keys().collect();
    let near = nearest(ctx, asker.space(), Asked::Stored(keys), NEIGHBOURS + SPARE).await?;
    let mut keys: Vec<Uuid> = near.values().flatten().map(|near| near.key).collect();
    keys.sort_unstable();
    keys.dedup();
    let filed = filed(ctx, &keys).await?;
    ctx.refresh().await;
    let model = &asker.space().model;
    let view = |record: &&record::Model| {
        let near = near.get(&key(record))?;
        view(record, near, &filed, categories, model)
    };
    Ok(records.iter().map(view).collect())
}

fn view(
    record: &record::Model,
    near: &[Near],
    filed: &HashMap<Uuid, Filed>,
    categories: &HashMap<CategoryId, Known>,
    model: &str,
) -> Option<View> {
    let near = near.iter().filter(|near| near.score >= MIN_SCORE);
    let near: Vec<_> = near
        .filter_map(|near| neighbour(*near, filed.get(&near.key)?))
        .take(NEIGHBOURS)
        .collect();
    let closest = near.first().map(|near| (near.text.clone(), near.score))?;
    let proposal = memory::vote(near, record.account_id, CEILING)?;
    let evidence = json!({ "model": model, "votes": proposal.evidence });
    let Some(known) = categories
        .get(&proposal.category)
        .filter(|known| !known.is_archived())
    else {
        let reason = "Records of like meaning were filed under a category that is archived.";
        return Some(View::silent(Tier::Similar, reason));
    };
    let reason = format!(
        "By {model} it means the like of \"{}\" ({:.0} % alike); such records were filed under {}.",
        closest.0,
        closest.1 * 100.0,
        known.name,
    );
    let view = View::proposal(
        Tier::Similar,
        proposal.category,
        proposal.confidence,
        reason,
    );
    Some(view.with(evidence))
}

fn neighbour(near: Near, filed: &Filed) -> Option<Neighbour<(Option<AccountId>, CategoryId)>> {
    let newest = filed.newest.first()?;
    let mut labels = Counts::default();
    for (label, count) in &filed.counts {
        labels.add_many(*label, *count);
    }
    Some(Neighbour {
        text: text::fold(&newest.description).as_ref().into(),
        score: near.score,
        labels,
    })
}

fn key(record: &record::Model) -> Uuid {
    let made = || text::key(&record.description);
    record.text_key.unwrap_or_else(made)
}
