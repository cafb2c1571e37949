//! Bringing a tenant's model up to date: its newest snapshot, then the events since, in their order.

use std::collections::HashMap;

use entity::{AccountId, CategoryId, RecordId, category, event, model_snapshot, record};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Deserialize;
use uuid::Uuid;

use super::memory::Example;
use super::model::{self, FORMAT, Facts, Model, Name};
use super::trades::Trades;
use crate::ctx::{Ctx, Read};
use crate::error::{Error, Result};
use crate::suggestions::Habits;
use crate::text::fold;

/// The events that teach and unteach.
pub(super) const KINDS: [&str; 3] = ["TX_APPROVED", "APPROVAL_REOPENED", "RECORD_VOIDED"];
/// Events read at a time.
const PORTION: u64 = 5_000;
/// More lessons than this are learnt off the async threads.
const FEW: usize = 100;
/// A snapshot is due after this many lessons, and after a tenth of all.
const DUE: u64 = 200;

/// What one event teaches.
#[derive(Clone, Debug)]
pub(super) struct Lesson {
    pub record: Taught,
    pub category: CategoryId,
    /// Learn it, or forget it.
    pub learn: bool,
}

/// The fields of a record that are learnt from; none of them ever changes.
#[derive(Clone, Debug)]
pub(super) struct Taught {
    pub description: String,
    pub merchant_key: String,
    pub account: Option<AccountId>,
    pub amount: i64,
}

impl Taught {
    /// What the memory of approvals looks at.
    pub fn example(&self) -> Example<'_, Option<AccountId>> {
        Example {
            description: &self.description,
            merchant_key: &self.merchant_key,
            account: self.account,
        }
    }
}

/// What the model looks at, from the fields of a record; `text` is its description, folded.
pub(super) fn facts<'a>(
    text: &'a str,
    merchant: &'a str,
    account: Option<AccountId>,
    amount: i64,
) -> Facts<'a> {
    let account = account.map_or(0, |account| account.0.as_u128());
    Facts {
        text,
        merchant,
        trades: Trades::of(text, merchant),
        account,
        amount,
    }
}

impl Name for CategoryId {
    fn to_bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }

    fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

/// A tenant's model, and how far a snapshot of it reaches.
#[derive(Debug, Default)]
pub(super) struct Learned {
    pub model: Model<CategoryId>,
    /// Lessons in the newest snapshot known here.
    kept: u64,
}

impl Learned {
    /// The model at the head of the log that `read` sees.
    pub async fn load(read: &Read, head: i64) -> Result<Self> {
        let (mut learned, mut after) = match newest(read, head).await? {
            Some((model, sequence)) => (
                Self {
                    kept: model.lessons(),
                    model,
                },
                sequence,
            ),
            None => (Self::default(), 0),
        };
        while after < head {
            let (events, reached) = events(read, after, head).await?;
            after = reached;
            let lessons = lessons(read, &events).await?;
            learned = learned.fold(lessons).await?;
        }
        Ok(learned)
    }

    /// Learns, off the async threads when that takes long.
    pub async fn fold(mut self, lessons: Vec<Lesson>) -> Result<Self> {
        if lessons.len() <= FEW {
            self.learn(&lessons);
            return Ok(self);
        }
        let learning = tokio::task::spawn_blocking(move || {
            self.learn(&lessons);
            self
        });
        learning.await.map_err(Error::internal)
    }

    pub fn learn(&mut self, lessons: &[Lesson]) {
        for Lesson {
            record,
            category,
            learn,
        } in lessons
        {
            let text = fold(&record.description);
            let facts = facts(&text, &record.merchant_key, record.account, record.amount);
            if *learn {
                self.model.learn(&facts, *category);
            } else {
                self.model.forget(&facts, *category);
            }
        }
    }

    /// Whether enough was learnt since the newest snapshot known here.
    pub fn is_due(&self) -> bool {
        let all = self.model.lessons();
        all >= self.kept + DUE.max(all / 10)
    }

    /// Notes that a snapshot was stored.
    pub fn stored(&mut self) {
        self.kept = self.model.lessons();
    }
}

/// How merchants were filed up to the head of the log that `read` sees. In order, so from the beginning.
pub(super) async fn habits(read: &Read, head: i64) -> Result<Habits> {
    let (mut habits, mut after) = (Habits::default(), 0);
    while after < head {
        let (events, reached) = events(read, after, head).await?;
        after = reached;
        observe(&mut habits, &lessons(read, &events).await?);
    }
    Ok(habits)
}

/// Counts lessons as habits.
pub(super) fn observe(habits: &mut Habits, lessons: &[Lesson]) {
    for Lesson {
        record,
        category,
        learn,
    } in lessons
    {
        if *learn {
            habits.approve(&record.merchant_key, record.account, *category);
        } else {
            habits.take_back(&record.merchant_key, record.account, *category);
        }
    }
}

/// Stores a snapshot, unless there is one that reaches further.
pub(super) async fn store(ctx: &Ctx, sequence: i64, bytes: Vec<u8>) -> Result<()> {
    let tx = ctx.begin().await?;
    let newer = tx
        .update::<model_snapshot::Entity>()
        .col_expr(model_snapshot::Column::Sequence, Expr::value(sequence))
        .col_expr(model_snapshot::Column::Bytes, Expr::value(bytes.clone()))
        .col_expr(model_snapshot::Column::CreatedAt, Expr::value(ctx.now()))
        .filter(model_snapshot::Column::Format.eq(FORMAT))
        .filter(model_snapshot::Column::Sequence.lt(sequence))
        .exec(tx.on())
        .await?;
    if newer.rows_affected == 0 {
        let row = model_snapshot::Model {
            tenant_id: tx.tenant(),
            format: FORMAT,
            sequence,
            bytes,
            created_at: ctx.now(),
        };
        // there is one already: it reaches as far, or another process was faster
        tx.insert_new(vec![row]).await?;
    }
    tx.commit().await
}

/// The newest snapshot of this format that reads well, and the event it reaches to.
async fn newest(read: &Read, head: i64) -> Result<Option<(Model<CategoryId>, i64)>> {
    let found = read
        .select::<model_snapshot::Entity>()
        .filter(model_snapshot::Column::Format.eq(FORMAT))
        .filter(model_snapshot::Column::Sequence.lte(head))
        .one(read.on())
        .await?;
    let Some(found) = found else {
        return Ok(None);
    };
    let model = Model::from_bytes(&found.bytes);
    if model.is_none() {
        tracing::warn!(
            snapshot.sequence = found.sequence,
            "A snapshot of the model is damaged; it is learnt again"
        );
    }
    Ok(model.map(|model| (model, found.sequence)))
}

/// Events that teach, in order, and how far they reach.
async fn events(read: &Read, after: i64, head: i64) -> Result<(Vec<(String, String)>, i64)> {
    let found: Vec<(i64, String, String)> = read
        .select::<event::Entity>()
        .select_only()
        .columns([
            event::Column::Sequence,
            event::Column::Kind,
            event::Column::Payload,
        ])
        .filter(event::Column::Kind.is_in(KINDS))
        .filter(event::Column::Sequence.gt(after))
        .filter(event::Column::Sequence.lte(head))
        .order_by_asc(event::Column::Sequence)
        .limit(PORTION)
        .into_tuple()
        .all(read.on())
        .await?;
    let full = found.len() as u64 == PORTION;
    let reached = found.last().filter(|_| full).map_or(head, |event| event.0);
    let events = found.into_iter().map(|(_, kind, payload)| (kind, payload));
    Ok((events.collect(), reached))
}

/// The part of an event that is learnt from.
#[derive(Deserialize)]
struct Payload {
    record: RecordId,
    category: Option<CategoryId>,
    outcome: Option<String>,
    #[serde(default)]
    lines: Vec<serde::de::IgnoredAny>,
}

/// What these events teach; each is a kind and its payload, and others than those of [`KINDS`] teach nothing.
pub(super) async fn lessons(read: &Read, events: &[(String, String)]) -> Result<Vec<Lesson>> {
    let placed = placed_lessons(read, events).await?;
    Ok(placed.into_iter().map(|placed| placed.2).collect())
}

/// What these events teach, each with the place of its event among them and its record.
pub(super) async fn placed_lessons(
    read: &Read,
    events: &[(String, String)],
) -> Result<Vec<(usize, RecordId, Lesson)>> {
    let mut told = Vec::with_capacity(events.len());
    for (at, (kind, payload)) in events.iter().enumerate() {
        if KINDS.contains(&kind.as_str()) {
            let payload: Payload = serde_json::from_str(payload)?;
            // what passed by itself proves nothing: a model that learnt from it would only grow surer of itself
            let by_itself = payload.outcome.as_deref() == Some("AUTOMATIC");
            // a split says of no category that the record belongs there
            let split = !payload.lines.is_empty();
            // a rejected record that is reopened, or one voided before it was approved, taught nothing
            if let Some(category) = payload.category.filter(|_| !by_itself && !split) {
                told.push((at, payload.record, category, kind == "TX_APPROVED"));
            }
        }
    }
    let records = taught(read, told.iter().map(|lesson| lesson.1)).await?;
    let lesson = |(at, id, category, learn)| {
        let record: Option<&Taught> = records.get(&id);
        let lesson = record.map(|record| Lesson {
            record: record.clone(),
            category,
            learn,
        });
        lesson.map(|lesson| (at, id, lesson))
    };
    Ok(told.into_iter().filter_map(lesson).collect())
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
        let rows: Vec<(RecordId, String, String, Option<AccountId>, i64)> = read
            .select::<record::Entity>()
            .select_only()
            .columns([
                record::Column::Id,
                record::Column::Description,
                record::Column::MerchantKey,
                record::Column::AccountId,
                record::Column::Amount,
            ])
            .filter(record::Column::Id.is_in(ids.iter().copied()))
            .into_tuple()
            .all(read.on())
            .await?;
        for (id, description, merchant_key, account, amount) in rows {
            let taught = Taught {
                description,
                merchant_key,
                account,
                amount,
            };
            records.insert(id, taught);
        }
    }
    Ok(records)
}

/// The categories that may be proposed; those without others below them are guessed by name.
pub(super) fn chart(
    categories: &HashMap<CategoryId, super::knowledge::Known>,
) -> model::Chart<CategoryId> {
    let open = categories.iter().filter(|(_, known)| !known.is_archived());
    model::Chart::of(open.map(|(id, known)| model::Entry {
        category: *id,
        name: known.leaf.then_some(known.name.as_str()),
        default: known.default,
        way: match known.kind {
            category::Kind::Income => 1,
            category::Kind::Expense => -1,
            _ => 0,
        },
    }))
}
