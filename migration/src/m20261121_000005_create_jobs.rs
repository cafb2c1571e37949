//! The job queue and the schedule of periodic work.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

create table {core}job (
  id {uuid} primary key,
  tenant_id {uuid} not null,
  queue text not null,
  payload text not null,
  key text,
  state text not null,
  attempt integer not null,
  max_attempts integer not null,
  run_at {instant} not null,
  claim {uuid},
  worker text,
  lease_until {instant},
  last_error text,
  created_at {instant} not null,
  finished_at {instant}
);
-- the same key is enqueued once
create unique index job_by_key on {core}job (tenant_id, key) where key is not null;
-- which tenant is next in a queue
create index job_ready on {core}job (queue, run_at) where state = 'READY';
-- the batch of one tenant
create index job_ready_by_tenant on {core}job (queue, tenant_id, run_at, id) where state = 'READY';
-- leases that ran out
create index job_running on {core}job (lease_until) where state = 'RUNNING';
-- retention, and the list of dead jobs
create index job_finished on {core}job (tenant_id, state, finished_at) where state in ('DONE', 'DEAD');
create table {core}cron (
  name text primary key,
  next_at {instant} not null,
  last_at {instant}
);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await?;
        dialect::policy(manager, &[]).await
    }
}
