//! What a record resembles, as clients see it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, SimpleObject};
use entity::{CategoryId, RecordId};

use super::categories::Category;
use super::loader::{OpLoader, find};
use super::records::Record;
use crate::error::{Error, Result};
use crate::processing::neighbours::{self, Similar};

/// Neighbours shown of one record, at most.
const MAX: i32 = 50;

/// An approved text that a record resembles.
#[derive(Clone, SimpleObject)]
#[graphql(serial)]
pub struct SimilarRecord {
    /// How alike the texts are, to three decimals: 1 is the same text.
    pub score: f64,
    /// The model whose vectors were compared: `hashed-512-v1` or an embedding model.
    pub model: String,
    /// The newest approved record with that text.
    pub record: Record,
    /// Where the approved records with that text were filed, most often first.
    pub filed_under: Vec<FiledUnder>,
}

/// A category and how many records were filed there.
#[derive(Clone, SimpleObject)]
#[graphql(complex, serial)]
pub struct FiledUnder {
    /// How many records.
    pub count: i32,
    #[graphql(skip)]
    category_id: CategoryId,
}

#[ComplexObject]
impl FiledUnder {
    /// The category; none when it is gone.
    async fn category(&self, ctx: &Context<'_>) -> Result<Option<Category>> {
        find(ctx, self.category_id).await
    }
}

impl From<Similar> for SimilarRecord {
    fn from(similar: Similar) -> Self {
        let mut filed_under: Vec<FiledUnder> = similar
            .filed
            .into_iter()
            .map(|(category_id, count)| FiledUnder {
                count: i32::try_from(count).unwrap_or(i32::MAX),
                category_id,
            })
            .collect();
        filed_under.sort_by_key(|filed| std::cmp::Reverse(filed.count));
        Self {
            score: (f64::from(similar.score) * 1_000.0).round() / 1_000.0,
            model: similar.model,
            record: similar.record.into(),
            filed_under,
        }
    }
}

/// Asks for what a record resembles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SimilarTo {
    record: RecordId,
    first: i32,
}

impl SimilarTo {
    /// The `first` neighbours of a record.
    pub fn new(record: RecordId, first: i32) -> Result<Self> {
        if (1..=MAX).contains(&first) {
            Ok(Self { record, first })
        } else {
            Err(Error::invalid("first", format!("1 to {MAX} are accepted")))
        }
    }
}

impl Loader<SimilarTo> for OpLoader {
    type Value = Vec<SimilarRecord>;
    type Error = Arc<Error>;

    async fn load(
        &self,
        asked: &[SimilarTo],
    ) -> Result<HashMap<SimilarTo, Vec<SimilarRecord>>, Arc<Error>> {
        let mut by_size: BTreeMap<i32, Vec<RecordId>> = BTreeMap::new();
        for asked in asked {
            by_size.entry(asked.first).or_default().push(asked.record);
        }
        let mut found = HashMap::with_capacity(asked.len());
        // one turn for each size a document names: nearly always one
        for (first, records) in by_size {
            let limit = usize::try_from(first).unwrap_or_default();
            let similar = neighbours::similar_records(&self.ctx, &records, limit).await;
            for (record, similar) in similar.map_err(Arc::new)? {
                let similar = similar.into_iter().map(Into::into).collect();
                found.insert(SimilarTo { record, first }, similar);
            }
        }
        Ok(found)
    }
}
