//! Everything a database holds, to prove that something left it alone.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseBackend, DatabaseTransaction, Statement};

use super::Tenant;
use super::TestApp;

/// What each table holds of a tenant, as text; the tables named are left out.
pub async fn contents(app: &TestApp, tenant: &Tenant, but: &[&str]) -> BTreeMap<String, String> {
    let inside = app.app();
    let tx = inside.handles.db.begin_snapshot(Some(tenant.local_id()));
    let tx = tx.await.expect("the database is there");
    let backend = tx.get_database_backend();
    let tables = match backend {
        DatabaseBackend::Postgres => {
            "select schemaname || '.' || tablename as it from pg_tables
             where schemaname in ('auth', 'core', 'analytics') order by 1"
        }
        _ => "select name as it from sqlite_master where type = 'table' order by 1",
    };
    let mut contents = BTreeMap::new();
    for table in texts(&tx, tables).await {
        let name = table.rsplit('.').next().expect("it has a name").to_owned();
        if but.contains(&name.as_str()) {
            continue;
        }
        let rows = match backend {
            DatabaseBackend::Postgres => {
                let (schema, name) = table.split_once('.').expect("it has a schema");
                format!("select t::text as it from \"{schema}\".\"{name}\" t order by 1")
            }
            _ => {
                let columns = format!("select name as it from pragma_table_info('{table}')");
                let columns = texts(&tx, &columns).await;
                let quoted: Vec<String> = columns
                    .iter()
                    .map(|column| format!("quote(\"{column}\")"))
                    .collect();
                let row = quoted.join(" || ',' || ");
                format!("select {row} as it from \"{table}\" order by 1")
            }
        };
        contents.insert(name, texts(&tx, &rows).await.join("\n"));
    }
    contents
}

async fn texts(tx: &DatabaseTransaction, sql: &str) -> Vec<String> {
    let statement = Statement::from_string(tx.get_database_backend(), sql);
    let rows = tx.query_all_raw(statement).await.expect("it can be read");
    let text = |row: &sea_orm::QueryResult| row.try_get("", "it").expect("it is text");
    rows.iter().map(text).collect()
}
