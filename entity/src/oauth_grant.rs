//! Tokens that a provider gave for somebody. Read before a tenant is known.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::UserId;

/// A grant of OAuth 2.0.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "oauth_grant")]
pub struct Model {
    /// The id of what holds it: a linked identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Who gave it.
    pub user_id: UserId,
    /// The tokens, sealed for this row.
    pub sealed: Vec<u8>,
    /// How often the tokens were replaced: whoever replaces them says which they replace.
    pub revision: i64,
    /// Until when somebody is refreshing them; others wait for what comes of it.
    pub refreshing_until: Option<DateTime<Utc>>,
    /// When the provider was last asked with them.
    pub checked_at: Option<DateTime<Utc>>,
    /// When the provider stopped honouring them.
    pub ended_at: Option<DateTime<Utc>>,
    /// When the first ones came.
    pub created_at: DateTime<Utc>,
    /// When they last changed.
    pub updated_at: DateTime<Utc>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
