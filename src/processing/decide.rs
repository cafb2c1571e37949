//! One record, what its tenant knows, and the decision that follows. Plain values in, plain values out.
//!
//! The tiers are asked in this order, and the first that is sure decides: rules, the exact tier, similar records, the
//! language model, nobody. (A model learnt online per tenant belongs between the exact tier and similarity, which
//! then turns from a tier into its evidence.) What every tier that was asked had to say is kept, also when it was
//! overruled. When none is sure the best proposal stands, with its own low confidence, and a person decides.

mod precedent;
mod view;

use entity::decision::Source;
use entity::{CategoryId, record};
use precedent::{contradiction, view_of_exact, view_of_similar};
use serde_json::json;
pub use view::{Tier, Verdict, View};

use super::knowledge::Knowledge;
use crate::rules::{self, matching::Outcome};

/// A tier this sure decides without asking the next.
pub const SURE: f64 = 0.7;
/// A proposal weaker than this helps nobody.
const WORTH_SAYING: f64 = 0.2;
/// What a rule is worth: people wrote it on purpose, and of the cleanest rules about one record in twenty is still
/// booked differently.
const RULE: f64 = 0.95;
/// What a rule is worth that approvals of the same merchant contradict.
const CONTRADICTED_RULE: f64 = 0.75;

/// What the tiers in this process say about a record.
#[derive(Clone, Debug, Default)]
pub struct Look {
    views: Vec<View>,
    project: Option<String>,
    note: Option<String>,
}

/// What is decided about a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Who decided.
    pub source: Source,
    /// The category, if any.
    pub category: Option<CategoryId>,
    /// The project, if any.
    pub project: Option<String>,
    /// The note, if any.
    pub note: Option<String>,
    /// Honest chance of being right, 0 to 1.
    pub confidence: f64,
    /// One sentence.
    pub rationale: String,
    /// What every tier said, in order.
    pub considered: Vec<View>,
}

/// Asks the tiers in this process, until one is sure.
pub fn look(record: &record::Model, knowledge: &Knowledge) -> Look {
    let mut look = Look::default();
    if !knowledge.rules().set.is_empty() {
        look.ask_rules(record, knowledge);
    }
    if look.is_sure() {
        return look;
    }
    let exact = knowledge
        .memory()
        .exact(&record.merchant_key, record.account_id);
    look.views.push(match exact {
        Some(proposal) => view_of_exact(proposal, record, knowledge),
        None => View::silent(Tier::Exact, "No approved record has the same merchant."),
    });
    if look.is_sure() {
        return look;
    }
    // the learned model will be asked here
    let similar = knowledge
        .memory()
        .similar(&record.description, record.account_id);
    look.views.push(match similar {
        Some(proposal) => view_of_similar(proposal, knowledge),
        None => View::silent(Tier::Similar, "No approved record looks alike."),
    });
    look
}

impl Look {
    /// Whether the tier asked last is sure.
    pub fn is_sure(&self) -> bool {
        self.views
            .last()
            .and_then(|view| view.confidence)
            .is_some_and(|confidence| confidence >= SURE)
    }

    /// Adds what the language model said.
    pub fn hear(&mut self, view: View) {
        self.views.push(view);
    }

    /// The decision: the proposal of the highest confidence, the earlier tier among equals; nobody when all are weak.
    /// A sure tier is asked last and is the surest, for any before it was not sure.
    pub fn settle(mut self) -> Decision {
        let mut best: Option<usize> = None;
        for (at, view) in self.views.iter().enumerate() {
            let confidence = view.confidence.unwrap_or_default();
            let beaten = best.map_or(WORTH_SAYING, |best| {
                self.views[best].confidence.unwrap_or_default() + f64::EPSILON
            });
            if view.category.is_some() && confidence >= beaten {
                best = Some(at);
            }
        }
        // a rule that decided is followed, whatever the approvals of the past say beside it
        if let Some(rule) = self.decided_by_rule() {
            best = Some(rule);
        }
        let Some(at) = best else {
            let weak = self.views.iter().any(|view| view.category.is_some());
            return Decision {
                source: Source::None,
                category: None,
                project: self.project,
                note: self.note,
                confidence: 0.0,
                rationale: if weak {
                    "What is known is too weak to propose a category; a person decides."
                } else {
                    "Nothing is known that suggests a category; a person decides."
                }
                .to_owned(),
                considered: self.views,
            };
        };
        self.views[at].verdict = Verdict::Decided;
        let chosen = &self.views[at];
        Decision {
            source: match chosen.tier {
                Tier::Rule => Source::Rule,
                Tier::Exact => Source::Exact,
                Tier::Similar => Source::Similar,
                Tier::Llm => Source::Llm,
            },
            category: chosen.category,
            project: self.project,
            note: self.note,
            confidence: chosen.confidence.unwrap_or_default(),
            rationale: chosen.reason.clone(),
            considered: self.views,
        }
    }

    fn decided_by_rule(&self) -> Option<usize> {
        self.views
            .iter()
            .position(|view| view.tier == Tier::Rule && view.category.is_some())
    }

    fn ask_rules(&mut self, record: &record::Model, knowledge: &Knowledge) {
        let rules = knowledge.rules();
        let outcome = rules.set.evaluate(&rules::facts(record), false);
        let tried = json!({ "matched": &outcome.matched, "rules": rules.set.len() });
        let view = match outcome.category.as_ref() {
            Some(filled) => {
                let category = CategoryId(filled.value);
                let name = rules.name(filled.by.into()).unwrap_or("removed");
                match knowledge.open_category(category) {
                    Some(known) => {
                        let reason = format!("The rule \"{name}\" files it under {}.", known.name);
                        let elsewhere = contradiction(record, category, knowledge);
                        let worth = if elsewhere.is_some() {
                            CONTRADICTED_RULE
                        } else {
                            RULE
                        };
                        self.views.extend(elsewhere);
                        View::proposal(Tier::Rule, category, worth, reason)
                    }
                    None => View::silent(
                        Tier::Rule,
                        format!("The rule \"{name}\" names a category that is archived."),
                    ),
                }
            }
            None if outcome.matched.is_empty() => View::silent(Tier::Rule, "No rule matches."),
            None => View::silent(Tier::Rule, "The rules that match name no category."),
        };
        self.views.push(view.with(tried));
        let Outcome { project, note, .. } = outcome;
        self.project = project.map(|filled| filled.value);
        self.note = note.map(|filled| filled.value);
    }
}

#[cfg(test)]
mod tests;
