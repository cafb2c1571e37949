//! What was applied of simulations, item by item, so that it can be undone.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

alter table {analytics}simulation add column stand text;

create table {analytics}change_set (
  tenant_id {uuid} not null references {auth}tenant (id),
  id {uuid} not null,
  simulation_id {uuid} not null,
  status text not null,
  waiting boolean not null,
  approved boolean not null,
  rule_changes integer not null,
  automation boolean not null,
  total_records integer not null,
  done_records integer not null,
  unlisted_records integer not null,
  items integer not null,
  applied integer not null,
  refused integer not null,
  left_alone integer not null,
  undone integer not null,
  reached integer not null,
  error text,
  acts_as text not null,
  created_by {uuid},
  created_at {instant} not null,
  applied_at {instant},
  undone_at {instant},
  primary key (tenant_id, id)
);

create table {analytics}change_set_item (
  tenant_id {uuid} not null references {auth}tenant (id),
  id {uuid} not null,
  change_set_id {uuid} not null,
  number integer not null,
  kind text not null,
  outcome text not null,
  reason text,
  rule_id {uuid},
  record_id {uuid},
  before_category_id {uuid},
  after_category_id {uuid},
  approval_id {uuid},
  made_approval_id {uuid},
  before text,
  after text,
  primary key (tenant_id, id),
  foreign key (tenant_id, change_set_id) references {analytics}change_set (tenant_id, id)
);
-- the pages of a change set, and what is still to be undone; a step that is stored twice is refused
create unique index change_set_item_in_order on {analytics}change_set_item (tenant_id, change_set_id, number);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await?;
        dialect::policy(
            manager,
            &["analytics.change_set", "analytics.change_set_item"],
        )
        .await
    }
}
