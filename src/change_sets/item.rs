//! The items of a change set: what was done about one rule, the policy or one record, and what puts it back.

use entity::approval::Status;
use entity::change_set_item::{self, Kind, Outcome, Reason};
use entity::{ApprovalId, CategoryId, DecisionId, RecordId, RuleGroupId, RuleId, change_set};
use serde::{Deserialize, Serialize};

use crate::approvals::Refusal;
use crate::ctx::Tx;
use crate::error::{Error, Result};

/// What was done about one thing.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub kind: Kind,
    pub outcome: Outcome,
    pub reason: Option<Reason>,
    pub rule: Option<RuleId>,
    pub record: Option<RecordId>,
    pub categories: (Option<CategoryId>, Option<CategoryId>),
    pub approvals: (Option<ApprovalId>, Option<ApprovalId>),
    pub before: Option<String>,
    pub after: Option<String>,
}

/// A rule before it was changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RuleBefore {
    pub conditions: serde_json::Value,
    pub actions: serde_json::Value,
    pub stop: bool,
    pub group: Option<RuleGroupId>,
    /// The rules ahead of it in its group, the nearest first.
    pub ahead: Vec<RuleId>,
}

/// A rule once all of the set was in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RuleAfter {
    /// Stands for what it is; none when it was removed.
    pub print: Option<String>,
    /// The rules beside it in its group.
    pub beside: (Option<RuleId>, Option<RuleId>),
}

/// How a record was filed before.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FiledBefore {
    pub overridden: bool,
    pub automatic: bool,
    pub decision: DecisionId,
    pub category: CategoryId,
}

impl FiledBefore {
    pub fn status(&self) -> Status {
        match self.overridden {
            true => Status::Overridden,
            false => Status::Approved,
        }
    }
}

/// By which decision a record was filed elsewhere.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct FiledAfter {
    pub decision: DecisionId,
}

impl Item {
    /// Something about a rule, or about the policy.
    pub fn applied(kind: Kind, rule: Option<RuleId>) -> Self {
        Self {
            kind,
            outcome: Outcome::Applied,
            reason: None,
            rule,
            record: None,
            categories: (None, None),
            approvals: (None, None),
            before: None,
            after: None,
        }
    }

    /// A record that was changed.
    pub fn of_record(kind: Kind, record: RecordId) -> Self {
        Self {
            record: Some(record),
            ..Self::applied(kind, None)
        }
    }

    /// The same, not done.
    #[must_use]
    pub fn but(self, reason: Reason) -> Self {
        Self {
            outcome: outcome(reason),
            reason: Some(reason),
            ..self
        }
    }
}

/// What is not allowed is refused; what is no longer to be changed is left alone.
fn outcome(reason: Reason) -> Outcome {
    match reason {
        Reason::OutOfReach
        | Reason::SecondPersonNeeded
        | Reason::Split
        | Reason::CategoryArchived => Outcome::Refused,
        Reason::NothingProposed
        | Reason::AlreadySo
        | Reason::ChangedSince
        | Reason::ReopenedByAPerson
        | Reason::OverrideWaits
        | Reason::GroupGone => Outcome::Left,
    }
}

/// Why a record was not touched, as it is listed.
pub(super) fn reason(refusal: Refusal) -> Reason {
    match refusal {
        Refusal::OutOfReach => Reason::OutOfReach,
        Refusal::SecondPersonNeeded => Reason::SecondPersonNeeded,
        Refusal::Split => Reason::Split,
        Refusal::CategoryArchived => Reason::CategoryArchived,
        Refusal::AlreadySo => Reason::AlreadySo,
        Refusal::Changed => Reason::ChangedSince,
        Refusal::OverrideWaits => Reason::OverrideWaits,
    }
}

/// Lists items behind those that the set has, and counts them.
pub(super) async fn list(tx: &Tx<'_>, set: &mut change_set::Model, items: Vec<Item>) -> Result<()> {
    let mut rows = Vec::with_capacity(items.len());
    for item in items {
        set.items += 1;
        match item.outcome {
            Outcome::Applied => set.applied += 1,
            Outcome::Refused => set.refused += 1,
            Outcome::Left => set.left_alone += 1,
            Outcome::Undone => set.undone += 1,
        }
        rows.push(change_set_item::Model {
            tenant_id: tx.tenant(),
            id: tx.ctx().id(),
            change_set_id: set.id,
            number: set.items,
            kind: item.kind,
            outcome: item.outcome,
            reason: item.reason,
            rule_id: item.rule,
            record_id: item.record,
            before_category_id: item.categories.0,
            after_category_id: item.categories.1,
            approval_id: item.approvals.0,
            made_approval_id: item.approvals.1,
            before: item.before,
            after: item.after,
        });
    }
    tx.insert_all(rows).await
}

/// What an item keeps, read back.
pub(super) fn kept<'i, T: Deserialize<'i>>(text: &'i Option<String>) -> Result<T> {
    let text = text
        .as_deref()
        .ok_or_else(|| Error::internal("an item without what puts it back"))?;
    Ok(serde_json::from_str(text)?)
}
