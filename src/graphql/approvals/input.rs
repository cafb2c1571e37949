//! What clients say about approvals: which are wanted, and what to do with them.

use async_graphql::{ID, InputObject};

use super::ApprovalStatus;
use crate::approvals;
use crate::error::Result;
use crate::graphql::bulk::ErrorPolicy;
use crate::graphql::condition::{self, RuleConditionInput};
use crate::graphql::decisions::DecisionSource;
use crate::graphql::node::local_opt;
use crate::graphql::scalar::Decimal;

/// Which approvals are wanted; an absent field asks for nothing.
#[derive(InputObject, Default)]
pub struct ApprovalFilter {
    /// In one of these states.
    #[graphql(default)]
    pub status: Vec<ApprovalStatus>,
    /// Proposed by one of these.
    #[graphql(default)]
    pub source: Vec<DecisionSource>,
    /// Decided as this category, or proposed as it and not decided.
    pub category_id: Option<ID>,
    /// Only those that wait for a second person, or only those that do not.
    pub second_person_needed: Option<bool>,
    /// Only those that entered the books without a person, or only the others.
    pub automatic: Option<bool>,
    /// Only those that were sure enough and are shown to a person all the same, or only the others.
    pub audit: Option<bool>,
    /// Only those that a rule flags, or only the others.
    pub flagged: Option<bool>,
    /// On this account.
    pub account_id: Option<ID>,
    /// At least this sure.
    pub confidence_min: Option<f64>,
    /// At most this sure.
    pub confidence_max: Option<f64>,
    /// At least this amount; money out is negative.
    pub amount_min: Option<Decimal>,
    /// At most this amount; money out is negative.
    pub amount_max: Option<Decimal>,
    /// These letters in the description or the merchant, whatever their case.
    pub text: Option<String>,
}

impl ApprovalFilter {
    pub(super) fn read(self) -> Result<approvals::Filter> {
        let amount = |field, amount: Option<Decimal>| {
            amount
                .map(|amount| condition::units(field, &amount))
                .transpose()
        };
        Ok(approvals::Filter {
            status: self.status.into_iter().map(Into::into).collect(),
            source: self.source.into_iter().map(Into::into).collect(),
            category: local_opt("Category", "filter.categoryId", self.category_id.as_ref())?,
            account: local_opt("Account", "filter.accountId", self.account_id.as_ref())?,
            second_person_needed: self.second_person_needed,
            automatic: self.automatic,
            audit: self.audit,
            flagged: self.flagged,
            min_confidence: self.confidence_min,
            max_confidence: self.confidence_max,
            min_amount: amount("filter.amountMin", self.amount_min)?,
            max_amount: amount("filter.amountMax", self.amount_max)?,
            text: self.text,
        })
    }
}

/// An approval whose proposal is accepted.
#[derive(InputObject)]
pub struct ApproveRecordInput {
    /// Which approval.
    pub approval_id: ID,
}

/// Approvals whose proposals are accepted.
#[derive(InputObject)]
pub struct ApproveRecordsInput {
    /// Which approvals, 1 to 200.
    pub approval_ids: Vec<ID>,
    /// What happens to good ones beside bad ones: by default each is on its own.
    #[graphql(default_with = "ErrorPolicy::RejectFailed")]
    pub error_policy: ErrorPolicy,
}

/// A rule to make of an override.
#[derive(InputObject)]
pub struct RuleFromOverrideInput {
    /// What to call it; the merchant when absent.
    pub name: Option<String>,
    /// When it matches; as `ruleFromOverridePreview` suggests when absent.
    pub conditions: Option<RuleConditionInput>,
    /// Whether later rules are skipped once it matched.
    #[graphql(default)]
    pub stop: bool,
}

/// An approval that gets another category than is proposed.
#[derive(InputObject)]
pub struct OverrideRecordInput {
    /// Which approval; this or `recordId`.
    pub approval_id: Option<ID>,
    /// The record whose newest approval is meant.
    pub record_id: Option<ID>,
    /// The category that is right.
    pub category_id: ID,
    /// The project; what was proposed stays when absent.
    pub project: Option<String>,
    /// A note; what was proposed stays when absent.
    pub note: Option<String>,
    /// A rule to make of it, which needs `rules:write`.
    pub make_rule: Option<RuleFromOverrideInput>,
}

/// Approvals that get one category.
#[derive(InputObject)]
pub struct OverrideRecordsInput {
    /// Which approvals, 1 to 200.
    pub approval_ids: Vec<ID>,
    /// The category that is right.
    pub category_id: ID,
    /// The project; what was proposed stays when absent.
    pub project: Option<String>,
    /// A note; what was proposed stays when absent.
    pub note: Option<String>,
    /// What happens to good ones beside bad ones: by default each is on its own.
    #[graphql(default_with = "ErrorPolicy::RejectFailed")]
    pub error_policy: ErrorPolicy,
}

/// An approval whose record does not belong in the books.
#[derive(InputObject)]
pub struct RejectRecordInput {
    /// Which approval.
    pub approval_id: ID,
    /// Why, in at most 2,000 characters.
    pub comment: Option<String>,
}

/// Approvals whose records do not belong in the books.
#[derive(InputObject)]
pub struct RejectRecordsInput {
    /// Which approvals, 1 to 200.
    pub approval_ids: Vec<ID>,
    /// Why, in at most 2,000 characters.
    pub comment: Option<String>,
    /// What happens to good ones beside bad ones: by default each is on its own.
    #[graphql(default_with = "ErrorPolicy::RejectFailed")]
    pub error_policy: ErrorPolicy,
}

/// A decided approval to take back.
#[derive(InputObject)]
pub struct ReopenApprovalInput {
    /// Which approval.
    pub approval_id: ID,
}

/// An override that is not agreed to.
#[derive(InputObject)]
pub struct DeclineOverrideInput {
    /// Which approval.
    pub approval_id: ID,
    /// Why, up to 2,000 characters.
    pub comment: Option<String>,
}
