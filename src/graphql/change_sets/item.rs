//! What a change set did about one rule, the automation or one record.

use async_graphql::{ComplexObject, Context, Enum, SimpleObject};
use entity::change_set_item::{self, Kind, Outcome, Reason};
use entity::{CategoryId, RecordId, RuleId};

use crate::error::Result;
use crate::graphql::categories::Category;
use crate::graphql::loader::find;
use crate::graphql::records::Record;
use crate::graphql::rules::Rule;

/// What an item is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Kind")]
pub enum ChangeSetItemKind {
    /// A rule that was made.
    RuleAdded,
    /// A rule with another content.
    RuleEdited,
    /// A rule at another place.
    RuleMoved,
    /// A rule that was switched on.
    RuleEnabled,
    /// A rule that was switched off.
    RuleDisabled,
    /// A rule that was removed.
    RuleRemoved,
    /// What may pass without a person.
    Automation,
    /// A record that waits, for which the pipeline proposes again.
    ProposedAgain,
    /// A record in the books that goes to another category.
    Refiled,
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Outcome")]
pub enum ChangeSetOutcome {
    /// It was changed.
    Applied,
    /// It was not allowed; see the reason.
    Refused,
    /// It was left alone; see the reason.
    Left,
    /// It was changed, and is as before again.
    Undone,
}

/// Why an item was refused or left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Reason")]
pub enum ChangeSetReason {
    /// Whoever applied or undid it may not decide about this record.
    OutOfReach,
    /// The amount needs a second person.
    SecondPersonNeeded,
    /// The record is split over several categories.
    Split,
    /// The category is archived, or another one that the rule names.
    CategoryArchived,
    /// The simulation found no category.
    NothingProposed,
    /// It is filed so already.
    AlreadySo,
    /// It was decided, voided or changed since.
    ChangedSince,
    /// A person took a decision about it back, and it could pass without one.
    ReopenedByAPerson,
    /// An override of it waits for a second person.
    OverrideWaits,
    /// The group of the rule was removed.
    GroupGone,
}

/// What a change set did about one rule, the automation or one record.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct ChangeSetItem {
    /// Its place among the items of its change set, from 1.
    pub number: i32,
    /// What it is about.
    pub kind: ChangeSetItemKind,
    /// What became of it.
    pub outcome: ChangeSetOutcome,
    /// Why it was refused or left alone.
    pub reason: Option<ChangeSetReason>,
    #[graphql(skip)]
    rule_id: Option<RuleId>,
    #[graphql(skip)]
    record_id: Option<RecordId>,
    #[graphql(skip)]
    before_id: Option<CategoryId>,
    #[graphql(skip)]
    after_id: Option<CategoryId>,
}

#[ComplexObject]
impl ChangeSetItem {
    /// The rule as it is now, also one that was removed. Needs `rules:read`.
    async fn rule(&self, ctx: &Context<'_>) -> Result<Option<Rule>> {
        match self.rule_id {
            Some(id) => find(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The record as it is now.
    async fn record(&self, ctx: &Context<'_>) -> Result<Option<Record>> {
        match self.record_id {
            Some(id) => find(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The category that the record had, or that was proposed for it.
    async fn before_category(&self, ctx: &Context<'_>) -> Result<Option<Category>> {
        category(ctx, self.before_id).await
    }

    /// The category that the simulation found. The pipeline may have proposed another one since, having learnt more.
    async fn after_category(&self, ctx: &Context<'_>) -> Result<Option<Category>> {
        category(ctx, self.after_id).await
    }
}

async fn category(ctx: &Context<'_>, id: Option<CategoryId>) -> Result<Option<Category>> {
    match id {
        Some(id) => find(ctx, id).await,
        None => Ok(None),
    }
}

impl From<change_set_item::Model> for ChangeSetItem {
    fn from(row: change_set_item::Model) -> Self {
        Self {
            number: row.number,
            kind: row.kind.into(),
            outcome: row.outcome.into(),
            reason: row.reason.map(Into::into),
            rule_id: row.rule_id,
            record_id: row.record_id,
            before_id: row.before_category_id,
            after_id: row.after_category_id,
        }
    }
}
