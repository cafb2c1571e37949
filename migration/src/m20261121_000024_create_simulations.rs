//! What-if replays of the pipeline, and the decisions that would have been others.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

create table {analytics}simulation (
  tenant_id {uuid} not null references {auth}tenant (id),
  id {uuid} not null,
  hypothesis text not null,
  status text not null,
  total_records integer not null,
  done_records integer not null,
  changed_records integer not null,
  tally text,
  error text,
  as_of {long},
  version text not null,
  created_by {uuid},
  created_at {instant} not null,
  finished_at {instant},
  primary key (tenant_id, id)
);

create table {analytics}simulated_change (
  tenant_id {uuid} not null references {auth}tenant (id),
  id {uuid} not null,
  simulation_id {uuid} not null,
  number integer not null,
  record_id {uuid} not null,
  occurred_on date not null,
  amount {long} not null,
  currency text not null,
  effect text not null,
  before_category_id {uuid},
  before_source text not null,
  before_confidence {real} not null,
  before_passes boolean not null,
  before_version text,
  after_category_id {uuid},
  after_source text not null,
  after_confidence {real} not null,
  after_passes boolean not null,
  after_rationale text not null,
  truth_category_id {uuid},
  primary key (tenant_id, id),
  foreign key (tenant_id, simulation_id) references {analytics}simulation (tenant_id, id)
);
-- the pages of a simulation, and its removal
create index simulated_change_in_order on {analytics}simulated_change (tenant_id, simulation_id, number);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await?;
        dialect::policy(
            manager,
            &["analytics.simulation", "analytics.simulated_change"],
        )
        .await
    }
}
