//! What became of the records that rules met, rolled up by month.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

-- what a hit is counted as in rule_tally; what an older version stores is not counted yet
alter table {core}rule_hit add column standing text not null default 'UNCOUNTED';
create table {core}rule_tally (
  tenant_id {uuid} not null references {auth}tenant (id),
  rule_id {uuid} not null,
  shadow boolean not null,
  month date not null,
  hits integer not null,
  agreed integer not null,
  overridden integer not null,
  primary key (tenant_id, rule_id, shadow, month)
);
-- when a rule last met a record
create index rule_hit_latest on {core}rule_hit (tenant_id, rule_id, shadow, hit_at, standing);
"#;

/// Says of each hit what it counts as; `src/ctx/tally.rs` says the same of those that come later.
const STANDING: &str = r#"
update {core}rule_hit as h
set standing = case
  when r.status = 'VOIDED' then 'UNCOUNTED'
  when r.status = 'APPROVED' and not r.automatic and h.category_id = r.category_id then 'AGREED'
  when r.status = 'APPROVED' and not r.automatic and h.category_id <> r.category_id then 'OVERRIDDEN'
  else 'OPEN' end
from {core}record r
where r.tenant_id = h.tenant_id and r.id = h.record_id;
"#;

/// Tables that are read or written here across tenants. The owner of the schema is bound by FORCE like everybody; it is
/// lifted within the transaction of the migration and put back before it ends.
const FORCED: [&str; 2] = ["core.record", "core.rule_hit"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await?;
        force(manager, "no force").await?;
        let backfill = backfill(manager.get_database_backend());
        manager
            .get_connection()
            .execute_unprepared(&backfill)
            .await?;
        force(manager, "force").await?;
        dialect::policy(manager, &["core.rule_tally"]).await
    }
}

/// Counts the hits there are, of the tenants that the connection sees.
pub fn backfill(backend: DbBackend) -> String {
    let month = match backend {
        DbBackend::Postgres => "cast(date_trunc('month', hit_at at time zone 'UTC') as date)",
        _ => "substr(hit_at, 1, 7) || '-01'",
    };
    let tallies = format!(
        "insert into {{core}}rule_tally (tenant_id, rule_id, shadow, month, hits, agreed, overridden)
         select tenant_id, rule_id, shadow, {month}, count(*),
                sum(case when standing = 'AGREED' then 1 else 0 end),
                sum(case when standing = 'OVERRIDDEN' then 1 else 0 end)
         from {{core}}rule_hit where standing <> 'UNCOUNTED'
         group by tenant_id, rule_id, shadow, {month};"
    );
    dialect::write(backend, &format!("{STANDING}{tallies}"))
}

async fn force(manager: &SchemaManager<'_>, word: &str) -> Result<(), DbErr> {
    if manager.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    for table in FORCED {
        let ddl = format!("alter table {table} {word} row level security;");
        manager.get_connection().execute_unprepared(&ddl).await?;
    }
    Ok(())
}
