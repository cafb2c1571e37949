//! A challenge that a passkey has yet to answer, once. Read before a tenant is known.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::{SessionId, UserId};

/// A challenge.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "passkey_challenge")]
pub struct Model {
    /// SHA-256 of the token that its answer names it by.
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_hash: Vec<u8>,
    /// What an answer is good for.
    pub purpose: Purpose,
    /// Who may answer; absent where the answer tells who it is.
    pub user_id: Option<UserId>,
    /// By which sign-in they may answer.
    pub session_id: Option<SessionId>,
    /// The challenge and what an answer must show, as JSON.
    pub state: String,
    /// When it stops being good.
    pub expires_at: DateTime<Utc>,
}

/// What an answer is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Purpose {
    /// Adding a passkey.
    #[sea_orm(string_value = "register")]
    Register,
    /// Signing in.
    #[sea_orm(string_value = "sign_in")]
    SignIn,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
