//! What a tenant has taught so far: its rules, its chart, and a fold over its approvals.
//!
//! The approved records are the fold of the log up to the sequence they were read at; from there on the events say
//! what to learn and what to forget, exactly. Two copies that reached the same sequence are equal, on any machine.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use entity::{AccountId, ApprovalId, CategoryId, RecordId, category, event, record, stream_head};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Deserialize;

use super::learned::{self, Learned, Lesson, Taught};
use super::llm::Answers;
use super::memory::Memory;
use super::model::{Chart, Model};
use super::replay::Tiers;
use crate::automation::{self, Earned, Outcome, Settings};
use crate::categories::chart;
use crate::ctx::{Ctx, Read};
use crate::error::{Error, Result};
use crate::rules::{self, Compiled};
use crate::splits;
use crate::suggestions::{self, Habits, Standing, Trusted};

/// The events that change what is known.
const KINDS: &[&str] = &[
    "TX_APPROVED",
    "APPROVAL_REOPENED",
    "RECORD_VOIDED",
    "RULE_CREATED",
    "RULE_CHANGED",
    "RULE_MOVED",
    "RULE_DELETED",
    "RULE_RESTORED",
    "RULE_GROUP_CREATED",
    "RULE_GROUP_CHANGED",
    "RULE_GROUP_MOVED",
    "RULE_GROUP_DELETED",
    "RULE_SUGGESTION_ACCEPTED",
    "RULE_SUGGESTION_RESTORED",
    "RULE_RETIRED",
    "RULE_SELF_APPROVAL_SET",
    "RULE_SELF_APPROVAL_STOPPED",
    "CATEGORY_CREATED",
    "CATEGORY_CHANGED",
    "CATEGORY_ARCHIVED",
    "CATEGORY_RESTORED",
    "AUTOMATION_CHANGED",
    "SETTINGS_CHANGED",
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
    /// Whether it is still as it came with the default chart.
    pub default: bool,
    archived: bool,
}

/// What is known of one tenant at one sequence of its log.
#[derive(Debug, Default)]
pub struct Knowledge {
    memory: Memory<Option<AccountId>, CategoryId>,
    learned: Learned,
    chart: Chart<CategoryId>,
    rules: Arc<Compiled>,
    categories: Arc<HashMap<CategoryId, Known>>,
    answers: Arc<Answers>,
    earned: Earned,
    habits: Habits,
    standing: Vec<Standing>,
    trusted: Arc<Trusted>,
    tiers: Tiers,
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
    standing: Option<Vec<Standing>>,
    categories: Option<HashMap<CategoryId, Known>>,
    outcomes: Vec<Outcome>,
    taken_back: Vec<ApprovalId>,
    settings: Option<Settings>,
    cursor: i64,
}

impl Knowledge {
    /// Reads everything, as of one moment.
    pub async fn load(ctx: &Ctx) -> Result<Self> {
        ctx.refresh().await;
        let read = ctx.snapshot().await?;
        let cursor = head(&read).await?;
        let mut knowledge = Self {
            learned: Learned::load(&read, cursor).await?,
            cursor,
            rules: rules::compiled(&read).await?,
            categories: Arc::new(categories(&read).await?),
            earned: Earned::load(&read).await?,
            habits: learned::habits(&read, cursor).await?,
            standing: suggestions::standing(&read).await?,
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
                .filter(record::Column::Automatic.eq(false))
                .filter(splits::is_not_split(read.select()))
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
                    amount: 0,
                };
                if let Some(category) = category {
                    knowledge.memory.learn(&record.example(), category);
                }
            }
            if !full {
                knowledge.draw();
                knowledge.trust();
                return Ok(knowledge);
            }
        }
    }

    /// Reads everything but what approvals taught, as of one moment.
    pub(super) async fn untaught(ctx: &Ctx) -> Result<Self> {
        ctx.refresh().await;
        let read = ctx.snapshot().await?;
        let mut knowledge = Self {
            cursor: head(&read).await?,
            rules: rules::compiled(&read).await?,
            categories: Arc::new(categories(&read).await?),
            earned: Earned::load(&read).await?,
            ..Self::default()
        };
        knowledge.draw();
        Ok(knowledge)
    }

    /// Takes these rules and tiers for the ones in force. Only a copy that is never shared is posed.
    pub(super) fn pose(&mut self, rules: Arc<Compiled>, tiers: Tiers) {
        self.rules = rules;
        self.tiers = tiers;
    }

    /// Learns from one approval, or forgets one.
    pub(super) fn take_in(&mut self, lesson: &Lesson) {
        self.learn(std::slice::from_ref(lesson));
        self.learned.learn(std::slice::from_ref(lesson));
        self.align();
    }

    /// What approvals taught, to be taken apart and put together again.
    pub(super) fn memory_mut(&mut self) -> &mut Memory<Option<AccountId>, CategoryId> {
        &mut self.memory
    }

    /// Which tiers are asked.
    pub fn tiers(&self) -> Tiers {
        self.tiers
    }

    #[cfg(test)]
    pub(super) fn of(
        lessons: &[Lesson],
        rules: Compiled,
        categories: HashMap<CategoryId, Known>,
    ) -> Self {
        let mut knowledge = Self {
            rules: Arc::new(rules),
            categories: Arc::new(categories),
            ..Self::default()
        };
        knowledge.learn(lessons);
        knowledge.learned.learn(lessons);
        knowledge.draw();
        knowledge
    }

    /// Folds in what happened since. True when what approvals taught changed.
    pub(super) async fn fold(&mut self, batch: Batch) -> Result<bool> {
        let changed = !batch.lessons.is_empty();
        let renamed = batch.categories.is_some();
        if changed {
            self.learn(&batch.lessons);
            learned::observe(&mut self.habits, &batch.lessons);
            self.learned = std::mem::take(&mut self.learned)
                .fold(batch.lessons)
                .await?;
        }
        if let Some(rules) = batch.rules {
            self.rules = rules;
        }
        if let Some(categories) = batch.categories {
            self.categories = Arc::new(categories);
            // the language model chose from another list
            self.answers = Arc::default();
        }
        if renamed {
            self.draw();
        } else if changed {
            self.align();
        }
        let stale = changed || batch.standing.is_some() || batch.settings.is_some();
        self.earned
            .fold(batch.outcomes, &batch.taken_back, batch.settings);
        if let Some(standing) = batch.standing {
            self.standing = standing;
        }
        if stale {
            self.trust();
        }
        self.cursor = batch.cursor;
        Ok(changed)
    }

    fn learn(&mut self, lessons: &[Lesson]) {
        for lesson in lessons {
            let example = lesson.record.example();
            if lesson.learn {
                self.memory.learn(&example, lesson.category);
            } else {
                self.memory.forget(&example, lesson.category);
            }
        }
    }

    fn draw(&mut self) {
        self.chart = learned::chart(&self.categories);
        self.align();
    }

    fn align(&mut self) {
        let model = &self.learned.model;
        self.chart.align(|category| model.class(category));
    }

    fn trust(&mut self) {
        let target = self.earned.gate().target();
        self.trusted = Arc::new(Trusted::of(&self.standing, &self.habits, target));
    }

    /// How each merchant is filed, in the order in which people said so.
    pub fn habits(&self) -> &Habits {
        &self.habits
    }

    /// The suggested rules that approve by themselves.
    pub fn trusted(&self) -> &Arc<Trusted> {
        &self.trusted
    }

    /// What approvals taught, generalised.
    pub fn model(&self) -> &Model<CategoryId> {
        &self.learned.model
    }

    /// The categories that may be proposed, as the model knows them.
    pub fn chart(&self) -> &Chart<CategoryId> {
        &self.chart
    }

    /// Whether so much was learnt that a snapshot of the model is due.
    pub(super) fn is_snapshot_due(&self) -> bool {
        self.learned.is_due()
    }

    /// Notes that a snapshot was stored.
    pub(super) fn snapshot_stored(&mut self) {
        self.learned.stored();
    }

    /// Memory held, about.
    pub fn bytes(&self) -> usize {
        self.memory.bytes() + self.learned.model.bytes() + self.habits.bytes()
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

    /// What may pass without a person.
    pub fn earned(&self) -> &Earned {
        &self.earned
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
            default: chart::is_default(code, name),
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
    let (mut rules_changed, mut categories_changed, mut settings_changed) = (false, false, false);
    let mut decided = Vec::new();
    for (kind, payload) in &events {
        rules_changed |= kind.starts_with("RULE_");
        categories_changed |= kind.starts_with("CATEGORY_");
        settings_changed |= matches!(kind.as_str(), "AUTOMATION_CHANGED" | "SETTINGS_CHANGED");
        match kind.as_str() {
            "TX_APPROVED" => decided.push(serde_json::from_str::<Approved>(payload)?.approval),
            "APPROVAL_REOPENED" => {
                let reopened: Reopened = serde_json::from_str(payload)?;
                batch.taken_back.push(reopened.reopened);
            }
            _ => {}
        }
    }
    batch.outcomes = automation::of(read, &decided).await?;
    batch.lessons = learned::lessons(read, &events).await?;
    if rules_changed {
        batch.rules = Some(rules::compiled(read).await?);
        batch.standing = Some(suggestions::standing(read).await?);
    }
    if categories_changed {
        batch.categories = Some(categories(read).await?);
    }
    if settings_changed {
        batch.settings = Some(Settings::read(read).await?);
    }
    Ok(News::Some(batch))
}

/// Whether nothing that changes what is known happened after an event.
pub(super) async fn is_unchanged_since(read: &Read, sequence: i64) -> Result<bool> {
    let next = read
        .select::<event::Entity>()
        .select_only()
        .column(event::Column::Sequence)
        .filter(event::Column::Kind.is_in(KINDS.iter().copied()))
        .filter(event::Column::Sequence.gt(sequence))
        .limit(1)
        .into_tuple::<i64>()
        .one(read.on())
        .await?;
    Ok(next.is_none())
}

/// Which approval an event decided.
#[derive(Deserialize)]
struct Approved {
    approval: ApprovalId,
}

/// Which approval an event took back.
#[derive(Deserialize)]
struct Reopened {
    reopened: ApprovalId,
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
            default: chart::is_default(&row.code, &row.name),
            code: row.code,
            name: row.name,
            kind: row.kind,
            archived: row.archived_at.is_some(),
        };
        (row.id, known)
    };
    Ok(rows.into_iter().map(known).collect())
}
