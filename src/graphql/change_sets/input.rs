//! What is to be applied or undone, as clients write it.

use async_graphql::{Enum, ID, InputObject};

use super::{ChangeSetItemKind, ChangeSetOutcome, ChangeSetReason};
use crate::change_sets::{Choice, ItemFilter};

/// What becomes of listed records that wait for a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum WaitingRecords {
    /// They wait with what is proposed now.
    Leave,
    /// The pipeline proposes again, with the rules and the automation that are in force then: what is sure enough may
    /// enter the books by itself.
    ProposeAgain,
}

/// What becomes of listed records that are in the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ApprovedRecords {
    /// They stay where they are filed.
    Leave,
    /// They are filed under the category that the simulation found, also where a person chose another one. Amounts that need a
    /// second person, splits, and records out of reach are refused.
    Refile,
}

impl WaitingRecords {
    pub(super) fn of(again: bool) -> Self {
        match again {
            true => Self::ProposeAgain,
            false => Self::Leave,
        }
    }
}

impl ApprovedRecords {
    pub(super) fn of(refile: bool) -> Self {
        match refile {
            true => Self::Refile,
            false => Self::Leave,
        }
    }
}

/// A simulation to apply.
#[derive(InputObject)]
pub struct ApplySimulationInput {
    /// Which simulation; it is READY.
    pub simulation_id: ID,
    /// What becomes of listed records that wait.
    #[graphql(default_with = "WaitingRecords::Leave")]
    pub waiting: WaitingRecords,
    /// What becomes of listed records that are in the books.
    #[graphql(default_with = "ApprovedRecords::Leave")]
    pub approved: ApprovedRecords,
}

impl ApplySimulationInput {
    pub(super) fn choice(&self) -> Choice {
        Choice {
            waiting: self.waiting == WaitingRecords::ProposeAgain,
            approved: self.approved == ApprovedRecords::Refile,
        }
    }
}

/// A change set to undo.
#[derive(InputObject)]
pub struct UndoChangeSetInput {
    /// Which change set; it is APPLIED or FAILED.
    pub change_set_id: ID,
}

/// Which items to list. What is absent matters not.
#[derive(InputObject, Default)]
pub struct ChangeSetItemFilter {
    /// About one of these.
    pub kinds: Option<Vec<ChangeSetItemKind>>,
    /// With one of these outcomes.
    pub outcomes: Option<Vec<ChangeSetOutcome>>,
    /// For one of these reasons.
    pub reasons: Option<Vec<ChangeSetReason>>,
}

impl From<ChangeSetItemFilter> for ItemFilter {
    fn from(filter: ChangeSetItemFilter) -> Self {
        Self {
            kinds: filter.kinds.map(all),
            outcomes: filter.outcomes.map(all),
            reasons: filter.reasons.map(all),
        }
    }
}

fn all<A: Into<B>, B>(list: Vec<A>) -> Vec<B> {
    list.into_iter().map(Into::into).collect()
}
