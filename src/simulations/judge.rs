//! One record under two ways of deciding: what each would propose, and what the difference is worth.

use std::collections::HashMap;

use entity::decision::Source;
use entity::simulated_change::Effect;
use entity::{ApprovalId, CategoryId, RecordId, record};

use crate::automation::{Gate, Outcome, Outcomes, Passage, Policy};
use crate::processing::replay::{Replay, Stance, Taught};

/// The bars are picked again after so many outcomes.
const AGAIN: u32 = 25;

/// What is proposed about a record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proposal {
    /// Who proposes.
    pub source: Source,
    /// The category, if any.
    pub category: Option<CategoryId>,
    /// How sure it is.
    pub confidence: f64,
    /// Why, in one sentence.
    pub rationale: String,
    /// Whether it is sure enough to pass.
    pub passes: bool,
    /// Whether it enters the books by itself.
    pub automatic: bool,
    /// Whether the language model would be asked.
    pub asks: bool,
    /// The version of the pipeline that proposed, where that was another time.
    pub version: Option<String>,
}

/// A record, and both proposals.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The record.
    pub record: record::Model,
    /// Without the hypothesis.
    pub before: Proposal,
    /// With it.
    pub after: Proposal,
    /// What a person approved.
    pub truth: Option<CategoryId>,
}

impl Judged {
    /// What the difference is worth; none when there is none.
    pub fn effect(&self) -> Option<Effect> {
        let right = |it: &Proposal| self.truth.is_some() && it.category == self.truth;
        if self.before.category != self.after.category {
            return Some(match (right(&self.before), right(&self.after)) {
                (false, true) => Effect::Fixed,
                (true, false) => Effect::Broken,
                _ => Effect::Different,
            });
        }
        match (self.before.passes, self.after.passes) {
            (false, true) => Some(Effect::Passes),
            (true, false) => Some(Effect::Waits),
            _ => None,
        }
    }
}

/// What a person approved of a record; what passed by itself is nobody's word.
pub fn truth(record: &record::Model) -> Option<CategoryId> {
    let approved = record.status == record::Status::Approved && !record.automatic;
    record.category_id.filter(|_| approved)
}

/// One way of deciding.
pub struct Arm {
    stance: Stance,
    gate: Gate,
    policy: Policy,
    told: Outcomes,
    news: u32,
    open: HashMap<RecordId, (Source, f64, CategoryId)>,
}

impl Arm {
    /// As supposed; `gate` tells what passes.
    pub fn new(stance: Stance, gate: Gate) -> Self {
        Self {
            policy: gate.policy(),
            stance,
            gate,
            told: Outcomes::default(),
            news: 0,
            open: HashMap::new(),
        }
    }

    /// Earns its bars from the outcomes that are told from here on, instead of those of today.
    #[must_use]
    pub fn earning(self) -> Self {
        Self {
            gate: self.gate.under(self.policy, &Outcomes::default()),
            ..self
        }
    }

    /// Decides about a record.
    pub fn propose(&self, replay: &mut Replay, record: &record::Model) -> Proposal {
        let replayed = replay.decide(record, &self.stance);
        let decision = replayed.decision;
        let mut passage = self
            .gate
            .passage(decision.source, decision.confidence, None, record);
        if decision.flag.is_some() {
            passage = Passage::default();
        }
        passage.automatic &= decision.category.is_some();
        Proposal {
            source: decision.source,
            category: decision.category,
            confidence: decision.confidence,
            rationale: decision.rationale,
            passes: passage.passes,
            automatic: passage.automatic,
            asks: replayed.asks,
            version: None,
        }
    }

    /// Remembers a proposal until a person decides; one that enters the books by itself is shown to nobody.
    pub fn await_word(&mut self, record: RecordId, proposal: &Proposal) {
        if let Some(category) = proposal.category.filter(|_| !proposal.automatic) {
            let open = (proposal.source, proposal.confidence, category);
            self.open.insert(record, open);
        }
    }

    /// Hears what a person decided about a record, or that it was taken back.
    pub fn hear(&mut self, record: RecordId, taught: &Taught) {
        let approval = ApprovalId(record.0);
        if !taught.is_made() {
            self.told.remove(approval);
        } else if let Some((source, confidence, category)) = self.open.get(&record).copied() {
            self.told.remove(approval);
            self.told.add(Outcome {
                approval,
                source,
                confidence,
                right: category == taught.category(),
            });
        } else {
            return;
        }
        self.news += 1;
        if self.news.is_multiple_of(AGAIN) {
            self.gate = self.gate.under(self.policy, &self.told);
        }
    }
}
