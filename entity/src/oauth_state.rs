//! A step of signing in at an identity provider, good once. Read before a tenant is known.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::UserId;

/// A step.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "oauth_state")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// SHA-256 of the token that the next request names it by.
    pub token_hash: Vec<u8>,
    /// What the token is good for.
    pub step: Step,
    /// The provider, as the configuration names it.
    pub provider: String,
    /// Who links, or who signs in; absent while that is not known.
    pub user_id: Option<UserId>,
    /// SHA-256 of the cookie of the browser that must bring the token.
    pub browser_hash: Option<Vec<u8>>,
    /// What the next step needs to know, sealed for this row.
    pub sealed: Vec<u8>,
    /// When it stops being good.
    pub expires_at: DateTime<Utc>,
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Step {
    /// Leaving for the provider, to link an account there.
    #[sea_orm(string_value = "ticket")]
    Ticket,
    /// Coming back from the provider: the `state`.
    #[sea_orm(string_value = "away")]
    Away,
    /// Signing in with what the provider said.
    #[sea_orm(string_value = "sign_in")]
    SignIn,
    /// Linking the account that the provider named.
    #[sea_orm(string_value = "link")]
    Link,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
