//! What the tenant's rules say about a record, those that decide and those that only watch.

use entity::{CategoryId, record};
use serde_json::json;

use super::precedent::contradiction;
use super::{CLAUSE, CONTRADICTED_RULE, Look, MISSED, RULE, Tier, View};
use crate::processing::knowledge::Knowledge;
use crate::rules::matching::{Outcome, Shadow};
use crate::rules::{self, Hit};

/// Rules in shadow that are told of one by one; all are counted.
const SHADOWS_TOLD: usize = 10;

impl Look {
    /// Asks the rules: what they fill in, which of them the record met, and what those in shadow would have done.
    pub(super) fn ask_rules(&mut self, record: &record::Model, knowledge: &Knowledge) {
        let rules = knowledge.rules();
        let facts = rules::facts(record);
        let outcome = rules.set.evaluate(&facts, false);
        let missed = rules.set.misses(&facts, MISSED).into_iter();
        let missed = missed.map(|(rule, clause)| {
            let clause: String = clause.chars().take(CLAUSE).collect();
            json!({ "rule": rule, "clause": clause })
        });
        let mut tried = json!({
            "matched": &outcome.matched,
            "missed": missed.collect::<Vec<_>>(),
            "rules": rules.set.len(),
            "asOf": knowledge.cursor(),
        });
        let (mut decided, mut split) = (None, None);
        let view = match outcome.category.as_ref() {
            Some(filled) => {
                let category = CategoryId(filled.value);
                let name = rules.name(filled.by.into()).unwrap_or("removed");
                match knowledge.open_category(category) {
                    Some(known) => {
                        decided = Some(filled.by);
                        self.rule = Some(filled.by.into());
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
            None if outcome.split.is_some() => {
                let view = self.ask_split(record, &outcome, knowledge);
                split = outcome.split.as_ref().map(|filled| filled.by);
                split = split.filter(|_| view.category.is_some());
                view
            }
            None if outcome.matched.is_empty() => View::silent(Tier::Rule, "No rule matches."),
            None => View::silent(Tier::Rule, "The rules that match name no category."),
        };
        if !self.lines.is_empty() {
            tried["split"] = self.split_shown(record);
        }
        let main = view.category;
        self.views.push(view.with(tried));
        let Outcome {
            category,
            project,
            note,
            flag,
            tags,
            matched,
            shadows,
            ..
        } = outcome;
        let chosen = category.filter(|filled| decided == Some(filled.by));
        self.hits = matched
            .iter()
            .map(|rule| Hit {
                rule: (*rule).into(),
                shadow: false,
                category: match split {
                    // of a split the category of its largest line stands for it
                    Some(by) => main.filter(|_| by == *rule),
                    None => chosen
                        .as_ref()
                        .filter(|filled| filled.by == *rule)
                        .map(|filled| CategoryId(filled.value)),
                },
            })
            .collect();
        self.watch(&shadows, knowledge);
        self.project = project.map(|filled| filled.value);
        self.note = note.map(|filled| filled.value);
        self.flag = flag.map(|filled| filled.value);
        self.tags = tags;
    }

    /// Tells what rules in shadow would have done. Their views stand apart: nobody follows them.
    fn watch(&mut self, shadows: &[Shadow], knowledge: &Knowledge) {
        for (at, shadow) in shadows.iter().enumerate() {
            let category = shadow.category.map(CategoryId);
            let known = category.and_then(|category| knowledge.open_category(category));
            let category = category.filter(|_| known.is_some());
            self.hits.push(Hit {
                rule: shadow.rule.into(),
                shadow: true,
                category,
            });
            if at < SHADOWS_TOLD {
                let name = knowledge.rules().name(shadow.rule.into());
                let name = name.unwrap_or("removed");
                let reason = match known {
                    Some(known) => format!(
                        "The rule \"{name}\" only watches; it would have filed it under {}.",
                        known.name
                    ),
                    None => format!(
                        "The rule \"{name}\" only watches; it matches, and would have chosen no category."
                    ),
                };
                let evidence = json!({ "matched": [shadow.rule], "fields": shadow.fields });
                self.shadows
                    .push(View::shadow(category, reason).with(evidence));
            }
        }
    }
}
