//! What a reviewer sees of a record's neighbours.

use std::collections::{BTreeMap, HashMap};

use entity::{CategoryId, RecordId, record};
use uuid::Uuid;

use super::allowed;
use super::filed::{Filed, filed};
use super::nearest::{Asked, Near, nearest};
use super::table;
use crate::ctx::Ctx;
use crate::error::Result;
use crate::processing::ngram;
use crate::records;
use crate::text;
use crate::vectors::Space;

/// Texts less alike than this share a few letters by accident.
const MIN_SCORE: f32 = 0.2;
/// Texts looked for beyond those wanted: some were approved once and are not any more.
const SPARE: usize = 8;

/// An approved text that a record resembles.
#[derive(Clone, Debug)]
pub struct Similar {
    /// Cosine likeness: 1 is the same text.
    pub score: f32,
    /// The model whose vectors were compared.
    pub model: String,
    /// The newest approved record with that text.
    pub record: record::Model,
    /// How many approved records with that text were filed where.
    pub filed: Vec<(CategoryId, u32)>,
}

/// The approved texts that each of these records resembles most, up to `limit`, most alike first; the record itself is
/// none of them. Compared by the embedding model where a record's text has its vector, and by hashed n-grams else.
pub async fn similar_records(
    ctx: &Ctx,
    ids: &[RecordId],
    limit: usize,
) -> Result<HashMap<RecordId, Vec<Similar>>> {
    let asked = records::by_ids(ctx, ids).await?;
    let mut texts: BTreeMap<Uuid, &str> = BTreeMap::new();
    for record in &asked {
        texts.insert(key(record), &record.description);
    }
    let mut near: HashMap<Uuid, (Space, Vec<Near>)> = HashMap::new();
    if let Some(asker) = allowed::asker(ctx).await? {
        let keys: Vec<Uuid> = texts.keys().copied().collect();
        let space = asker.space();
        let read = ctx.read().await?;
        let known = table::stored(ctx, &read, space, &keys).await?;
        drop(read);
        texts.retain(|key, _| !known.contains(key));
        let stored = Asked::Stored(known.into_iter().collect());
        for (key, found) in nearest(ctx, space, stored, limit + SPARE).await? {
            near.insert(key, (space.clone(), found));
        }
    }
    let given = texts
        .into_iter()
        .map(|(key, text)| (key, ngram::dense(text)));
    let given = Asked::Given(given.collect());
    let space = Space::hashed();
    for (key, found) in nearest(ctx, &space, given, limit + SPARE).await? {
        near.insert(key, (space.clone(), found));
    }
    let mut keys: Vec<Uuid> = near
        .values()
        .flat_map(|(_, found)| found.iter().map(|near| near.key))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let filed = filed(ctx, &keys).await?;
    let similar = |record: &record::Model| {
        let Some((space, found)) = near.get(&key(record)) else {
            return (record.id, Vec::new());
        };
        let found = found.iter().filter(|near| near.score >= MIN_SCORE);
        let found = found.filter_map(|near| shown(*near, space, filed.get(&near.key)?, record));
        (record.id, found.take(limit).collect())
    };
    Ok(asked.iter().map(similar).collect())
}

/// A neighbour as it is shown, unless nothing is left of it without the record asked about.
fn shown(near: Near, space: &Space, filed: &Filed, asked: &record::Model) -> Option<Similar> {
    let filed = if near.key == key(asked) {
        filed.clone().without(asked)
    } else {
        filed.clone()
    };
    Some(Similar {
        score: near.score,
        model: space.model.clone(),
        filed: filed.by_category().into_iter().collect(),
        record: filed.newest.into_iter().next()?,
    })
}

fn key(record: &record::Model) -> Uuid {
    let made = || text::key(&record.description);
    record.text_key.unwrap_or_else(made)
}
