//! What clients say about rules.

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::CategoryId;

use crate::error::Result;
use crate::graphql::condition::{self, RuleConditionInput};
use crate::graphql::node::{local, local_opt};
use crate::graphql::splits::RuleSplitLineInput;
use crate::rules::condition::Actions;
use crate::rules::{Changes, Destination, NewRule, Place};

/// What a rule fills in; at least one field.
#[derive(InputObject, Default)]
pub struct RuleActionsInput {
    /// The category to propose.
    pub category_id: Option<ID>,
    /// The project to file it under.
    pub project: Option<String>,
    /// A note to leave on it.
    pub note: Option<String>,
    /// The lines to split it into, in place of a category: 2 to 20, all by percent or all by amount. Percents add up to
    /// 100, or to less beside one line that takes the rest; beside amounts one line takes the rest.
    pub split: Option<Vec<RuleSplitLineInput>>,
    /// Words to find it by, beside those of other rules: at most 10, of 1 to 50 characters. Kept in lower case.
    pub tags: Option<Vec<String>>,
    /// Why a person is to look at it: 1 to 200 characters. What is flagged never passes without a person.
    pub flag: Option<String>,
}

impl RuleActionsInput {
    /// The actions as the room knows them.
    pub(in crate::graphql) fn read(self) -> Result<Actions> {
        let category: Option<CategoryId> =
            local_opt("Category", "actions.categoryId", self.category_id.as_ref())?;
        Ok(Actions {
            category: category.map(|id| id.0),
            project: self.project,
            note: self.note,
            split: match self.split {
                Some(lines) => {
                    let lines = lines.into_iter().map(RuleSplitLineInput::read);
                    Some(lines.collect::<Result<_>>()?)
                }
                None => None,
            },
            tags: self.tags.unwrap_or_default(),
            flag: self.flag,
        })
    }
}

/// A rule to make.
#[derive(InputObject)]
pub struct CreateRuleInput {
    /// What to call it: 1 to 100 characters.
    pub name: String,
    /// When it matches.
    pub conditions: RuleConditionInput,
    /// What it fills in.
    pub actions: RuleActionsInput,
    /// Whether later rules are skipped once it matched.
    #[graphql(default)]
    pub stop: bool,
    /// Whether it only watches: it is tried and counted, and decides nothing.
    #[graphql(default)]
    pub shadow: bool,
    /// The group it belongs to; none when absent.
    pub group_id: Option<ID>,
    /// Its place in its group, or among the rules without one, from 1; after the others when absent.
    pub position: Option<i32>,
}

impl CreateRuleInput {
    /// The rule as the room knows it.
    pub(super) fn read(self) -> Result<NewRule> {
        let group = local_opt("RuleGroup", "groupId", self.group_id.as_ref())?;
        Ok(NewRule {
            name: self.name,
            conditions: condition::read(self.conditions)?,
            actions: self.actions.read()?,
            stop: self.stop,
            shadow: self.shadow,
            place: match group {
                Some(group) => Place::In(group, self.position),
                None => self.position.map_or(Place::Last, Place::At),
            },
        })
    }
}

/// What to change about a rule. What is absent stays.
#[derive(InputObject)]
pub struct UpdateRuleInput {
    /// Which rule.
    pub rule_id: ID,
    /// Another name.
    pub name: Option<String>,
    /// Other conditions, all of them.
    pub conditions: Option<RuleConditionInput>,
    /// Other actions, all of them.
    pub actions: Option<RuleActionsInput>,
    /// Whether later rules are skipped once it matched.
    pub stop: Option<bool>,
    /// Whether it only watches; `false` switches it live.
    pub shadow: Option<bool>,
}

impl UpdateRuleInput {
    /// The changes as the room knows them.
    pub(super) fn read(self) -> Result<Changes> {
        Ok(Changes {
            name: self.name,
            conditions: self.conditions.map(condition::read).transpose()?,
            actions: self.actions.map(RuleActionsInput::read).transpose()?,
            stop: self.stop,
            shadow: self.shadow,
        })
    }
}

/// A rule to move.
#[derive(InputObject)]
pub struct MoveRuleInput {
    /// Which rule.
    pub rule_id: ID,
    /// The group it goes to; null takes it out of its group, and without this it stays there.
    pub group_id: MaybeUndefined<ID>,
    /// Its new place there, from 1; the end when absent. The ones around it make room.
    pub position: Option<i32>,
}

impl MoveRuleInput {
    /// The destination as the room knows it.
    pub(super) fn read(&self) -> Result<Destination> {
        Ok(Destination {
            group: match &self.group_id {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(None),
                MaybeUndefined::Value(group) => Some(Some(local("RuleGroup", "groupId", group)?)),
            },
            position: self.position,
        })
    }
}

/// A rule to switch on.
#[derive(InputObject)]
pub struct EnableRuleInput {
    /// Which rule.
    pub rule_id: ID,
}

/// A rule to switch off.
#[derive(InputObject)]
pub struct DisableRuleInput {
    /// Which rule.
    pub rule_id: ID,
}

/// A rule to remove.
#[derive(InputObject)]
pub struct DeleteRuleInput {
    /// Which rule.
    pub rule_id: ID,
}
