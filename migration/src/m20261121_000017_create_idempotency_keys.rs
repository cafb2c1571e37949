//! The keys under which mutations were carried out, with their answers.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

create table {core}idempotency_key (
  id text not null primary key,
  tenant_id {uuid} not null references {auth}tenant (id),
  operation text not null,
  input_hash {bytes} not null,
  view_hash {bytes} not null,
  subject_kind text,
  subject_id {uuid},
  answer {bytes},
  created_at {instant} not null
);
-- forgetting what is over a day old, of every tenant at once
create index idempotency_key_created on {core}idempotency_key (created_at);
-- erasing a tenant
create index idempotency_key_tenant on {core}idempotency_key (tenant_id);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await
    }
}
