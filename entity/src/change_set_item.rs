//! A rule, a setting or a record that a change set changed, or left alone, and why.

use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{ApprovalId, CategoryId, ChangeSetId, ChangeSetItemId, RecordId, RuleId, TenantId};

/// What it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Kind {
    /// A rule that was made.
    #[sea_orm(string_value = "RULE_ADDED")]
    RuleAdded,
    /// A rule with another content.
    #[sea_orm(string_value = "RULE_EDITED")]
    RuleEdited,
    /// A rule at another place.
    #[sea_orm(string_value = "RULE_MOVED")]
    RuleMoved,
    /// A rule that was switched on.
    #[sea_orm(string_value = "RULE_ENABLED")]
    RuleEnabled,
    /// A rule that was switched off.
    #[sea_orm(string_value = "RULE_DISABLED")]
    RuleDisabled,
    /// A rule that was removed.
    #[sea_orm(string_value = "RULE_REMOVED")]
    RuleRemoved,
    /// What may pass without a person.
    #[sea_orm(string_value = "AUTOMATION")]
    Automation,
    /// A record that waits, and gets another proposal.
    #[sea_orm(string_value = "PROPOSED_AGAIN")]
    ProposedAgain,
    /// A record in the books, which goes to another category.
    #[sea_orm(string_value = "REFILED")]
    Refiled,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Outcome {
    /// It was changed.
    #[sea_orm(string_value = "APPLIED")]
    Applied,
    /// It was not allowed.
    #[sea_orm(string_value = "REFUSED")]
    Refused,
    /// It is no longer, or not, what would be changed.
    #[sea_orm(string_value = "LEFT")]
    Left,
    /// It is as before.
    #[sea_orm(string_value = "UNDONE")]
    Undone,
}

/// Why something was refused or left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Reason {
    /// Whoever applied it may not decide about this record.
    #[sea_orm(string_value = "OUT_OF_REACH")]
    OutOfReach,
    /// The amount needs a second person.
    #[sea_orm(string_value = "SECOND_PERSON_NEEDED")]
    SecondPersonNeeded,
    /// It is split over several categories.
    #[sea_orm(string_value = "SPLIT")]
    Split,
    /// The category is archived.
    #[sea_orm(string_value = "CATEGORY_ARCHIVED")]
    CategoryArchived,
    /// No category would be proposed.
    #[sea_orm(string_value = "NOTHING_PROPOSED")]
    NothingProposed,
    /// It is filed so already.
    #[sea_orm(string_value = "ALREADY_SO")]
    AlreadySo,
    /// It was decided, voided or changed since.
    #[sea_orm(string_value = "CHANGED_SINCE")]
    ChangedSince,
    /// A person took a decision about it back, and it could pass without one.
    #[sea_orm(string_value = "REOPENED_BY_A_PERSON")]
    ReopenedByAPerson,
    /// An override waits for a second person.
    #[sea_orm(string_value = "OVERRIDE_WAITS")]
    OverrideWaits,
    /// The group of the rule is gone.
    #[sea_orm(string_value = "GROUP_GONE")]
    GroupGone,
}

/// An item.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "change_set_item")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ChangeSetItemId,
    /// The change set.
    pub change_set_id: ChangeSetId,
    /// Its place among the items of the change set, from 1.
    pub number: i32,
    /// What it is about.
    pub kind: Kind,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it was refused or left alone.
    pub reason: Option<Reason>,
    /// The rule.
    pub rule_id: Option<RuleId>,
    /// The record.
    pub record_id: Option<RecordId>,
    /// The category before.
    pub before_category_id: Option<CategoryId>,
    /// The category that the simulation found.
    pub after_category_id: Option<CategoryId>,
    /// The approval that was in force, or waited.
    pub approval_id: Option<ApprovalId>,
    /// The approval that took its place.
    pub made_approval_id: Option<ApprovalId>,
    /// What is needed to put it back, JSON.
    #[sea_orm(column_type = "Text")]
    pub before: Option<String>,
    /// What tells whether it was changed since, JSON.
    #[sea_orm(column_type = "Text")]
    pub after: Option<String>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
