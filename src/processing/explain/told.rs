//! Reading what a decision stored.

use entity::decision::Source;
use entity::{CategoryId, RuleId};
use serde::Deserialize;
use serde_json::Value;

use super::percent;
use crate::processing::decide::{Tier, Verdict, View};

/// The tiers in the order they are asked.
const TIERS: [Tier; 5] = [
    Tier::Rule,
    Tier::Exact,
    Tier::Model,
    Tier::Similar,
    Tier::Llm,
];

/// What one tier had to say.
#[derive(Clone, Debug)]
pub struct Told {
    /// Which tier.
    pub tier: Tier,
    /// What became of it; none when it was not asked.
    pub verdict: Option<Verdict>,
    /// The category it proposed.
    pub category: Option<CategoryId>,
    /// How sure it was.
    pub confidence: Option<f64>,
    /// One sentence.
    pub reason: String,
    /// How long it took.
    pub latency_us: Option<i64>,
    /// Of the rules: which were tried.
    pub rules: Option<Rules>,
    /// Of approvals: how many spoke for it and against it.
    pub precedents: Option<Precedents>,
    /// Of the learned model: what it took into account.
    pub learnt: Option<Learnt>,
    /// Of the language model: what was asked and answered.
    pub heard: Option<Heard>,
}

/// The rules that were tried.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rules {
    /// How many there were.
    pub rules: i32,
    /// Those that matched, in order.
    pub matched: Vec<RuleId>,
    /// The first of those that did not.
    pub missed: Vec<Clause>,
    /// The last event that the rules had seen.
    pub as_of: Option<i64>,
}

/// A rule and its first clause that a record did not meet.
#[derive(Clone, Debug, Deserialize)]
pub struct Clause {
    /// Which rule.
    pub rule: RuleId,
    /// The clause, in words.
    pub clause: String,
}

/// Approvals of the same merchant, or of texts that look alike.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Precedents {
    /// Those of the category.
    pub support: i32,
    /// Those of others.
    pub contradictions: i32,
    /// Of the support, those on the same account.
    pub account_support: i32,
    /// Of the contradictions, those on the same account.
    pub account_contradictions: i32,
    /// The texts that voted, most alike first.
    pub neighbours: Vec<Neighbour>,
}

/// A text that looks alike.
#[derive(Clone, Debug, Deserialize)]
pub struct Neighbour {
    /// The folded text.
    pub text: String,
    /// How alike, 0 to 1.
    pub score: f64,
    /// Where it was filed.
    pub categories: Vec<Filed>,
}

/// How often something was filed where.
#[derive(Clone, Debug, Deserialize)]
pub struct Filed {
    /// The category.
    pub category: CategoryId,
    /// How often.
    pub count: i32,
}

/// What the learned model took into account.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Learnt {
    /// The format of the model.
    pub version: i32,
    /// Approvals it had learnt, and undone.
    pub lessons: i64,
    /// The last event that it had seen.
    pub as_of: Option<i64>,
    /// What spoke for its guess over the runner-up, the strongest first.
    pub features: Vec<Feature>,
    /// The most probable categories.
    pub top: Vec<Class>,
}

/// Something that spoke for a guess.
#[derive(Clone, Debug, Deserialize)]
pub struct Feature {
    /// What, in words.
    pub feature: String,
    /// By how much.
    pub weight: f64,
}

/// A category and how probable it was.
#[derive(Clone, Debug, Deserialize)]
pub struct Class {
    /// The category.
    pub category: CategoryId,
    /// How probable.
    pub probability: f64,
}

/// What was asked of the language model, and answered.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Heard {
    /// The model.
    pub model: String,
    /// Questions in the same request.
    pub questions: i32,
    /// Tokens read, of the whole request.
    pub prompt_tokens: i64,
    /// Tokens written, of the whole request.
    pub completion_tokens: i64,
    /// This record's part of what it cost, in millionths.
    pub cost_micros: i64,
    /// Whether it was known already.
    pub cached: bool,
    /// Why it chose so, in its own words.
    pub rationale: Option<String>,
}

/// Reads what a decision stored: each tier that was asked, in order, then those that were not, with the reason. Nothing
/// for a decision of a person.
pub fn told(source: Source, considered: &str) -> Vec<Told> {
    let stored: Vec<Value> = serde_json::from_str(considered).unwrap_or_default();
    if source == Source::Person {
        return Vec::new();
    }
    // what a later version wrote and this one does not know is left out
    let views = stored
        .into_iter()
        .filter_map(|view| serde_json::from_value::<View>(view).ok());
    let mut all: Vec<Told> = views.map(read).collect();
    for tier in TIERS {
        if !all.iter().any(|told| told.tier == tier) {
            all.push(not_asked(tier, source));
        }
    }
    all
}

fn read(view: View) -> Told {
    let evidence = view.evidence.unwrap_or(Value::Null);
    let mut told = Told {
        tier: view.tier,
        verdict: Some(view.verdict),
        category: view.category,
        confidence: view.confidence,
        reason: view.reason,
        latency_us: view.latency_us,
        rules: None,
        precedents: None,
        learnt: None,
        heard: None,
    };
    match view.tier {
        Tier::Rule => told.rules = of(evidence),
        Tier::Exact => told.precedents = of(evidence),
        Tier::Model => told.learnt = of(evidence),
        // those found by an embedding model stand one level down, beside its name
        Tier::Similar => {
            let votes = evidence.get("votes").cloned();
            told.precedents = of(votes.unwrap_or(evidence));
        }
        Tier::Llm => told.heard = of(evidence),
    }
    told
}

fn of<T: for<'de> Deserialize<'de>>(evidence: Value) -> Option<T> {
    evidence.is_object().then_some(())?;
    serde_json::from_value(evidence).ok()
}

fn not_asked(tier: Tier, source: Source) -> Told {
    let reason = match (tier, source) {
        (Tier::Rule, _) => "There was no rule to ask.",
        (_, Source::Rule) => "It was not asked: a rule decided.",
        (Tier::Llm, Source::None) => "It was not asked: none is configured.",
        (Tier::Llm, _) => "It was not asked: the tiers before were sure, or none is configured.",
        _ => "It was not asked: the tiers before were sure.",
    };
    Told {
        tier,
        verdict: None,
        category: None,
        confidence: None,
        reason: reason.to_owned(),
        latency_us: None,
        rules: None,
        precedents: None,
        learnt: None,
        heard: None,
    }
}

/// A decision in one sentence.
pub fn summary(source: Source, confidence: f64, rationale: &str) -> String {
    let who = match source {
        Source::Rule => "A rule decided",
        Source::Exact => "Earlier approvals of the same merchant decided",
        Source::Similar => "Records that look alike decided",
        Source::Model => "The learned model decided",
        Source::Llm => "The language model decided",
        Source::Person => return format!("A person decided: {rationale}"),
        Source::None => return format!("Nobody was sure enough: {rationale}"),
    };
    format!("{who}, {} sure: {rationale}", percent(confidence))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_stored_is_read_and_what_was_not_asked_says_why() {
        let views = json!([
            { "tier": "RULE", "verdict": "DECIDED", "reason": "r", "confidence": 0.95, "latencyUs": 3,
              "evidence": { "matched": [], "rules": 2, "asOf": 7,
                            "missed": [{ "rule": uuid::Uuid::nil(), "clause": "c" }] } },
            { "tier": "ORACLE", "verdict": "DECIDED", "reason": "of a later version" },
        ]);
        let told = told(Source::Rule, &views.to_string());
        assert_eq!(told.len(), 5);
        let rules = told[0].rules.as_ref().unwrap();
        assert_eq!(
            (rules.rules, rules.as_of, told[0].latency_us),
            (2, Some(7), Some(3))
        );
        assert_eq!(rules.missed[0].clause, "c");
        assert!(
            told[1..]
                .iter()
                .all(|told| told.reason.contains("a rule decided"))
        );
        assert!(super::told(Source::Person, "[]").is_empty());
    }

    #[test]
    fn neighbours_are_read_wherever_they_stand() {
        let votes = json!({ "support": 2, "neighbours": [{ "text": "t", "score": 0.5, "categories": [] }] });
        for evidence in [votes.clone(), json!({ "model": "m", "votes": votes })] {
            let views = json!([{ "tier": "SIMILAR", "verdict": "CONSIDERED", "reason": "r", "evidence": evidence }]);
            let told = told(Source::Model, &views.to_string());
            let precedents = told[0].precedents.as_ref().unwrap();
            assert_eq!((precedents.support, precedents.neighbours.len()), (2, 1));
        }
    }
}
