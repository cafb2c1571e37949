//! A document that a client has registered. It never changes: another text is another document.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{GraphqlClientId, GraphqlDocumentId, TenantId};

/// What the operation of a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Kind {
    /// A query.
    #[sea_orm(string_value = "QUERY")]
    Query,
    /// A mutation.
    #[sea_orm(string_value = "MUTATION")]
    Mutation,
    /// A subscription.
    #[sea_orm(string_value = "SUBSCRIPTION")]
    Subscription,
}

/// A registered document.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "graphql_document")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: GraphqlDocumentId,
    /// Who registered it.
    pub client_id: GraphqlClientId,
    /// SHA-256 of its text.
    pub text_hash: Vec<u8>,
    /// Its id in the manifest, where that is not its hash.
    pub custom_id: Option<String>,
    /// The name of its operation.
    pub name: Option<String>,
    /// What its operation is.
    pub kind: Kind,
    /// The document.
    #[sea_orm(column_type = "Text")]
    pub text: String,
    /// The most it can cost, with pages of usual size where a variable decides.
    pub cost: i64,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
