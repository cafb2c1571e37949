//! Which event last changed who may do what, beside the head of each log; and the keys that sign access tokens.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

alter table {core}stream_head add column access_sequence {long} not null default 0;
create table {auth}signing_key (
  id {uuid} primary key,
  -- two processes that rotate at the same time make one key
  generation {long} not null unique,
  algorithm text not null,
  public_key {bytes} not null,
  private_key {bytes} not null,
  created_at {instant} not null,
  signs_from {instant} not null,
  revoked_at {instant}
);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await
    }
}
