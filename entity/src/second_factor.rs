//! The authenticator app of a person (TOTP). Read before a tenant is known.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::UserId;

/// An authenticator app.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "second_factor")]
pub struct Model {
    /// Whose it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// What its codes are made from, encrypted.
    pub seed: Vec<u8>,
    /// When a first code proved that the app has it; it is asked for from then on.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// The time step of the last code that was taken: no code is taken twice.
    pub last_step: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
