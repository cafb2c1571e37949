//! What people may know of a job: when its last attempt began, and why it failed.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

alter table {core}job add column started_at {instant};
-- as its tenant may read it; last_error is the operator's
alter table {core}job add column reason text;
-- the latest jobs of a tenant
create index job_by_tenant on {core}job (tenant_id, id);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await
    }
}
