//! What clients send about suggested rules, and what they get back.

use async_graphql::{ID, InputObject, SimpleObject};
use chrono::{DateTime, Utc};
use entity::RuleSuggestionId;

use super::{RuleSuggestion, RuleSuggestionStatus};
use crate::error::Result;
use crate::graphql::condition::{self, RuleConditionInput};
use crate::graphql::error::UserError;
use crate::graphql::node::{local, local_opt};
use crate::graphql::payload::payloads;
use crate::graphql::rules::Rule;
use crate::suggestions::{Acceptance, Filter};

/// Which suggested rules are wanted.
#[derive(InputObject, Default)]
pub struct RuleSuggestionFilter {
    /// In one of these states; all when absent.
    pub status: Option<Vec<RuleSuggestionStatus>>,
    /// Which file under this category.
    pub category_id: Option<ID>,
    /// Which are in this rule, or were.
    pub rule_id: Option<ID>,
}

impl RuleSuggestionFilter {
    pub(super) fn read(self) -> Result<Filter> {
        let status = self.status.unwrap_or_default();
        Ok(Filter {
            status: status.into_iter().map(Into::into).collect(),
            category: local_opt("Category", "filter.categoryId", self.category_id.as_ref())?,
            rule: local_opt("Rule", "filter.ruleId", self.rule_id.as_ref())?,
        })
    }
}

/// A suggestion to accept.
#[derive(InputObject)]
pub struct AcceptRuleSuggestionInput {
    /// Which suggestion.
    pub rule_suggestion_id: ID,
    /// What to call the rule: 1 to 100 characters; the merchant when absent.
    pub name: Option<String>,
    /// When the rule matches; as suggested when absent.
    pub conditions: Option<RuleConditionInput>,
    /// Whether later rules are skipped once it matched.
    #[graphql(default)]
    pub stop: bool,
    /// Whether to make a rule of its own also where another one could be extended.
    #[graphql(default)]
    pub apart: bool,
    /// Whether it may approve by itself once its class has earned that.
    #[graphql(default)]
    pub self_approval: bool,
}

impl AcceptRuleSuggestionInput {
    pub(super) fn read(self) -> Result<(RuleSuggestionId, Acceptance)> {
        let id = local(
            "RuleSuggestion",
            "ruleSuggestionId",
            &self.rule_suggestion_id,
        )?;
        let how = Acceptance {
            name: self.name,
            conditions: self.conditions.map(condition::read).transpose()?,
            stop: self.stop,
            apart: self.apart,
            self_approving: self.self_approval,
        };
        Ok((id, how))
    }
}

/// A suggestion to dismiss.
#[derive(InputObject)]
pub struct DismissRuleSuggestionInput {
    /// Which suggestion.
    pub rule_suggestion_id: ID,
}

/// A suggestion to put off.
#[derive(InputObject)]
pub struct SnoozeRuleSuggestionInput {
    /// Which suggestion.
    pub rule_suggestion_id: ID,
    /// Until when.
    pub until: DateTime<Utc>,
}

/// A suggestion to restore.
#[derive(InputObject)]
pub struct RestoreRuleSuggestionInput {
    /// Which suggestion.
    pub rule_suggestion_id: ID,
}

/// A rule that may approve by itself, or may not.
#[derive(InputObject)]
pub struct SetRuleSelfApprovalInput {
    /// Which rule.
    pub rule_id: ID,
    /// Whether it may.
    pub on: bool,
}

/// A suggestion that was accepted, and what it became.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct AcceptRuleSuggestionPayload {
    /// The suggestion.
    pub suggestion: Option<RuleSuggestion>,
    /// The rule that holds it now.
    pub rule: Option<Rule>,
    /// Whether that rule was there before.
    pub extended: Option<bool>,
    /// What to put right; empty when it was done.
    #[graphql(name = "errors")]
    pub user_errors: Vec<UserError>,
}

payloads! {
    /// A suggestion that was dismissed.
    DismissRuleSuggestionPayload {
        /// The suggestion.
        suggestion: RuleSuggestion
    },
    /// A suggestion that was put off.
    SnoozeRuleSuggestionPayload {
        /// The suggestion.
        suggestion: RuleSuggestion
    },
    /// A suggestion that was restored.
    RestoreRuleSuggestionPayload {
        /// The suggestion.
        suggestion: RuleSuggestion
    },
    /// A rule that may approve by itself, or may not any more.
    SetRuleSelfApprovalPayload {
        /// The rule.
        rule: Rule
    },
}
