//! Rules that approvals suggest, and how well such rules hold.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

create table {core}rule_suggestion (
  tenant_id {uuid} not null references {auth}tenant (id),
  id {uuid} not null,
  kind text not null,
  merchant_key text not null,
  account_id {uuid},
  category_id {uuid} not null,
  key {uuid} not null,
  status text not null,
  support integer not null,
  in_a_row integer not null,
  contradictions integer not null,
  seen integer not null,
  accepted_seen integer not null,
  checked integer not null,
  confirmed integer not null,
  rule_id {uuid},
  self_approving_at {instant},
  stopped_at {instant},
  snoozed_until {instant},
  decided_by {uuid},
  decided_at {instant},
  created_at {instant} not null,
  updated_at {instant} not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, category_id) references {core}category (tenant_id, id),
  foreign key (tenant_id, account_id) references {core}account (tenant_id, id),
  foreign key (tenant_id, rule_id) references {core}rule (tenant_id, id)
);
-- suggested once, and dismissed for good
create unique index rule_suggestion_by_key on {core}rule_suggestion (tenant_id, key);
-- the suggestions that wait, and those in force
create index rule_suggestion_by_status on {core}rule_suggestion (tenant_id, status, id);
-- what approvals of a merchant are counted for
create index rule_suggestion_by_merchant on {core}rule_suggestion (tenant_id, merchant_key);
-- the suggestions behind a rule
create index rule_suggestion_by_rule on {core}rule_suggestion (tenant_id, rule_id) where rule_id is not null;
create table {core}rule_habit (
  tenant_id {uuid} primary key references {auth}tenant (id),
  sequence {long} not null,
  classes text not null,
  updated_at {instant} not null
);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await?;
        dialect::policy(manager, &["core.rule_suggestion", "core.rule_habit"]).await
    }
}
