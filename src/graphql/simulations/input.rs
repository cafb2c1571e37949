//! What is supposed, as clients write it.

use async_graphql::{Enum, ID, InputObject, OneofObject};
use entity::automation::Mode;

use super::SimulatedEffect;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::graphql::automation::AutomationMode;
use crate::graphql::condition::{self, RuleConditionInput};
use crate::graphql::node::{local, local_all, local_opt};
use crate::graphql::rules::RuleActionsInput;
use crate::graphql::scalar::{Date, Decimal};
use crate::simulations::{
    AutomationChange, Before, ChangeFilter, Hypothesis, Knowing, Prices, RuleChange, TierChange,
    beneath,
};

/// With which knowledge records are decided again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Knowing")]
pub enum SimulationKnowledge {
    /// With what was known when the pipeline came to each record: decisions and approvals in the order of the event log.
    /// Rules and chart are those of now. This is how well it would have done.
    History,
    /// With everything that is known now: this is what it would propose today. For a record that was approved that very
    /// approval is left out of the counts and of the similar records; the learned model has seen it, so the accuracy is
    /// better than it would be on what is new.
    Now,
}

/// What a hypothesis is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Before")]
pub enum SimulationBefore {
    /// The pipeline as it is, replayed beside it: only the hypothesis makes a difference.
    Pipeline,
    /// What was really proposed at the time, by whichever version of the pipeline and of the rules.
    Stored,
}

/// A replay to make.
#[derive(InputObject)]
pub struct SimulatePipelineInput {
    /// The first day of the records.
    pub from: Date,
    /// The last day of the records; at most 3,660 days, and 200,000 records.
    pub to: Date,
    /// Only records of these accounts, at most 100; of all without it.
    pub account_ids: Option<Vec<ID>>,
    /// With which knowledge records are decided again.
    #[graphql(default_with = "SimulationKnowledge::History")]
    pub knowledge: SimulationKnowledge,
    /// What the hypothesis is compared with.
    #[graphql(default_with = "SimulationBefore::Pipeline")]
    pub compared_with: SimulationBefore,
    /// Supposed changes of the rules, carried out in this order; at most 200.
    pub rules: Option<Vec<SimulatedRuleChangeInput>>,
    /// Supposed automation.
    pub automation: Option<SimulatedAutomationInput>,
    /// Tiers that are supposed to be on or off.
    pub tiers: Option<SimulatedTiersInput>,
    /// What a million tokens of the language model cost, to reckon what its questions would.
    pub language_model_prices: Option<LanguageModelPricesInput>,
}

/// A supposed change of the rules: exactly one field.
#[derive(OneofObject)]
pub enum SimulatedRuleChangeInput {
    /// A rule more.
    Add(SimulatedRuleInput),
    /// Another content of a rule.
    Edit(SimulatedRuleEditInput),
    /// Another place of a rule.
    Move(SimulatedRuleMoveInput),
    /// A rule switched on.
    Enable(ID),
    /// A rule switched off.
    Disable(ID),
    /// A rule less.
    Remove(ID),
}

/// A supposed rule.
#[derive(InputObject)]
pub struct SimulatedRuleInput {
    /// What to call it: 1 to 100 characters.
    pub name: String,
    /// When it matches.
    pub conditions: RuleConditionInput,
    /// What it fills in.
    pub actions: RuleActionsInput,
    /// Whether later rules are skipped once it matched.
    #[graphql(default)]
    pub stop: bool,
    /// Its place among the rules without a group, from 1; behind those when absent.
    pub position: Option<i32>,
}

/// Another content of a rule. What is absent stays.
#[derive(InputObject)]
pub struct SimulatedRuleEditInput {
    /// Which rule.
    pub rule_id: ID,
    /// Other conditions, all of them.
    pub conditions: Option<RuleConditionInput>,
    /// Other actions, all of them.
    pub actions: Option<RuleActionsInput>,
    /// Whether later rules are skipped once it matched.
    pub stop: Option<bool>,
}

/// Another place of a rule.
#[derive(InputObject)]
pub struct SimulatedRuleMoveInput {
    /// Which rule.
    pub rule_id: ID,
    /// Its place in its group, or among the rules without one, from 1; the ones between make room.
    pub position: i32,
}

/// Supposed automation. What is absent stays.
#[derive(InputObject)]
pub struct SimulatedAutomationInput {
    /// Whether anything passes without a person.
    pub mode: Option<AutomationMode>,
    /// How much of what passes is to be right: 0.9 to 0.999.
    pub target_precision: Option<f64>,
    /// How much of what would pass is shown to a person all the same: 0.01 to 1.
    pub audit_share: Option<f64>,
}

/// Tiers that are on or off. What is absent is as it is.
#[derive(InputObject, Default)]
pub struct SimulatedTiersInput {
    /// The tenant's rules.
    pub rules: Option<bool>,
    /// Approvals of the same merchant.
    pub exact: Option<bool>,
    /// The learned model.
    pub model: Option<bool>,
    /// Approvals of strings that look alike.
    pub similar: Option<bool>,
    /// The language model: whether its questions are counted. They are as it is when one is configured.
    pub language_model: Option<bool>,
}

/// What a million tokens cost, in the currency of the provider.
#[derive(InputObject)]
pub struct LanguageModelPricesInput {
    /// Tokens it reads.
    pub prompt: Decimal,
    /// Tokens it writes.
    pub completion: Decimal,
}

/// A simulation to stop.
#[derive(InputObject)]
pub struct CancelSimulationInput {
    /// Which simulation.
    pub simulation_id: ID,
}

/// Which changes to list. What is absent matters not.
#[derive(InputObject, Default)]
pub struct SimulatedChangeFilter {
    /// Worth one of these.
    pub effects: Option<Vec<SimulatedEffect>>,
    /// From or to this category.
    pub category_id: Option<ID>,
}

impl SimulatedChangeFilter {
    pub(super) fn read(self) -> Result<ChangeFilter> {
        let effects = self.effects.map(|effects| {
            let effects = effects.into_iter();
            effects.map(Into::into).collect()
        });
        Ok(ChangeFilter {
            effects,
            category: local_opt("Category", "filter.categoryId", self.category_id.as_ref())?,
        })
    }
}

impl SimulatePipelineInput {
    pub(super) fn read(self, ctx: &Ctx) -> Result<Hypothesis> {
        let mut rules = Vec::new();
        for (at, change) in self.rules.unwrap_or_default().into_iter().enumerate() {
            let change = change
                .read(ctx)
                .map_err(|error| beneath(&format!("rules[{at}]"), error))?;
            rules.push(change);
        }
        let automation = self.automation.map(|automation| AutomationChange {
            automatic: automation
                .mode
                .map(|mode| Mode::from(mode) == Mode::Automatic),
            target: automation.target_precision,
            audit_share: automation.audit_share,
        });
        let tiers = self.tiers.unwrap_or_default();
        let prices = self.language_model_prices.map(|prices| {
            Ok::<_, Error>(Prices {
                prompt_micros: micros("languageModelPrices.prompt", &prices.prompt)?,
                completion_micros: micros("languageModelPrices.completion", &prices.completion)?,
            })
        });
        Ok(Hypothesis {
            from: self.from.0,
            to: self.to.0,
            accounts: local_all(
                "Account",
                "accountIds",
                &self.account_ids.unwrap_or_default(),
            )?,
            knowing: self.knowledge.into(),
            before: self.compared_with.into(),
            rules,
            automation,
            tiers: TierChange {
                rules: tiers.rules,
                exact: tiers.exact,
                model: tiers.model,
                similar: tiers.similar,
                llm: tiers.language_model,
            },
            prices: prices.transpose()?,
        })
    }
}

impl SimulatedRuleChangeInput {
    fn read(self, ctx: &Ctx) -> Result<RuleChange> {
        Ok(match self {
            Self::Add(rule) => RuleChange::Add {
                id: ctx.id(),
                name: rule.name,
                conditions: condition::read(rule.conditions)
                    .map_err(|error| beneath("add", error))?,
                actions: rule.actions.read().map_err(|error| beneath("add", error))?,
                stop: rule.stop,
                position: rule.position,
            },
            Self::Edit(edit) => RuleChange::Edit {
                rule: local("Rule", "edit.ruleId", &edit.rule_id)?,
                conditions: edit
                    .conditions
                    .map(condition::read)
                    .transpose()
                    .map_err(|error| beneath("edit", error))?,
                actions: edit
                    .actions
                    .map(RuleActionsInput::read)
                    .transpose()
                    .map_err(|error| beneath("edit", error))?,
                stop: edit.stop,
            },
            Self::Move(to) => RuleChange::Move {
                rule: local("Rule", "move.ruleId", &to.rule_id)?,
                position: to.position,
            },
            Self::Enable(id) => RuleChange::Enable {
                rule: local("Rule", "enable", &id)?,
            },
            Self::Disable(id) => RuleChange::Disable {
                rule: local("Rule", "disable", &id)?,
            },
            Self::Remove(id) => RuleChange::Remove {
                rule: local("Rule", "remove", &id)?,
            },
        })
    }
}

/// A price in millionths.
fn micros(field: &'static str, price: &Decimal) -> Result<u64> {
    let refused = || Error::invalid(field, "0 to 1000000 with at most 6 decimals is accepted");
    let (whole, part) = price.0.split_once('.').unwrap_or((&price.0, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || whole.len() > 7 || part.len() > 6 {
        return Err(refused());
    }
    let number = |text: &str| text.parse::<u64>().map_err(|_| refused());
    let micros = number(whole)? * 1_000_000 + number(&format!("{part:0<6}"))?;
    match micros <= 1_000_000_000_000 {
        true => Ok(micros),
        false => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_exact_and_bounded() {
        let read = |text: &str| micros("prompt", &Decimal(text.to_owned())).ok();
        assert_eq!(read("0.15"), Some(150_000));
        assert_eq!(read("3"), Some(3_000_000));
        for refused in ["", "-1", "1.", "1e3", "0.1234567", "1000000.1"] {
            assert_eq!(read(refused), None, "{refused}");
        }
    }
}
