//! The language model of a tenant: whether it is asked, what it may use, and what it used.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

create table {core}llm_policy (
  tenant_id {uuid} primary key references {auth}tenant (id),
  enabled boolean not null,
  daily_tokens {long},
  monthly_tokens {long},
  updated_at {instant} not null
);
-- tokens used or reserved, of the day and the month that are current
create table {core}llm_spending (
  tenant_id {uuid} primary key references {auth}tenant (id),
  on_day date not null,
  day_tokens {long} not null,
  on_month date not null,
  month_tokens {long} not null
);
create table {core}llm_usage (
  tenant_id {uuid} not null references {auth}tenant (id),
  on_day date not null,
  model text not null,
  calls {long} not null,
  failures {long} not null,
  questions {long} not null,
  cache_hits {long} not null,
  prompt_tokens {long} not null,
  completion_tokens {long} not null,
  cost_micros {long} not null,
  primary key (tenant_id, on_day, model)
);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await?;
        let tables = ["core.llm_policy", "core.llm_spending", "core.llm_usage"];
        dialect::policy(manager, &tables).await
    }
}
