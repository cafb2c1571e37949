//! Passkeys and accounts at identity providers, with the steps of signing in by either: read before a tenant is known.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

create table {auth}passkey (
  id {uuid} primary key,
  user_id {uuid} not null references {auth}"user" (id),
  credential_id {bytes} not null unique,
  credential text not null,
  sign_count {long} not null,
  name text not null,
  created_at {instant} not null,
  last_used_at {instant},
  suspected_at {instant}
);
-- the passkeys of a person
create index passkey_by_user on {auth}passkey (user_id, id);
create table {auth}passkey_challenge (
  token_hash {bytes} primary key,
  purpose text not null,
  user_id {uuid} references {auth}"user" (id),
  session_id {uuid},
  state text not null,
  expires_at {instant} not null
);
-- forgetting those that lapsed
create index passkey_challenge_by_expiry on {auth}passkey_challenge (expires_at);
create table {auth}linked_identity (
  id {uuid} primary key,
  user_id {uuid} not null references {auth}"user" (id),
  issuer text not null,
  subject text not null,
  created_at {instant} not null,
  last_used_at {instant},
  unique (issuer, subject)
);
-- the linked accounts of a person
create index linked_identity_by_user on {auth}linked_identity (user_id, id);
create table {auth}oauth_state (
  id {uuid} primary key,
  token_hash {bytes} not null unique,
  step text not null,
  provider text not null,
  user_id {uuid} references {auth}"user" (id),
  browser_hash {bytes},
  sealed {bytes} not null,
  expires_at {instant} not null
);
-- forgetting those that lapsed
create index oauth_state_by_expiry on {auth}oauth_state (expires_at);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await
    }
}
