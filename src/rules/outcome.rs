//! What rules make of a record, field by field: the first to fill one wins it.

use serde::Serialize;
use uuid::Uuid;

use super::condition::{Actions, SplitLine};
use super::matching::RuleId;

/// Something a rule can fill in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Field {
    /// The category, or the lines of a split.
    Category,
    /// The project.
    Project,
    /// The note.
    Note,
    /// Tags.
    Tags,
    /// Why a person is to look.
    Flag,
}

/// A value and the rule that filled it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled<T> {
    /// The value.
    pub value: T,
    /// The rule.
    pub by: RuleId,
}

/// What the rules made of a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The category of the first matching rule that has one.
    pub category: Option<Filled<Uuid>>,
    /// The lines of the first matching rule that splits, unless one before it has a category.
    pub split: Option<Filled<Vec<SplitLine>>>,
    /// The project, likewise.
    pub project: Option<Filled<String>>,
    /// The note, likewise.
    pub note: Option<Filled<String>>,
    /// Why a person is to look, likewise.
    pub flag: Option<Filled<String>>,
    /// The tags of all matching rules, each once, in order.
    pub tags: Vec<String>,
    /// The rules that matched, in order.
    pub matched: Vec<RuleId>,
    /// The rules that matched and only watch, in order.
    pub shadows: Vec<Shadow>,
    /// The rules that did not, in order, each with its first failing clause; only when a trace was asked for.
    pub considered: Vec<(RuleId, String)>,
}

/// What a rule that only watches would have done at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadow {
    /// The rule.
    pub rule: RuleId,
    /// The category it would have decided.
    pub category: Option<Uuid>,
    /// Everything it would have filled in.
    pub fields: Vec<Field>,
}

impl Outcome {
    /// The rule that filled a field; tags are filled by many.
    pub(super) fn filler(&self, field: Field) -> Option<RuleId> {
        let text = |filled: &Option<Filled<String>>| filled.as_ref().map(|filled| filled.by);
        match field {
            Field::Category => {
                let split = self.split.as_ref().map(|filled| filled.by);
                self.category.as_ref().map(|filled| filled.by).or(split)
            }
            Field::Project => text(&self.project),
            Field::Note => text(&self.note),
            Field::Flag => text(&self.flag),
            Field::Tags => None,
        }
    }
}

impl Actions {
    /// Fills in what is still open, for a rule that matched.
    pub(super) fn fill(&self, outcome: &mut Outcome, by: RuleId) {
        outcome.matched.push(by);
        // a category and a split answer the same question
        if outcome.category.is_none() && outcome.split.is_none() {
            fill(&mut outcome.category, self.category.as_ref(), by);
            fill(&mut outcome.split, self.split.as_ref(), by);
        }
        fill(&mut outcome.project, self.project.as_ref(), by);
        fill(&mut outcome.note, self.note.as_ref(), by);
        fill(&mut outcome.flag, self.flag.as_ref(), by);
        for tag in &self.tags {
            if !outcome.tags.contains(tag) {
                outcome.tags.push(tag.clone());
            }
        }
    }

    /// What it would add to what is filled in already.
    pub(super) fn open(&self, outcome: &Outcome) -> Vec<Field> {
        let new = |tag| !outcome.tags.contains(tag);
        let adds = [
            (
                Field::Category,
                (self.category.is_some() || self.split.is_some())
                    && outcome.category.is_none()
                    && outcome.split.is_none(),
            ),
            (
                Field::Project,
                self.project.is_some() && outcome.project.is_none(),
            ),
            (Field::Note, self.note.is_some() && outcome.note.is_none()),
            (Field::Tags, self.tags.iter().any(new)),
            (Field::Flag, self.flag.is_some() && outcome.flag.is_none()),
        ];
        let adds = adds.into_iter().filter(|(_, adds)| *adds);
        adds.map(|(field, _)| field).collect()
    }
}

fn fill<T: Clone>(field: &mut Option<Filled<T>>, value: Option<&T>, by: RuleId) {
    if let (None, Some(value)) = (&field, value) {
        *field = Some(Filled {
            value: value.clone(),
            by,
        });
    }
}
