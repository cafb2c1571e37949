//! Apps that speak GraphQL, the documents they have registered, and how often each is used.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

create table {core}graphql_client (
  tenant_id {uuid} not null references {auth}tenant (id),
  id {uuid} not null,
  name text not null,
  mode text not null,
  service_account_id {uuid},
  cache_seconds integer not null,
  created_by {uuid},
  archived_at {instant},
  created_at {instant} not null,
  updated_at {instant} not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, service_account_id) references {core}service_account (tenant_id, id)
);
-- a request names its client by name, or is one by its key
create unique index graphql_client_by_name on {core}graphql_client (tenant_id, name) where archived_at is null;
create unique index graphql_client_by_service_account on {core}graphql_client (tenant_id, service_account_id)
  where archived_at is null;
create table {core}graphql_document (
  tenant_id {uuid} not null,
  id {uuid} not null,
  client_id {uuid} not null,
  text_hash {bytes} not null,
  custom_id text,
  name text,
  kind text not null,
  text text not null,
  cost {long} not null,
  created_at {instant} not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, client_id) references {core}graphql_client (tenant_id, id)
);
create unique index graphql_document_by_hash on {core}graphql_document (tenant_id, client_id, text_hash);
create unique index graphql_document_by_custom_id on {core}graphql_document (tenant_id, client_id, custom_id)
  where custom_id is not null;
create table {core}graphql_usage (
  tenant_id {uuid} not null references {auth}tenant (id),
  client_id {uuid} not null,
  kind text not null,
  subject text not null,
  cost {long} not null,
  uses {long} not null,
  last_used_at {instant} not null,
  primary key (tenant_id, client_id, kind, subject, cost)
);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await?;
        let tables = [
            "core.graphql_client",
            "core.graphql_document",
            "core.graphql_usage",
        ];
        dialect::policy(manager, &tables).await
    }
}
