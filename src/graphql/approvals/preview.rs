//! What a rule made from an override would have matched, before anyone makes it.

use async_graphql::{Json, SimpleObject};
use serde_json::Value;

use crate::approvals;
use crate::graphql::condition;

/// What a rule made from an override would have matched.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct RulePreview {
    /// When it would match, in the form of `RuleConditionInput`.
    pub conditions: Json<Value>,
    /// How many of the latest records were looked at; at most 5,000.
    pub sampled: i32,
    /// How many of them it matches.
    pub matches: i32,
    /// Of those, the approved ones in the same category.
    pub confirmations: i32,
    /// Of those, the approved ones in another category.
    pub contradictions: i32,
    /// Of those, the ones that still wait for a decision.
    pub waiting: i32,
}

impl From<approvals::RulePreview> for RulePreview {
    fn from(preview: approvals::RulePreview) -> Self {
        let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        Self {
            conditions: condition::show(preview.conditions),
            sampled: count(preview.sampled),
            matches: count(preview.matches),
            confirmations: count(preview.confirmations),
            contradictions: count(preview.contradictions),
            waiting: count(preview.waiting),
        }
    }
}
