//! Snapshots of the learned model of each tenant.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

create table {core}model_snapshot (
  tenant_id {uuid} not null references {auth}tenant (id),
  format integer not null,
  sequence {long} not null,
  bytes {bytes} not null,
  created_at {instant} not null,
  primary key (tenant_id, format)
);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await?;
        dialect::policy(manager, &["core.model_snapshot"]).await
    }
}
