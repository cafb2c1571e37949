//! What a replay comes to, counted as it goes: plain values, and what a replay that was cut goes on from.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use entity::simulated_change::Effect;
use entity::{AccountId, CategoryId, RecordId, record};
use serde::{Deserialize, Serialize};

use super::judge::{Judged, Proposal};
use crate::processing::replay;
use crate::reports::Units;

/// Questions to the language model that are remembered; it is asked again after that, and so it is counted.
const REMEMBERED: usize = 10_000;

/// Everything that is counted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tally {
    /// Without the hypothesis.
    pub before: Figures,
    /// With it.
    pub after: Figures,
    /// What changed.
    pub effects: Effects,
    /// How the statement of accounts would differ.
    pub flows: Flows,
    /// Changes that are kept.
    pub kept: i32,
    /// The last record that is counted, where records go in the order of their dates.
    pub reached: Option<(NaiveDate, RecordId)>,
}

/// What one way of deciding comes to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Figures {
    /// Records decided.
    pub records: i64,
    /// Those with a category.
    pub proposed: i64,
    /// Those whose category a person has approved.
    pub checked: i64,
    /// Of these, the ones it says.
    pub right: i64,
    /// Those sure enough to pass.
    pub passing: i64,
    /// Of these, the ones whose category a person has approved.
    pub passing_checked: i64,
    /// Of these, the ones that are right.
    pub passing_right: i64,
    /// Those that enter the books by themselves.
    pub automatic: i64,
    /// Questions to the language model, the same one once.
    pub questions: u64,
    /// Their characters of bank text.
    pub characters: u64,
    /// Questions that were asked.
    pub asked: BTreeSet<u64>,
    /// Prompts, at least.
    pub prompts: u64,
    /// Tokens read, about.
    pub prompt_tokens: u64,
    /// Tokens written, about.
    pub completion_tokens: u64,
}

/// What changed, by what it is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Effects {
    /// Wrong before, right after.
    pub fixed: i32,
    /// Right before, wrong after.
    pub broken: i32,
    /// Another category, and neither is known to be right.
    pub different: i32,
    /// The same category, which passes now.
    pub passes: i32,
    /// The same category, which waits now.
    pub waits: i32,
}

/// What more, or less, a category would hold in a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Flow {
    /// The category.
    pub category: CategoryId,
    /// ISO 4217 code.
    pub currency: String,
    /// `YYYY-MM`.
    pub month: String,
    /// The difference.
    pub units: Units,
}

/// Differences by category, currency and month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Flow>", into = "Vec<Flow>")]
pub struct Flows(BTreeMap<(CategoryId, String, String), Units>);

impl From<Vec<Flow>> for Flows {
    fn from(flows: Vec<Flow>) -> Self {
        let key = |flow: Flow| ((flow.category, flow.currency, flow.month), flow.units);
        Self(flows.into_iter().map(key).collect())
    }
}

impl From<Flows> for Vec<Flow> {
    fn from(flows: Flows) -> Self {
        flows.iter().collect()
    }
}

impl Flows {
    /// Each that is not nothing, by category, currency and month.
    pub fn iter(&self) -> impl Iterator<Item = Flow> {
        let some = self.0.iter().filter(|(_, units)| units.0 != 0);
        some.map(|((category, currency, month), units)| Flow {
            category: *category,
            currency: currency.clone(),
            month: month.clone(),
            units: *units,
        })
    }

    fn add(&mut self, category: CategoryId, record: &record::Model, units: i128) {
        let month = record.occurred_on.format("%Y-%m").to_string();
        let key = (category, record.currency.clone(), month);
        *self.0.entry(key).or_default() += Units(units);
    }
}

impl Tally {
    /// Counts a record; what changed about it, if anything did. `counts` tells which categories are in the statement of
    /// accounts.
    pub(super) fn count(
        &mut self,
        judged: &Judged,
        counts: impl Fn(CategoryId) -> bool,
    ) -> Option<Effect> {
        let Judged {
            record,
            before,
            after,
            truth,
        } = judged;
        self.before.count(record, before, *truth);
        self.after.count(record, after, *truth);
        let effect = judged.effect()?;
        *match effect {
            Effect::Fixed => &mut self.effects.fixed,
            Effect::Broken => &mut self.effects.broken,
            Effect::Different => &mut self.effects.different,
            Effect::Passes => &mut self.effects.passes,
            Effect::Waits => &mut self.effects.waits,
        } += 1;
        if before.category != after.category {
            let amount = i128::from(record.amount);
            for (category, units) in [(before.category, -amount), (after.category, amount)] {
                if let Some(category) = category.filter(|category| counts(*category)) {
                    self.flows.add(category, record, units);
                }
            }
        }
        Some(effect)
    }

    /// How many decisions changed.
    pub fn changed(&self) -> i32 {
        let Effects {
            fixed,
            broken,
            different,
            passes,
            waits,
        } = self.effects;
        fixed + broken + different + passes + waits
    }
}

impl Figures {
    fn count(&mut self, record: &record::Model, proposal: &Proposal, truth: Option<CategoryId>) {
        let one = |it: bool| i64::from(it);
        let right = truth.is_some() && proposal.category == truth;
        self.records += 1;
        self.proposed += one(proposal.category.is_some());
        self.checked += one(truth.is_some());
        self.right += one(right);
        self.passing += one(proposal.passes);
        self.passing_checked += one(proposal.passes && truth.is_some());
        self.passing_right += one(proposal.passes && right);
        self.automatic += one(proposal.automatic);
        if proposal.asks {
            let question = question(&record.merchant_key, record.account_id, record.amount >= 0);
            let known = self.asked.contains(&question);
            if !known {
                self.questions += 1;
                self.characters += replay::question_characters(record);
            }
            if !known && self.asked.len() < REMEMBERED {
                self.asked.insert(question);
            }
        }
    }

    /// The share of what people have approved that it says; none without any.
    pub fn accuracy(&self) -> Option<f64> {
        share(self.right, self.checked)
    }

    /// The share of what passes that is right, of what people have approved; none without any.
    pub fn precision(&self) -> Option<f64> {
        share(self.passing_right, self.passing_checked)
    }

    /// Records that wait for a person.
    pub fn waiting(&self) -> i64 {
        self.records - self.automatic
    }
}

fn share(part: i64, of: i64) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

/// What makes two records the same question to the language model, as a number that is the same on every machine
/// (FNV-1a).
fn question(merchant: &str, account: Option<AccountId>, is_in: bool) -> u64 {
    let account = account.map(|account| account.0.into_bytes());
    let bytes = merchant
        .bytes()
        .chain(account.into_iter().flatten())
        .chain([u8::from(is_in)]);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
