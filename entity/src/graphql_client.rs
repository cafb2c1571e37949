//! An app that speaks GraphQL to a tenant, and may be held to the documents it has registered.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{GraphqlClientId, ServiceAccountId, TenantId, UserId};

/// What a client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Mode {
    /// Any document.
    #[sea_orm(string_value = "PERMISSIVE")]
    Permissive,
    /// Registered documents only.
    #[sea_orm(string_value = "STRICT")]
    Strict,
}

/// A client.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "graphql_client")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: GraphqlClientId,
    /// How it names itself in a header.
    pub name: String,
    /// What it may send.
    pub mode: Mode,
    /// The service account whose keys are this client, whatever they call themselves.
    pub service_account_id: Option<ServiceAccountId>,
    /// For how many seconds its own caches may keep an answer to a document asked for by id.
    pub cache_seconds: i32,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// When it was put away.
    pub archived_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
