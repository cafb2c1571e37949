//! A rule that what people approved suggests, and what became of it.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{AccountId, CategoryId, RuleId, RuleSuggestionId, TenantId, UserId};

/// What a suggested rule goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Kind {
    /// The merchant, wherever the money moved.
    #[sea_orm(string_value = "MERCHANT")]
    Merchant,
    /// The merchant on one account.
    #[sea_orm(string_value = "MERCHANT_ACCOUNT")]
    MerchantAccount,
}

/// What became of a suggestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Status {
    /// Waiting for a person.
    #[sea_orm(string_value = "OPEN")]
    Open,
    /// A rule was made of it, or extended by it.
    #[sea_orm(string_value = "ACCEPTED")]
    Accepted,
    /// It is not wanted, and does not come again.
    #[sea_orm(string_value = "DISMISSED")]
    Dismissed,
    /// It waits, and is not shown until some moment.
    #[sea_orm(string_value = "SNOOZED")]
    Snoozed,
    /// What people approved since speaks against it.
    #[sea_orm(string_value = "RETIRED")]
    Retired,
}

/// A suggestion.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rule_suggestion")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RuleSuggestionId,
    /// What it goes by.
    pub kind: Kind,
    /// The merchant, normalised.
    #[sea_orm(column_type = "Text")]
    pub merchant_key: String,
    /// The account, where it goes by one.
    pub account_id: Option<AccountId>,
    /// What it files under.
    pub category_id: CategoryId,
    /// A hash of what it goes by and files under: suggested once.
    pub key: Uuid,
    /// What became of it.
    pub status: Status,
    /// Approvals of the category.
    pub support: i32,
    /// The latest approvals, as many as are of the category without one between them that is not.
    pub in_a_row: i32,
    /// Approvals of other categories.
    pub contradictions: i32,
    /// Approvals altogether, since the merchant is known.
    pub seen: i32,
    /// How many had been seen when it was accepted.
    pub accepted_seen: i32,
    /// Of the latest approvals since it was accepted, 20 at most, how many there are.
    pub checked: i32,
    /// Of those, the ones of its category.
    pub confirmed: i32,
    /// The rule made of it.
    pub rule_id: Option<RuleId>,
    /// When a person let it approve by itself.
    pub self_approving_at: Option<DateTime<Utc>>,
    /// When a contradiction stopped that.
    pub stopped_at: Option<DateTime<Utc>>,
    /// Until when it is not shown.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// Who decided about it last.
    pub decided_by: Option<UserId>,
    /// When that was, or when it was retired.
    pub decided_at: Option<DateTime<Utc>>,
    /// When it was suggested first.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
