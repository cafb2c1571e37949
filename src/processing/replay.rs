//! Deciding again, on a copy of what a tenant has taught that belongs to whoever replays: nothing is stored, nobody
//! outside is asked, and the copy the pipeline works with is not touched.
//!
//! The same tiers decide by the same code. What differs is what they are given: other rules, fewer tiers, or less
//! knowledge than there is today. [`Replay::now`] knows what is known now; for a record that was approved it leaves that
//! very approval out of what is counted exactly. [`Replay::untaught`] begins with nothing learnt, and [`History`] hands it
//! decisions and approvals in the order of the log, so that each record is decided with what was known at its time.

use std::sync::Arc;

use entity::{AccountId, RecordId, event, record};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};

use super::decide::{self, Decision};
use super::knowledge::{self, Knowledge};
use super::learned::{self, Lesson};
use super::llm::QUESTIONS;
use super::memory::Example;
use crate::ctx::{Ctx, Read};
use crate::error::Result;
use crate::rules::Compiled;

/// Events read at a time.
const PORTION: u64 = 1_000;
/// What the instructions to the language model take beside the list of categories, in characters.
const INSTRUCTIONS: usize = 900;
/// What a category, or a movement, takes beside its own words, in characters.
const FRAME: usize = 24;
const QUESTION: usize = 110;
/// Characters of a movement that are sent at most.
const TEXT: usize = 300;
/// Characters of a token, about, and tokens of an answer.
const TOKEN: usize = 4;
const ANSWER: u64 = 20;

/// Which tiers are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tiers {
    /// The tenant's rules.
    pub rules: bool,
    /// Approvals of the same merchant.
    pub exact: bool,
    /// What approvals taught, generalised.
    pub model: bool,
    /// Approvals of strings that look alike.
    pub similar: bool,
    /// The language model. A replay asks no one: it counts what would be asked.
    pub llm: bool,
}

impl Default for Tiers {
    fn default() -> Self {
        Self {
            rules: true,
            exact: true,
            model: true,
            similar: true,
            llm: true,
        }
    }
}

/// What is supposed: which rules there are, and which tiers are asked.
#[derive(Clone, Debug, Default)]
pub struct Stance {
    /// The rules.
    pub rules: Arc<Compiled>,
    /// The tiers.
    pub tiers: Tiers,
}

/// What would be decided, and whether the language model would have been asked before.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The decision.
    pub decision: Decision,
    /// Whether nobody in this process was sure.
    pub asks: bool,
}

/// A copy of what a tenant has taught, to decide with.
pub struct Replay {
    knowledge: Knowledge,
}

impl Replay {
    /// With everything that is known now.
    pub async fn now(ctx: &Ctx) -> Result<Self> {
        let knowledge = Knowledge::load(ctx).await?;
        Ok(Self { knowledge })
    }

    /// With the rules, the chart and the settings of now, and nothing learnt.
    pub async fn untaught(ctx: &Ctx) -> Result<Self> {
        let knowledge = Knowledge::untaught(ctx).await?;
        Ok(Self { knowledge })
    }

    /// What is known.
    pub fn knowledge(&self) -> &Knowledge {
        &self.knowledge
    }

    /// Decides about a record as supposed.
    pub fn decide(&mut self, record: &record::Model, stance: &Stance) -> Replayed {
        let rules = Arc::clone(&stance.rules);
        self.knowledge.pose(rules, stance.tiers);
        let look = decide::look(record, &self.knowledge);
        Replayed {
            asks: stance.tiers.llm && !look.is_sure(),
            decision: look.settle(),
        }
    }

    /// Does something as if the approval of this record had not been counted. The model cannot unlearn one approval
    /// exactly, and keeps it.
    pub fn without<T>(&mut self, record: &record::Model, act: impl FnOnce(&mut Self) -> T) -> T {
        let example: Example<'_, Option<AccountId>> = Example {
            description: &record.description,
            merchant_key: &record.merchant_key,
            account: record.account_id,
        };
        let approved = record.status == record::Status::Approved && !record.automatic;
        let category = record.category_id.filter(|_| approved);
        let forgotten =
            category.is_some_and(|category| self.knowledge.memory_mut().forget(&example, category));
        let done = act(self);
        if let Some(category) = category.filter(|_| forgotten) {
            self.knowledge.memory_mut().learn(&example, category);
        }
        done
    }

    /// Learns what an approval taught, or forgets what one that was taken back did.
    pub fn take_in(&mut self, lesson: &Taught) {
        self.knowledge.take_in(&lesson.0);
    }
}

/// What one event of the log taught.
#[derive(Clone, Debug)]
pub struct Taught(Lesson);

impl Taught {
    /// The category of the approval.
    pub fn category(&self) -> entity::CategoryId {
        self.0.category
    }

    /// Whether it was made, or taken back.
    pub fn is_made(&self) -> bool {
        self.0.learn
    }
}

/// One step of the past.
#[derive(Clone, Debug)]
pub enum Step {
    /// The pipeline decided about a record.
    Decided(RecordId),
    /// Somebody approved it, or took that back.
    Taught(RecordId, Taught),
}

/// The decisions and approvals of a tenant, in the order of its log.
pub struct History {
    after: i64,
    head: i64,
}

impl History {
    /// Everything up to an event.
    pub fn until(head: i64) -> Self {
        Self { after: 0, head }
    }

    /// The next portion; none at the end.
    pub async fn next(&mut self, read: &Read) -> Result<Option<Vec<Step>>> {
        if self.after >= self.head {
            return Ok(None);
        }
        let kinds = learned::KINDS.into_iter().chain(["PROCESSED"]);
        let found: Vec<(i64, String, String)> = read
            .select::<event::Entity>()
            .select_only()
            .columns([
                event::Column::Sequence,
                event::Column::Kind,
                event::Column::Payload,
            ])
            .filter(event::Column::Kind.is_in(kinds))
            .filter(event::Column::Sequence.gt(self.after))
            .filter(event::Column::Sequence.lte(self.head))
            .order_by_asc(event::Column::Sequence)
            .limit(PORTION)
            .into_tuple()
            .all(read.on())
            .await?;
        let full = found.len() as u64 == PORTION;
        self.after = found
            .last()
            .filter(|_| full)
            .map_or(self.head, |event| event.0);
        let events: Vec<(String, String)> = found
            .into_iter()
            .map(|(_, kind, payload)| (kind, payload))
            .collect();
        let lessons = learned::placed_lessons(read, &events).await?;
        let mut steps: Vec<(usize, Step)> = lessons
            .into_iter()
            .map(|(at, record, lesson)| (at, Step::Taught(record, Taught(lesson))))
            .collect();
        for (at, (kind, payload)) in events.iter().enumerate() {
            if kind == "PROCESSED" {
                let processed: Processed = serde_json::from_str(payload)?;
                steps.push((at, Step::Decided(processed.record)));
            }
        }
        steps.sort_by_key(|(at, _)| *at);
        Ok(Some(steps.into_iter().map(|(_, step)| step).collect()))
    }
}

/// Which record an event is about.
#[derive(Deserialize)]
struct Processed {
    record: RecordId,
}

/// Whether nothing happened since an event that would decide otherwise.
pub async fn is_unchanged_since(read: &Read, sequence: i64) -> Result<bool> {
    knowledge::is_unchanged_since(read, sequence).await
}

/// How much the language model would read and write, about: it is asked in prompts of several questions, each with the
/// whole list of categories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wordage {
    /// Prompts, when as many questions as fit go together.
    pub prompts: u64,
    /// Tokens read.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
}

/// What so many questions with so many characters of bank text come to.
pub fn wordage(questions: u64, characters: u64, knowledge: &Knowledge) -> Wordage {
    let open = knowledge.categories().values();
    let names: usize = open
        .filter(|known| known.leaf && !known.is_archived())
        .map(|known| known.name.chars().count() + FRAME)
        .sum();
    let prompts = questions.div_ceil(QUESTIONS as u64);
    let read = prompts * (INSTRUCTIONS + names) as u64 + characters;
    Wordage {
        prompts,
        prompt_tokens: read.div_ceil(TOKEN as u64),
        completion_tokens: questions * ANSWER,
    }
}

/// How many characters a question about a record has.
pub fn question_characters(record: &record::Model) -> u64 {
    let text = record.description.chars().count().min(TEXT);
    (text + record.merchant_key.chars().count() + QUESTION) as u64
}
