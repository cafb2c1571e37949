//! Service accounts with their API keys, and where events came from.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

create table {core}service_account (
  tenant_id {uuid} not null references {auth}tenant (id),
  id {uuid} not null,
  name text not null,
  permissions text not null,
  created_by {uuid},
  archived_at {instant},
  created_at {instant} not null,
  updated_at {instant} not null,
  primary key (tenant_id, id)
);
create table {auth}api_key (
  id {uuid} primary key,
  tenant_id {uuid} not null,
  service_account_id {uuid} not null,
  name text not null,
  prefix text not null unique,
  key_hash {bytes} not null,
  scopes text,
  created_by {uuid},
  created_at {instant} not null,
  expires_at {instant},
  last_used_at {instant},
  revoked_at {instant},
  replaced_by {uuid},
  foreign key (tenant_id, service_account_id) references {core}service_account (tenant_id, id)
);
-- the keys of a page of service accounts
create index api_key_by_service_account on {auth}api_key (tenant_id, service_account_id, id);
create table {core}event_origin (
  tenant_id {uuid} not null,
  sequence {long} not null,
  last_sequence {long} not null,
  address text,
  user_agent text,
  primary key (tenant_id, sequence)
);
-- what somebody did; most events are the system's, and nobody asks for those
create index event_by_actor on {core}event (tenant_id, actor, sequence) where actor <> 'system';
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await?;
        dialect::policy(manager, &["core.service_account", "core.event_origin"]).await
    }
}
