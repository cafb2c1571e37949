//! What passes without a person: what a tenant lets pass, and how each approval came about.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

create table {core}automation (
  tenant_id {uuid} primary key references {auth}tenant (id),
  mode text not null,
  target_permille integer not null,
  audit_permille integer not null,
  updated_at {instant} not null
);
-- passes: sure enough when it was decided; automatic: entered the books by it; audit: shown to a person all the same
alter table {core}approval add column passes boolean not null default false;
alter table {core}approval add column automatic boolean not null default false;
alter table {core}approval add column audit boolean not null default false;
-- filed without a person, and so no evidence
alter table {core}record add column automatic boolean not null default false;
-- the latest outcomes of a tenant
create index approval_by_outcome on {core}approval (tenant_id, decided_at) where decided_at is not null;
-- what a bulk undo takes back
create index approval_automatic on {core}approval (tenant_id, id) where automatic;
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await?;
        dialect::policy(manager, &["core.automation"]).await
    }
}
