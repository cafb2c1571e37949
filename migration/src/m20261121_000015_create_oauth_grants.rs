//! Tokens of providers, kept for whoever gave them.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

// read before a tenant is known, so without a policy; `id` is that of what holds the grant, a linked identity
const DDL: &str = r#"
create table {auth}oauth_grant (
  id {uuid} primary key,
  user_id {uuid} not null references {auth}"user" (id),
  sealed {bytes} not null,
  revision {long} not null,
  refreshing_until {instant},
  checked_at {instant},
  ended_at {instant},
  created_at {instant} not null,
  updated_at {instant} not null
);
-- what is erased with a person
create index oauth_grant_by_user on {auth}oauth_grant (user_id);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await
    }
}
