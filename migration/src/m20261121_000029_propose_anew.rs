//! Proposing anew for what waits: finding it by merchant among all that was ever filed, and telling it from what was
//! proposed when a record came in.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"
-- the approval in which the record came in, where this one was proposed anew
alter table {core}approval add column first_look {uuid};
create index record_waiting on {core}record (tenant_id, merchant_key, id) where status = 'PROCESSED';
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await
    }
}
