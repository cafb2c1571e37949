//! Rules, the decisions of the pipeline and the approvals of people.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

create table {core}rule (
  tenant_id {uuid} not null references {auth}tenant (id),
  id {uuid} not null,
  name text not null,
  position integer not null,
  conditions text not null,
  actions text not null,
  stop boolean not null,
  disabled_at {instant},
  approval_id {uuid},
  created_by {uuid},
  created_at {instant} not null,
  updated_at {instant} not null,
  deleted_at {instant},
  primary key (tenant_id, id)
);
-- rules in the order they are tried
create index rule_by_position on {core}rule (tenant_id, position);
create table {core}decision (
  tenant_id {uuid} not null,
  id {uuid} not null,
  record_id {uuid} not null,
  source text not null,
  category_id {uuid},
  project text,
  note text,
  confidence {real} not null,
  model text,
  version text not null,
  rationale text not null,
  considered text not null,
  cost_micros {long} not null,
  latency_us {long} not null,
  actor text not null,
  created_at {instant} not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, record_id) references {core}record (tenant_id, id)
);
-- the decisions of a record, oldest first
create index decision_by_record on {core}decision (tenant_id, record_id, id);
create table {core}approval (
  tenant_id {uuid} not null,
  id {uuid} not null,
  record_id {uuid} not null,
  decision_id {uuid} not null,
  status text not null,
  proposed_category_id {uuid},
  category_id {uuid},
  source text not null,
  confidence {real} not null,
  comment text,
  decided_by {uuid},
  decided_at {instant},
  reopened_from {uuid},
  created_at {instant} not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, record_id) references {core}record (tenant_id, id)
);
-- the queue, oldest first
create index approval_by_status on {core}approval (tenant_id, status, id);
-- the approvals of a record
create index approval_by_record on {core}approval (tenant_id, record_id, id);
-- a record waits for one decision at a time
create unique index approval_pending on {core}approval (tenant_id, record_id) where status = 'PENDING';
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await?;
        dialect::policy(manager, &["core.rule", "core.decision", "core.approval"]).await
    }
}
