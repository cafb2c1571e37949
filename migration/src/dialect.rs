//! One DDL text for two databases.
//!
//! In the text, `{uuid}`, `{instant}`, `{bytes}`, `{real}` and `{long}` stand for column types and `{auth}`, `{core}`
//! and `{analytics}` for schema prefixes (SQLite has one schema). `policy` puts row-level security on a table.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// Tables with a `tenant_id` that carry no row policy, because they are read before a tenant is known. They hold ids,
/// hashes and routing only; the server reaches them from the rooms that need them (see `src/db/exempt.rs`).
pub const TENANT_TABLES_EXEMPT_FROM_POLICIES: &[&str] = &[
    "membership",
    "session",
    "invitation",
    "connection_key",
    "api_key",
    "job",
    "stream_head",
    "idempotency_key",
];

/// Runs DDL written in the notation above, statement by statement as the database reads them.
pub(crate) async fn run(manager: &SchemaManager<'_>, ddl: &str) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    connection
        .execute_unprepared(&write(connection.get_database_backend(), ddl))
        .await?;
    Ok(())
}

/// Lets the application role see rows of the tenant named in `app.tenant_id` only; with none named, no row at all.
/// FORCE binds the owner too. SQLite has no row policies: there the unit of work carries the tenant.
pub(crate) async fn policy(manager: &SchemaManager<'_>, tables: &[&str]) -> Result<(), DbErr> {
    if manager.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    for table in tables {
        let ddl = format!(
            "alter table {table} enable row level security;
             alter table {table} force row level security;
             create policy tenant_isolation on {table}
               using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
               with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);"
        );
        manager.get_connection().execute_unprepared(&ddl).await?;
    }
    Ok(())
}

pub(crate) fn write(backend: DbBackend, ddl: &str) -> String {
    let words: [(&str, &str); 8] = match backend {
        DbBackend::Postgres => [
            ("{uuid}", "uuid"),
            ("{instant}", "timestamptz"),
            ("{bytes}", "bytea"),
            ("{real}", "double precision"),
            ("{long}", "bigint"),
            ("{auth}", "auth."),
            ("{core}", "core."),
            ("{analytics}", "analytics."),
        ],
        _ => [
            ("{uuid}", "blob"),
            ("{instant}", "text"),
            ("{bytes}", "blob"),
            ("{real}", "real"),
            ("{long}", "integer"),
            ("{auth}", ""),
            ("{core}", ""),
            ("{analytics}", ""),
        ],
    };
    words
        .iter()
        .fold(ddl.to_owned(), |text, (word, sql)| text.replace(word, sql))
}
