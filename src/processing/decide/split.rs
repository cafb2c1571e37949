//! A rule that splits: its lines with the amounts they take of this record, or why they do not fit it.

use entity::{CategoryId, record};
use serde_json::json;

use super::precedent::contradiction;
use super::{CONTRADICTED_RULE, Look, RULE, Tier, View};
use crate::money::units_to_decimal;
use crate::processing::knowledge::Knowledge;
use crate::rules::condition::SplitLine;
use crate::rules::matching::Outcome;
use crate::splits::{self, Line, Share};

impl Look {
    /// What the rule that splits says; its lines are kept when they fit.
    pub(super) fn ask_split(
        &mut self,
        record: &record::Model,
        outcome: &Outcome,
        knowledge: &Knowledge,
    ) -> View {
        let Some(filled) = &outcome.split else {
            return View::silent(Tier::Rule, "No rule splits it.");
        };
        let name = knowledge
            .rules()
            .name(filled.by.into())
            .unwrap_or("removed");
        let lines = match lines_of(record, &filled.value, knowledge) {
            Ok(lines) => lines,
            Err(why) => {
                let reason = format!("The rule \"{name}\" would split it, but {why}.");
                return View::silent(Tier::Rule, reason);
            }
        };
        let Some(category) = splits::main(&lines) else {
            return View::silent(Tier::Rule, format!("The rule \"{name}\" has no lines."));
        };
        // approvals that name one of its lines do not speak against it
        let elsewhere = contradiction(record, category, knowledge).filter(|view| {
            let named = |line: &Line| Some(line.category) == view.category;
            !lines.iter().any(named)
        });
        let worth = match elsewhere {
            Some(_) => CONTRADICTED_RULE,
            None => RULE,
        };
        self.views.extend(elsewhere);
        let told: Vec<String> = lines
            .iter()
            .map(|line| format!("{} under {}", decimal(record, line), known(knowledge, line)))
            .collect();
        let reason = format!("The rule \"{name}\" splits it: {}.", told.join(", "));
        self.lines = lines;
        View::proposal(Tier::Rule, category, worth, reason)
    }

    /// The lines as a trace shows them.
    pub(super) fn split_shown(&self, record: &record::Model) -> serde_json::Value {
        let line =
            |line: &Line| json!({ "category": line.category, "amount": decimal(record, line) });
        self.lines.iter().map(line).collect()
    }
}

/// The lines with their amounts. What is left for the line that takes the rest goes the way of the record.
fn lines_of(
    record: &record::Model,
    split: &[SplitLine],
    knowledge: &Knowledge,
) -> Result<Vec<Line>, String> {
    let turned = |share: Share| match share {
        Share::Amount(units) => Share::Amount(units * record.amount.signum()),
        other => other,
    };
    let shares: Vec<Share> = split.iter().map(|line| turned(line.share())).collect();
    let amounts = splits::amounts(record.amount, &record.currency, &shares)?;
    let mut lines = Vec::with_capacity(split.len());
    for ((line, share), amount) in split.iter().zip(shares).zip(amounts) {
        let category = CategoryId(line.category);
        match knowledge.open_category(category) {
            None => return Err("one of its categories is archived".to_owned()),
            Some(known) if !known.leaf => {
                return Err(format!("{} has others below it", known.name));
            }
            Some(_) => {}
        }
        if share == Share::Rest && amount.signum() != record.amount.signum() {
            return Err("its amounts are more than the record".to_owned());
        }
        lines.push(Line {
            category,
            amount,
            project: line.project.clone(),
            note: line.note.clone(),
        });
    }
    Ok(lines)
}

fn known<'k>(knowledge: &'k Knowledge, line: &Line) -> &'k str {
    let known = knowledge.open_category(line.category);
    known.map_or("removed", |known| &known.name)
}

fn decimal(record: &record::Model, line: &Line) -> String {
    match record.currency.parse() {
        Ok(currency) => units_to_decimal(line.amount.into(), currency),
        Err(_) => format!("{}e-5", line.amount),
    }
}
