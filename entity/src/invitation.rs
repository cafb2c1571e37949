//! A one-time link that makes a person a member. Read before a tenant is known.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{InvitationId, RoleId, TenantId, UserId};

/// An invitation.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "invitation")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: InvitationId,
    /// Whose row it is.
    pub tenant_id: TenantId,
    /// SHA-256 of the token in the link.
    pub token_hash: Vec<u8>,
    /// Whom it is for.
    pub email: String,
    /// What they become.
    pub role: super::membership::Role,
    /// The role of the tenant's own, when it is a custom one.
    pub role_id: Option<RoleId>,
    /// Who asked.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When the link stops working.
    pub expires_at: DateTime<Utc>,
    /// When it was used.
    pub accepted_at: Option<DateTime<Utc>>,
    /// When its link was made again.
    pub sent_at: Option<DateTime<Utc>>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
