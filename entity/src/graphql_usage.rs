//! How often a client did something, added up by the server now and then.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{GraphqlClientId, TenantId};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Kind {
    /// Requests of a registered document, which the subject names, at a cost.
    #[sea_orm(string_value = "DOCUMENT")]
    Document,
    /// Requests that used a deprecated member of the schema, which the subject names.
    #[sea_orm(string_value = "DEPRECATED")]
    Deprecated,
    /// Requests that were refused because their document is not registered.
    #[sea_orm(string_value = "REFUSED")]
    Refused,
}

/// A count.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "graphql_usage")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The client; the nil id where the caller is none.
    #[sea_orm(primary_key, auto_increment = false)]
    pub client_id: GraphqlClientId,
    /// What is counted.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: Kind,
    /// Of what.
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    /// At what cost, rounded up to two digits; 0 where there is none.
    #[sea_orm(primary_key, auto_increment = false)]
    pub cost: i64,
    /// How often.
    pub uses: i64,
    /// When last.
    pub last_used_at: DateTime<Utc>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
