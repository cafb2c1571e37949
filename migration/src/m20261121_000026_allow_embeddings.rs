//! Whether a tenant's texts may be sent to an embedding service.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"
-- nothing is sent to a service before the tenant has said so
alter table {core}llm_policy add column embeddings boolean not null default false;
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await
    }
}
