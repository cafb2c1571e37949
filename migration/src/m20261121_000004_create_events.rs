//! The event log of each tenant and its head.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

create table {core}event (
  tenant_id {uuid} not null,
  sequence {long} not null,
  id {uuid} not null,
  kind text not null,
  source_agent text not null,
  actor text not null,
  subject_kind text not null,
  subject_id {uuid} not null,
  payload text not null,
  diff text,
  occurred_at {instant} not null,
  recorded_at {instant} not null,
  content_hash {bytes} not null,
  hash {bytes} not null,
  primary key (tenant_id, sequence)
);
-- the feed filtered by kind
create index event_by_kind on {core}event (tenant_id, kind, sequence);
-- the history of one thing
create index event_by_subject on {core}event (tenant_id, subject_id, sequence);
create table {core}stream_head (
  tenant_id {uuid} primary key,
  sequence {long} not null,
  hash {bytes} not null,
  recorded_at {instant} not null
);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await?;
        dialect::policy(manager, &["core.event"]).await
    }
}
