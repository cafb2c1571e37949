//! A key pair that signs access tokens. Read before a tenant is known.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::SigningKeyId;

/// A key pair.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_key")]
pub struct Model {
    /// Its id: the `kid` of the tokens it signed.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SigningKeyId,
    /// Its number: each key follows the one before it.
    pub generation: i64,
    /// What it signs with, as a token names it: `EdDSA`.
    pub algorithm: String,
    /// The half that everybody may know.
    pub public_key: Vec<u8>,
    /// The half that signs, sealed.
    pub private_key: Vec<u8>,
    /// When it was made, and first published.
    pub created_at: DateTime<Utc>,
    /// When it begins to sign, and the one before it ends.
    pub signs_from: DateTime<Utc>,
    /// When it stopped being believed, ahead of its time.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
