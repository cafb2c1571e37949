//! What is supposed, and of which records.

use chrono::NaiveDate;
use entity::automation::Mode;
use entity::{AccountId, record};
use sea_orm::{ColumnTrait, QueryFilter, Select};
use serde::{Deserialize, Serialize};

use super::rule_changes::RuleChange;
use crate::automation::{Change, Policy};
use crate::error::{Error, Result};
use crate::processing::replay::Tiers;

/// Rule changes one hypothesis may hold.
const MAX_CHANGES: usize = 200;
/// Accounts it may name.
const MAX_ACCOUNTS: usize = 100;
/// Days it may span.
const MAX_DAYS: i64 = 3_660;

/// With which knowledge records are decided again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Knowing {
    /// With what was known when the pipeline came to each record.
    #[default]
    History,
    /// With everything that is known now.
    Now,
}

/// What the hypothesis is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Before {
    /// The pipeline as it is now, replayed beside it: only the hypothesis makes a difference.
    #[default]
    Pipeline,
    /// What was really proposed at the time, by whichever version.
    Stored,
}

/// What people want to know.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hypothesis {
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// Only records of these accounts; of all when empty.
    #[serde(default)]
    pub accounts: Vec<AccountId>,
    /// With which knowledge.
    pub knowing: Knowing,
    /// Compared with what.
    pub before: Before,
    /// What changes about the rules, in order.
    #[serde(default)]
    pub rules: Vec<RuleChange>,
    /// What changes about automation.
    #[serde(default)]
    pub automation: Option<AutomationChange>,
    /// Which tiers are switched.
    #[serde(default)]
    pub tiers: TierChange,
    /// What a language model would cost.
    #[serde(default)]
    pub prices: Option<Prices>,
}

/// Another automation. What is absent stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutomationChange {
    /// Whether anything passes; `true` is AUTOMATIC.
    pub automatic: Option<bool>,
    /// How much of what passes is to be right, 0 to 1.
    pub target: Option<f64>,
    /// How much of what would pass is shown to a person all the same, 0 to 1.
    pub audit_share: Option<f64>,
}

impl AutomationChange {
    /// The policy with the change; one out of range is refused.
    pub fn on(self, policy: Policy) -> Result<Policy> {
        policy.with(self.change())
    }

    /// The change, as it is made to the real policy.
    pub fn change(self) -> Change {
        let mode = self.automatic.map(|automatic| match automatic {
            true => Mode::Automatic,
            false => Mode::ProposeOnly,
        });
        Change {
            mode,
            target: self.target,
            audit_share: self.audit_share,
        }
    }
}

/// Tiers that are switched on or off. What is absent stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TierChange {
    /// The tenant's rules.
    pub rules: Option<bool>,
    /// Approvals of the same merchant.
    pub exact: Option<bool>,
    /// The learned model.
    pub model: Option<bool>,
    /// Approvals of strings that look alike.
    pub similar: Option<bool>,
    /// The language model.
    pub llm: Option<bool>,
}

impl TierChange {
    /// The tiers with the change.
    pub fn on(self, tiers: Tiers) -> Tiers {
        Tiers {
            rules: self.rules.unwrap_or(tiers.rules),
            exact: self.exact.unwrap_or(tiers.exact),
            model: self.model.unwrap_or(tiers.model),
            similar: self.similar.unwrap_or(tiers.similar),
            llm: self.llm.unwrap_or(tiers.llm),
        }
    }
}

/// What a million tokens cost, in millionths of the currency of the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prices {
    /// Read.
    pub prompt_micros: u64,
    /// Written.
    pub completion_micros: u64,
}

impl Prices {
    /// What so many tokens cost, in millionths.
    pub fn of(self, prompt_tokens: u64, completion_tokens: u64) -> u64 {
        let cost = |tokens: u64, micros: u64| u128::from(tokens) * u128::from(micros);
        let all = cost(prompt_tokens, self.prompt_micros)
            + cost(completion_tokens, self.completion_micros);
        u64::try_from(all.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

impl Hypothesis {
    /// Refuses what cannot be looked at in one piece.
    pub(super) fn check(&self) -> Result<()> {
        if self.to < self.from {
            return Err(Error::invalid("to", "it is before the first day"));
        }
        if (self.to - self.from).num_days() >= MAX_DAYS {
            return Err(Error::invalid(
                "to",
                format!("at most {MAX_DAYS} days are accepted"),
            ));
        }
        if self.rules.len() > MAX_CHANGES {
            return Err(Error::invalid(
                "rules",
                format!("at most {MAX_CHANGES} changes are accepted"),
            ));
        }
        if self.accounts.len() > MAX_ACCOUNTS {
            return Err(Error::invalid(
                "accountIds",
                format!("at most {MAX_ACCOUNTS} are accepted"),
            ));
        }
        if let Some(automation) = self.automation {
            automation
                .on(Policy::default())
                .map_err(|error| beneath("automation", error))?;
        }
        Ok(())
    }

    /// The records it is about: those the pipeline decided that are in the books or on the way there.
    pub(super) fn among(&self, records: Select<record::Entity>) -> Select<record::Entity> {
        use record::Column as C;
        let records = records
            .filter(C::OccurredOn.between(self.from, self.to))
            .filter(C::Status.is_in([record::Status::Processed, record::Status::Approved]));
        match self.accounts.as_slice() {
            [] => records,
            accounts => records.filter(C::AccountId.is_in(accounts.iter().copied())),
        }
    }
}

/// An error of a part as one of the whole: its field with the way to it.
pub fn beneath(way: &str, error: Error) -> Error {
    match error {
        Error::Invalid { field, message } => Error::invalid(format!("{way}.{field}"), message),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_that_of_its_tokens_and_rounded_up() {
        let prices = Prices {
            prompt_micros: 150_000,
            completion_micros: 600_000,
        };
        assert_eq!(prices.of(2_000_000, 1_000_000), 900_000);
        assert_eq!(prices.of(1, 0), 1);
        let dear = Prices {
            prompt_micros: 3_000_000,
            completion_micros: 3_000_000,
        };
        assert_eq!(dear.of(u64::MAX, u64::MAX), u64::MAX);
    }

    #[test]
    fn what_is_not_switched_stays() {
        let off = TierChange {
            model: Some(false),
            ..TierChange::default()
        };
        let tiers = off.on(Tiers::default());
        assert!(!tiers.model && tiers.rules && tiers.exact && tiers.similar && tiers.llm);
    }
}
