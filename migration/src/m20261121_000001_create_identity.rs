//! People, tenants, memberships, sessions and invitations: what is read before a tenant is known.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

create table {auth}"user" (
  id {uuid} primary key,
  email text not null,
  email_key text not null unique,
  name text not null,
  password_hash text,
  created_at {instant} not null,
  updated_at {instant} not null
);
create table {auth}tenant (
  id {uuid} primary key,
  name text not null,
  base_currency text not null,
  demo boolean not null,
  created_at {instant} not null,
  updated_at {instant} not null
);
create table {auth}membership (
  tenant_id {uuid} not null references {auth}tenant (id),
  user_id {uuid} not null references {auth}"user" (id),
  role text not null,
  created_at {instant} not null,
  removed_at {instant},
  primary key (tenant_id, user_id)
);
-- the tenants of a person who signs in
create index membership_by_user on {auth}membership (user_id);
create table {auth}session (
  id {uuid} primary key,
  tenant_id {uuid} not null references {auth}tenant (id),
  user_id {uuid} not null references {auth}"user" (id),
  refresh_hash {bytes} not null,
  previous_hash {bytes},
  rotated_at {instant} not null,
  expires_at {instant} not null,
  revoked_at {instant},
  revoked_reason text,
  user_agent text,
  address text,
  created_at {instant} not null
);
-- signing a person out everywhere
create index session_by_user on {auth}session (user_id, tenant_id);
create table {auth}invitation (
  id {uuid} primary key,
  tenant_id {uuid} not null references {auth}tenant (id),
  token_hash {bytes} not null unique,
  email text not null,
  role text not null,
  created_by {uuid} not null references {auth}"user" (id),
  created_at {instant} not null,
  expires_at {instant} not null,
  accepted_at {instant}
);
-- the open invitations of a tenant
create index invitation_by_tenant on {auth}invitation (tenant_id, created_at);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == sea_orm_migration::sea_orm::DbBackend::Postgres {
            dialect::run(manager, "create schema if not exists auth; create schema if not exists core; create schema if not exists analytics;").await?;
        }
        dialect::run(manager, DDL).await?;
        dialect::policy(manager, &[]).await
    }
}
