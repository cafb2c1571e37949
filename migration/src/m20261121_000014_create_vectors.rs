//! Vectors of texts, and the key that ties records to them.
//!
//! What needs pgvector (its column and its indexes) is not here: `src/db/pgvector.rs` adds it wherever the extension
//! is, whenever it comes, so that a PostgreSQL without it works too. The table is not called `vector`: its row type would
//! hide the type of that name.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Parts of the table on PostgreSQL. An index over all tenants finds little for a small one; each part has its own,
/// over the tenants in it.
const PARTS: usize = 16;

const DDL: &str = r#"

alter table {core}record add column text_key {uuid};
-- the approved records with a text
create index record_by_text on {core}record (tenant_id, text_key) where status = 'APPROVED';
create table {core}text_vector (
  tenant_id {uuid} not null references {auth}tenant (id),
  model text not null,
  dimension integer not null,
  text_key {uuid} not null,
  bytes {bytes},
  approved_at {instant},
  created_at {instant} not null,
  primary key (tenant_id, model, dimension, text_key)
) {partitioned};
-- the vectors that are evidence, those that came last at the end
create index text_vector_by_approval on {core}text_vector (tenant_id, model, dimension, approved_at) where approved_at is not null;
create table {core}vector_set (
  tenant_id {uuid} not null references {auth}tenant (id),
  model text not null,
  dimension integer not null,
  cursor {uuid},
  total {long} not null,
  done {long} not null,
  updated_at {instant} not null,
  finished_at {instant},
  primary key (tenant_id, model, dimension)
);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let postgres = manager.get_database_backend() == DbBackend::Postgres;
        let partitioned = if postgres {
            "partition by hash (tenant_id)"
        } else {
            ""
        };
        dialect::run(manager, &DDL.replace("{partitioned}", partitioned)).await?;
        let parts: Vec<String> = (0..PARTS)
            .map(|part| format!("core.text_vector_{part:02}"))
            .collect();
        if postgres {
            for (part, name) in parts.iter().enumerate() {
                let ddl = format!(
                    "create table {name} partition of core.text_vector for values with (modulus {PARTS}, remainder {part})"
                );
                dialect::run(manager, &ddl).await?;
            }
        }
        let guarded = ["core.text_vector", "core.vector_set"];
        let guarded: Vec<&str> = guarded
            .into_iter()
            .chain(parts.iter().map(String::as_str))
            .collect();
        dialect::policy(manager, &guarded).await
    }
}
