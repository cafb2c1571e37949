//! A token that works once: in a mailed link, or between two factors of a sign-in. Read before a tenant is known.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::{OneTimeTokenId, TenantId, UserId};

/// A token.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "one_time_token")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OneTimeTokenId,
    /// SHA-256 of the token.
    pub token_hash: Vec<u8>,
    /// What it is good for.
    pub purpose: Purpose,
    /// Whose it is.
    pub user_id: UserId,
    /// Which tenant it lets in to, of a sign-in.
    pub into_tenant: Option<TenantId>,
    /// The address it was sent to and proves, of a mailed one.
    pub email: Option<String>,
    /// How often a second factor was tried with it.
    pub tries: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
    /// When it was used.
    pub used_at: Option<DateTime<Utc>>,
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Purpose {
    /// Setting a new password.
    #[sea_orm(string_value = "RESET_PASSWORD")]
    ResetPassword,
    /// Proving that the address of a person is theirs.
    #[sea_orm(string_value = "VERIFY_EMAIL")]
    VerifyEmail,
    /// Taking another address, which it proves.
    #[sea_orm(string_value = "CHANGE_EMAIL")]
    ChangeEmail,
    /// Showing a second factor after the first one.
    #[sea_orm(string_value = "SIGN_IN")]
    SignIn,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
