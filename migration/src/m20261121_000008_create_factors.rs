//! Second factors, tokens that work once, and the history of sign-ins.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

alter table {auth}"user" add column email_verified_at {instant};
create table {auth}one_time_token (
  id {uuid} primary key,
  token_hash {bytes} not null unique,
  purpose text not null,
  user_id {uuid} not null references {auth}"user" (id),
  into_tenant {uuid},
  email text,
  tries integer not null,
  created_at {instant} not null,
  expires_at {instant} not null,
  used_at {instant}
);
-- the tokens that a new one, or a new password, makes useless
create index one_time_token_by_user on {auth}one_time_token (user_id, purpose);
-- retention
create index one_time_token_by_expiry on {auth}one_time_token (expires_at);
create table {auth}second_factor (
  user_id {uuid} primary key references {auth}"user" (id),
  seed {bytes} not null,
  confirmed_at {instant},
  last_step {long} not null,
  created_at {instant} not null
);
create table {auth}recovery_code (
  user_id {uuid} not null references {auth}"user" (id),
  code_hash {bytes} not null,
  used_at {instant},
  primary key (user_id, code_hash)
);
create table {auth}sign_in_attempt (
  id {uuid} primary key,
  user_id {uuid} references {auth}"user" (id),
  factor text not null,
  outcome text not null,
  address text,
  user_agent text,
  at {instant} not null
);
-- the history of a person, newest first
create index sign_in_attempt_by_user on {auth}sign_in_attempt (user_id, at, id);
-- retention
create index sign_in_attempt_by_time on {auth}sign_in_attempt (at);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await
    }
}
