//! A rule of a tenant: conditions and what follows.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{ApprovalId, RuleGroupId, RuleId, TenantId, UserId};

/// A rule.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rule")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RuleId,
    /// What people call it.
    pub name: String,
    /// The group it belongs to.
    pub group_id: Option<RuleGroupId>,
    /// Its place in its group, or among the rules without one, from 1.
    pub position: i32,
    /// When it matches, JSON.
    #[sea_orm(column_type = "Text")]
    pub conditions: String,
    /// What it sets, JSON.
    #[sea_orm(column_type = "Text")]
    pub actions: String,
    /// Whether later rules are skipped.
    pub stop: bool,
    /// Whether it only watches.
    pub shadow: bool,
    /// When it was switched off.
    pub disabled_at: Option<DateTime<Utc>>,
    /// The override it was made from.
    pub approval_id: Option<ApprovalId>,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was removed.
    pub deleted_at: Option<DateTime<Utc>>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
