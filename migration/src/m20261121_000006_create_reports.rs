//! Reports that were asked for.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

create table {analytics}report (
  tenant_id {uuid} not null references {auth}tenant (id),
  id {uuid} not null,
  kind text not null,
  params text not null,
  status text not null,
  body text,
  error text,
  as_of {long},
  created_by {uuid},
  created_at {instant} not null,
  finished_at {instant},
  primary key (tenant_id, id)
);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await?;
        dialect::policy(manager, &["analytics.report"]).await
    }
}
