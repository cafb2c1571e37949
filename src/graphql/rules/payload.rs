//! What became of rules.

use super::Rule;
use crate::graphql::payload::payloads;

payloads! {
    /// A rule that was made.
    CreateRulePayload {
        /// The rule.
        rule: Rule
    },
    /// A rule that was changed.
    UpdateRulePayload {
        /// The rule.
        rule: Rule
    },
    /// A rule that was moved.
    MoveRulePayload {
        /// The rule.
        rule: Rule
    },
    /// A rule that was switched on.
    EnableRulePayload {
        /// The rule.
        rule: Rule
    },
    /// A rule that was switched off.
    DisableRulePayload {
        /// The rule.
        rule: Rule
    },
    /// A rule that was removed.
    DeleteRulePayload {
        /// The rule.
        rule: Rule
    },
}
