//! Finding tagged records, and whether a tenant's texts may be sent to an embedding service.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"
-- the tags of a tenant with their counts, and the records that have some: most have none
create index record_tagged on {core}record (tenant_id, id) where tags is not null;

-- nothing is sent to a service before the tenant has said so
alter table {core}llm_policy add column embeddings boolean not null default false;
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await
    }
}
