//! An attempt to sign in, as the person sees it later. It belongs to a person rather than to a tenant.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::{SignInAttemptId, UserId};

/// An attempt.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_in_attempt")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SignInAttemptId,
    /// Whose account it was about; none when nobody has the address.
    pub user_id: Option<UserId>,
    /// What was shown.
    pub factor: Factor,
    /// What came of it.
    pub outcome: Outcome,
    /// Where it came from.
    pub address: Option<String>,
    /// The client as it named itself.
    pub user_agent: Option<String>,
    /// When it was.
    pub at: DateTime<Utc>,
}

/// What somebody shows to prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Factor {
    /// Their password.
    #[sea_orm(string_value = "PASSWORD")]
    Password,
    /// A code of their authenticator app.
    #[sea_orm(string_value = "TOTP")]
    Totp,
    /// One of their recovery codes.
    #[sea_orm(string_value = "RECOVERY_CODE")]
    RecoveryCode,
    /// A passkey.
    #[sea_orm(string_value = "PASSKEY")]
    Passkey,
    /// The word of an identity provider.
    #[sea_orm(string_value = "PROVIDER")]
    Provider,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Outcome {
    /// They were let in.
    #[sea_orm(string_value = "SIGNED_IN")]
    SignedIn,
    /// It was right, and a second factor was asked for.
    #[sea_orm(string_value = "SECOND_FACTOR_ASKED")]
    SecondFactorAsked,
    /// It was wrong.
    #[sea_orm(string_value = "REFUSED")]
    Refused,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
