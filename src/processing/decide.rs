//! One record, what its tenant knows, and the decision that follows. Plain values in, plain values out.
//!
//! The tiers are asked in this order: rules, approvals of the same merchant, the model that learnt from all approvals,
//! similar records, the language model, nobody. A rule that names a category decides. Otherwise the model does, for it
//! has counted the same approvals and knows more than they say one by one; where approvals of the merchant are clear
//! and say the same, they are the better reason and are named. Similar records are evidence for whoever reviews what
//! it is unsure of. What every tier that was asked had to say is kept, also when it was overruled. When none is sure
//! the best proposal stands, with its own low confidence, and a person decides.

mod by_rule;
mod precedent;
mod split;
mod view;

use std::time::Instant;

use entity::decision::Source;
use entity::{CategoryId, RuleId, record};
use precedent::{view_of_exact, view_of_model, view_of_similar};
pub use view::{Tier, Verdict, View};

use super::knowledge::Knowledge;
use crate::rules::Hit;
use crate::splits::Line;

/// A tier this sure decides without asking the next.
pub const SURE: f64 = 0.7;
/// A proposal weaker than this helps nobody.
const WORTH_SAYING: f64 = 0.2;
/// The model knows how little it knows, and its best guess of many categories saves a person the search.
const WORTH_GUESSING: f64 = 0.05;
/// What a rule is worth: people wrote it on purpose, and of the cleanest rules about one record in twenty is still
/// booked differently.
const RULE: f64 = 0.95;
/// What a rule is worth that approvals of the same merchant contradict.
const CONTRADICTED_RULE: f64 = 0.75;

/// Rules that did not match whose failing clause is kept.
const MISSED: usize = 8;
/// Letters kept of such a clause.
const CLAUSE: usize = 160;

/// What the tiers in this process say about a record.
#[derive(Clone, Debug, Default)]
pub struct Look {
    views: Vec<View>,
    project: Option<String>,
    note: Option<String>,
    /// The rule that names the category.
    rule: Option<RuleId>,
    /// The lines of the rule that decides, if it splits.
    lines: Vec<Line>,
    tags: Vec<String>,
    flag: Option<String>,
    hits: Vec<Hit>,
    /// What rules in shadow would have said; nobody follows them.
    shadows: Vec<View>,
    /// Where the views of those asked outside this process begin.
    heard: Option<usize>,
}

/// What is decided about a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Who decided.
    pub source: Source,
    /// The rule that decided, when one did.
    pub rule: Option<RuleId>,
    /// The category, if any.
    pub category: Option<CategoryId>,
    /// The lines it is split into; none where the category holds the whole of it.
    pub lines: Vec<Line>,
    /// The project, if any.
    pub project: Option<String>,
    /// The note, if any.
    pub note: Option<String>,
    /// Tags, each once.
    pub tags: Vec<String>,
    /// Why a person is to look, whatever passes by itself.
    pub flag: Option<String>,
    /// The rules that the record met.
    pub hits: Vec<Hit>,
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
    let mut since = Instant::now();
    let tiers = knowledge.tiers();
    if tiers.rules && !knowledge.rules().set.is_empty() {
        look.ask_rules(record, knowledge);
        look.timed(&mut since);
    }
    if look.is_sure() {
        return look;
    }
    let clear = look.ask_approvals(record, knowledge, &mut since);
    if clear || !tiers.similar || look.is_sure() {
        return look;
    }
    let similar = knowledge
        .memory()
        .similar(&record.description, record.account_id);
    look.views.push(match similar {
        Some(proposal) => view_of_similar(proposal, knowledge),
        None => View::silent(Tier::Similar, "No approved record looks alike."),
    });
    look.timed(&mut since);
    look
}

/// Asks only what approvals of the merchant say, and the model that learnt from all: some ten microseconds, however much
/// was approved.
pub fn look_at_approvals(record: &record::Model, knowledge: &Knowledge) -> Look {
    let mut look = Look::default();
    look.ask_approvals(record, knowledge, &mut Instant::now());
    look
}

impl Look {
    /// Whether the proposal that stands so far is sure.
    pub fn is_sure(&self) -> bool {
        self.best()
            .is_some_and(|(_, confidence)| confidence >= SURE)
    }

    /// Asks what approvals of the merchant say, and the model; whether the former alone is sure.
    fn ask_approvals(
        &mut self,
        record: &record::Model,
        knowledge: &Knowledge,
        since: &mut Instant,
    ) -> bool {
        let tiers = knowledge.tiers();
        if tiers.exact {
            let exact = knowledge
                .memory()
                .exact(&record.merchant_key, record.account_id);
            self.views.push(match exact {
                Some(proposal) => view_of_exact(proposal, record, knowledge),
                None => View::silent(Tier::Exact, "No approved record has the same merchant."),
            });
            self.timed(since);
        }
        let clear = self.is_sure();
        if tiers.model {
            self.views.push(view_of_model(record, knowledge));
            self.timed(since);
        }
        clear
    }

    /// Adds what someone outside this process said, such as the language model.
    pub fn hear(&mut self, view: View) {
        self.heard.get_or_insert(self.views.len());
        self.views.push(view);
    }

    /// The proposal that stands, and how sure it is: that of a rule; else that of the model or of who was
    /// asked outside, the surer one; else the surest.
    fn best(&self) -> Option<(usize, f64)> {
        let said = |view: &View| view.category.and(view.confidence).unwrap_or_default();
        // a rule that decided is followed, whatever the approvals of the past say beside it
        if let Some(rule) = self.find(Tier::Rule) {
            return Some((rule, said(&self.views[rule])));
        }
        let Some(model) = self.find(Tier::Model) else {
            let mut best: Option<(usize, f64)> = None;
            for (at, view) in self.views.iter().enumerate() {
                let (confidence, beaten) = (said(view), best.map_or(0.0, |best| best.1));
                if confidence >= WORTH_SAYING && confidence > beaten {
                    best = Some((at, confidence));
                }
            }
            return best;
        };
        let confidence = said(&self.views[model]);
        // who was asked outside knows meanings that letters do not show
        let outside = self.heard.unwrap_or(self.views.len());
        let mut surest: Option<(usize, f64)> = None;
        for (at, view) in self.views.iter().enumerate().skip(outside) {
            let (other, beaten) = (said(view), surest.map_or(confidence, |surest| surest.1));
            if other >= WORTH_SAYING && other > beaten {
                surest = Some((at, other));
            }
        }
        if surest.is_some() {
            return surest;
        }
        let category = self.views[model].category;
        let agrees = |exact: &usize| {
            let exact = &self.views[*exact];
            exact.category == category && said(exact) >= SURE
        };
        let named = self.find(Tier::Exact).filter(agrees).unwrap_or(model);
        (confidence >= WORTH_GUESSING).then_some((named, confidence))
    }

    /// Notes how long the last one took that was asked.
    fn timed(&mut self, since: &mut Instant) {
        let took = since.elapsed().as_micros();
        if let Some(view) = self.views.last_mut() {
            view.latency_us = Some(i64::try_from(took).unwrap_or(i64::MAX));
        }
        *since = Instant::now();
    }

    fn find(&self, tier: Tier) -> Option<usize> {
        let mut views = self.views.iter();
        views.position(|view| view.tier == tier && view.category.is_some())
    }

    /// The decision: the proposal that stands, or nobody's when all are weak.
    pub fn settle(mut self) -> Decision {
        let best = self.best();
        let mut lines = Vec::new();
        let (source, category, confidence, rationale) = match best {
            Some((at, confidence)) => {
                let chosen = &mut self.views[at];
                chosen.verdict = Verdict::Decided;
                let source = match chosen.tier {
                    Tier::Rule => Source::Rule,
                    Tier::Exact => Source::Exact,
                    Tier::Model => Source::Model,
                    Tier::Similar => Source::Similar,
                    Tier::Llm => Source::Llm,
                };
                if chosen.tier == Tier::Rule {
                    lines = self.lines;
                }
                (source, chosen.category, confidence, chosen.reason.clone())
            }
            None => {
                let weak = self.views.iter().any(|view| view.category.is_some());
                let why = match weak {
                    true => "What is known is too weak to propose a category; a person decides.",
                    false => "Nothing is known that suggests a category; a person decides.",
                };
                (Source::None, None, 0.0, why.to_owned())
            }
        };
        self.views.append(&mut self.shadows);
        Decision {
            source,
            rule: self.rule.filter(|_| source == Source::Rule),
            category,
            lines,
            project: self.project,
            note: self.note,
            tags: self.tags,
            flag: self.flag,
            hits: self.hits,
            confidence,
            rationale,
            considered: self.views,
        }
    }
}

#[cfg(test)]
mod tests;
