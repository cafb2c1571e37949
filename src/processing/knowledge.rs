//! What a tenant has taught so far: its rules, its chart, and a fold over its approvals.
//!
//! The approved records are the fold of the log up to the sequence they were read at; from there on the events say
//! what to learn and what to forget, exactly. Two copies that reached the same sequence are equal, on any machine.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use entity::{AccountId, CategoryId, RecordId, category, event, record, stream_head};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Deserialize;

use super::llm::Answers;
use super::memory::{Example, Memory};
use crate::ctx::{Ctx, Read};
use crate::error::{Error, Result};
use crate::rules::{self, Compiled};

/// The events that change what is known.
const KINDS: &[&str] = &[
    "TX_APPROVED",
    "APPROVAL_REOPENED",
    "RECORD_VOIDED",
    "RULE_CREATED",
    "RULE_CHANGED",
    "RULE_MOVED",
    "RULE_DELETED",
    "CATEGORY_CREATED",
    "CATEGORY_CHANGED",
    "CATEGORY_ARCHIVED",
    "CATEGORY_RESTORED",
];
/// Records read at a time.
const PORTION: u64 = 5_000;
/// Further behind than this many events, reading the books anew is cheaper.
const FAR_BEHIND: u64 = 5_000;

/// A category, as deciding needs it.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its number in the chart.
    pub code: String,
    /// Its name.
    pub name: String,
    /// What it counts as.
    pub kind: category::Kind,
    /// Whether nothing open is below it.
    pub leaf: bool,
    archived: bool,
}

/// What is known of one tenant at one sequence of its log.
#[derive(Debug, Default)]
pub struct Knowledge {
    memory: Memory<Option<AccountId>, CategoryId>,
    rules: Arc<Compiled>,
    categories: Arc<HashMap<CategoryId, Known>>,
    answers: Arc<Answers>,
    cursor: i64,
}

/// What happened since.
#[derive(Debug)]
pub(super) enum News {
    /// What to fold in.
    Some(Batch),
    /// So much that it is better to start again.
    TooMuch,
}

#[derive(Debug, Default)]
pub(super) struct Batch {
    lessons: Vec<Lesson>,
    rules: Option<Arc<Compiled>>,
    categories: Option<HashMap<CategoryId, Known>>,
    cursor: i64,
}

#[derive(Debug)]
struct Lesson {
    record: Taught,
    category: CategoryId,
    learn: bool,
}

/// The fields of a record that are learnt from; none of them ever changes.
#[derive(Clone, Debug)]
struct Taught {
    description: String,
    merchant_key: String,
    account: Option<AccountId>,
}

impl Taught {
    fn example(&self) -> Example<'_, Option<AccountId>> {
        Example {
            description: &self.description,
            merchant_key: &self.merchant_key,
            account: self.account,
        }
    }
}

impl Knowledge {
    /// Reads everything, as of one moment.
    pub async fn load(ctx: &Ctx) -> Result<Self> {
        ctx.refresh().await;
        let read = ctx.snapshot().await?;
        let mut knowledge = Self {
            cursor: head(&read).await?,
            rules: rules::compiled(&read).await?,
            categories: Arc::new(categories(&read).await?),
            ..Self::default()
        };
        let mut after: Option<RecordId> = None;
        loop {
            let mut approved = read
                .select::<record::Entity>()
                .select_only()
                .columns([
                    record::Column::Id,
                    record::Column::Description,
                    record::Column::MerchantKey,
                    record::Column::AccountId,
                    record::Column::CategoryId,
                ])
                .filter(record::Column::Status.eq(record::Status::Approved))
                .order_by_asc(record::Column::Id)
                .limit(PORTION);
            if let Some(after) = after {
                approved = approved.filter(record::Column::Id.gt(after));
            }
            type Row = (
                RecordId,
                String,
                String,
                Option<AccountId>,
                Option<CategoryId>,
            );
            let rows: Vec<Row> = approved.into_tuple().all(read.on()).await?;
            let full = rows.len() as u64 == PORTION;
            after = rows.last().map(|row| row.0);
            for (_, description, merchant_key, account, category) in rows {
                let record = Taught {
                    description,
                    merchant_key,
                    account,
                };
                if let Some(category) = category {
                    knowledge.memory.learn(&record.example(), category);
                }
            }
            if !full {
                return Ok(knowledge);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn of(
        memory: Memory<Option<AccountId>, CategoryId>,
        rules: Compiled,
        categories: HashMap<CategoryId, Known>,
    ) -> Self {
        Self {
            memory,
            rules: Arc::new(rules),
            categories: Arc::new(categories),
            ..Self::default()
        }
    }

    /// Folds in what happened since. True when the memory changed.
    pub(super) fn fold(&mut self, batch: Batch) -> bool {
        let changed = !batch.lessons.is_empty();
        for Lesson {
            record,
            category,
            learn,
        } in batch.lessons
        {
            if learn {
                self.memory.learn(&record.example(), category);
            } else {
                self.memory.forget(&record.example(), category);
            }
        }
        if let Some(rules) = batch.rules {
            self.rules = rules;
        }
        if let Some(categories) = batch.categories {
            self.categories = Arc::new(categories);
            // the language model chose from another list
            self.answers = Arc::default();
        }
        self.cursor = batch.cursor;
        changed
    }

    /// What approvals taught.
    pub fn memory(&self) -> &Memory<Option<AccountId>, CategoryId> {
        &self.memory
    }

    /// The rules in force.
    pub fn rules(&self) -> &Compiled {
        &self.rules
    }

    /// The chart of accounts.
    pub fn categories(&self) -> &Arc<HashMap<CategoryId, Known>> {
        &self.categories
    }

    /// A category that records may be filed under.
    pub fn open_category(&self, id: CategoryId) -> Option<&Known> {
        self.categories.get(&id).filter(|known| !known.archived)
    }

    /// What the language model answered already.
    pub fn answers(&self) -> &Arc<Answers> {
        &self.answers
    }

    /// The last event that is folded in.
    pub fn cursor(&self) -> i64 {
        self.cursor
    }
}

impl Known {
    #[cfg(test)]
    pub(super) fn open(code: &str, name: &str, kind: category::Kind) -> Self {
        Self {
            code: code.to_owned(),
            name: name.to_owned(),
            kind,
            leaf: true,
            archived: false,
        }
    }

    /// Whether it is put away.
    pub fn is_archived(&self) -> bool {
        self.archived
    }
}

/// What happened after `cursor`, up to the head of the log. The head is read first: whatever is below it has
/// committed, for sequences are given in commit order.
pub(super) async fn news(read: &Read, cursor: i64) -> Result<News> {
    let head = head(read).await?;
    let mut batch = Batch {
        cursor: head,
        ..Batch::default()
    };
    if head == cursor {
        return Ok(News::Some(batch));
    }
    let events: Vec<(String, String)> = read
        .select::<event::Entity>()
        .select_only()
        .columns([event::Column::Kind, event::Column::Payload])
        .filter(event::Column::Kind.is_in(KINDS.iter().copied()))
        .filter(event::Column::Sequence.gt(cursor))
        .filter(event::Column::Sequence.lte(head))
        .order_by_asc(event::Column::Sequence)
        .limit(FAR_BEHIND + 1)
        .into_tuple()
        .all(read.on())
        .await?;
    if events.len() as u64 > FAR_BEHIND {
        return Ok(News::TooMuch);
    }
    let mut lessons = Vec::new();
    let (mut rules_changed, mut categories_changed) = (false, false);
    for (kind, payload) in &events {
        match kind.as_str() {
            "TX_APPROVED" => lessons.push((Payload::read(payload)?, true)),
            "APPROVAL_REOPENED" | "RECORD_VOIDED" => {
                lessons.push((Payload::read(payload)?, false));
            }
            kind if kind.starts_with("RULE_") => rules_changed = true,
            _ => categories_changed = true,
        }
    }
    // a rejected record that is reopened, or one voided before it was approved, taught nothing
    lessons.retain(|(payload, _)| payload.category.is_some());
    let records = taught(read, lessons.iter().map(|(payload, _)| payload.record)).await?;
    for (payload, learn) in lessons {
        let (Some(record), Some(category)) = (records.get(&payload.record), payload.category)
        else {
            continue;
        };
        batch.lessons.push(Lesson {
            record: record.clone(),
            category,
            learn,
        });
    }
    if rules_changed {
        batch.rules = Some(rules::compiled(read).await?);
    }
    if categories_changed {
        batch.categories = Some(categories(read).await?);
    }
    Ok(News::Some(batch))
}

/// The part of an event that is learnt from.
#[derive(Deserialize)]
struct Payload {
    record: RecordId,
    category: Option<CategoryId>,
}

impl Payload {
    fn read(text: &str) -> Result<Self> {
        Ok(serde_json::from_str(text)?)
    }
}

async fn head(read: &Read) -> Result<i64> {
    let head = read
        .select::<stream_head::Entity>()
        .one(read.on())
        .await?
        .ok_or_else(|| Error::internal("the tenant has no event log"))?;
    Ok(head.sequence)
}

async fn categories(read: &Read) -> Result<HashMap<CategoryId, Known>> {
    let rows = read.select::<category::Entity>().all(read.on()).await?;
    let parents: HashSet<CategoryId> = rows
        .iter()
        .filter(|row| row.archived_at.is_none())
        .filter_map(|row| row.parent_id)
        .collect();
    let known = |row: category::Model| {
        let known = Known {
            leaf: !parents.contains(&row.id),
            code: row.code,
            name: row.name,
            kind: row.kind,
            archived: row.archived_at.is_some(),
        };
        (row.id, known)
    };
    Ok(rows.into_iter().map(known).collect())
}

async fn taught(
    read: &Read,
    ids: impl Iterator<Item = RecordId>,
) -> Result<HashMap<RecordId, Taught>> {
    let mut ids: Vec<RecordId> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    let mut records = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(1_000) {
        let rows: Vec<(RecordId, String, String, Option<AccountId>)> = read
            .select::<record::Entity>()
            .select_only()
            .columns([
                record::Column::Id,
                record::Column::Description,
                record::Column::MerchantKey,
                record::Column::AccountId,
            ])
            .filter(record::Column::Id.is_in(ids.iter().copied()))
            .into_tuple()
            .all(read.on())
            .await?;
        for (id, description, merchant_key, account) in rows {
            records.insert(
                id,
                Taught {
                    description,
                    merchant_key,
                    account,
                },
            );
        }
    }
    Ok(records)
}
