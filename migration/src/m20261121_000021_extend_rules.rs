//! Groups of rules, rules in shadow, tags and flags, and which records a rule met.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

create table {core}rule_group (
  tenant_id {uuid} not null references {auth}tenant (id),
  id {uuid} not null,
  name text not null,
  position integer not null,
  disabled_at {instant},
  created_by {uuid},
  created_at {instant} not null,
  updated_at {instant} not null,
  primary key (tenant_id, id)
);
alter table {core}rule add column group_id {uuid};
alter table {core}rule add column shadow boolean not null default false;
-- JSON lists of texts
alter table {core}decision add column tags text;
alter table {core}record add column tags text;
-- why a person is to look, whatever passes by itself
alter table {core}decision add column flag text;
alter table {core}approval add column flag text;
-- the records with tags, by day
create index record_tagged on {core}record (tenant_id, occurred_on, id) where tags is not null;
-- what waits and is flagged
create index approval_flagged on {core}approval (tenant_id, id) where flag is not null;
-- one row for a rule and a record, however often the record is processed
create table {core}rule_hit (
  tenant_id {uuid} not null references {auth}tenant (id),
  record_id {uuid} not null,
  rule_id {uuid} not null,
  shadow boolean not null,
  category_id {uuid},
  hit_at {instant} not null,
  primary key (tenant_id, record_id, rule_id)
);
-- the records of a rule, with all that its statistics take from a hit
create index rule_hit_by_rule on {core}rule_hit (tenant_id, rule_id, shadow, record_id, category_id, hit_at);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await?;
        dialect::policy(manager, &["core.rule_group", "core.rule_hit"]).await
    }
}
