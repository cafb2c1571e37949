//! Row-level security as PostgreSQL itself reports it. Production world only.

use std::collections::BTreeMap;

use balance::db::exempt::EXEMPT;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, QueryResult, Statement};

use crate::support::{TestApp, World};

/// What the catalogue says of a table.
struct Table {
    schema: String,
    tenanted: bool,
    guarded: bool,
}

#[tokio::test]
async fn every_tenant_table_is_guarded() {
    if !World::is_production() {
        return;
    }
    let app = TestApp::start().await;
    let tables = tables(&app).await;
    assert!(tables.len() > 15, "the tables were not found");
    for (name, table) in &tables {
        let exempt = EXEMPT.iter().any(|(exempt, _)| exempt == name);
        assert!(
            table.tenanted || exempt,
            "{name} has no tenant and is not listed as exempt"
        );
        assert_eq!(
            table.guarded, !exempt,
            "{name}: enabled, forced and with a policy, unless exempt"
        );
    }
    for (exempt, _) in EXEMPT {
        assert!(
            tables.contains_key(*exempt),
            "{exempt} is exempt but does not exist"
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn without_a_tenant_there_are_no_rows() {
    if !World::is_production() {
        return;
    }
    let app = TestApp::start().await;
    app.tenant("acme").await;
    let db = &app.app().handles.db;
    let tx = db.begin_read(None).await.unwrap();
    for (name, table) in tables(&app).await {
        if !EXEMPT.iter().any(|(exempt, _)| *exempt == name) {
            let rows = count(&tx, &format!("{}.{name}", table.schema)).await;
            assert_eq!(rows, 0, "{name} shows rows to nobody in particular");
        }
    }
    drop(tx);
    app.finish().await;
}

#[tokio::test]
async fn a_tenant_sees_and_writes_its_own_rows_only() {
    if !World::is_production() {
        return;
    }
    let app = TestApp::start().await;
    app.tenant("acme").await;
    app.tenant("globex").await;
    let db = &app.app().handles.db;
    let tenants: Vec<entity::TenantId> = ids(&app).await;
    assert_eq!(tenants.len(), 2);

    let tx = db.begin(Some(tenants[0])).await.unwrap();
    let seen = all(&tx, "select distinct tenant_id from core.category").await;
    assert_eq!(seen.len(), 1);
    let seen: uuid::Uuid = seen[0].try_get("", "tenant_id").unwrap();
    assert_eq!(seen, tenants[0].0);

    // not even by mistake: the row would belong to somebody else
    let steal = format!("update core.category set tenant_id = '{}'", tenants[1]);
    let refused = tx.execute_unprepared(&steal).await.unwrap_err();
    assert!(
        refused.to_string().contains("row-level security"),
        "{refused}"
    );
    drop(tx);
    app.finish().await;
}

#[tokio::test]
async fn what_happened_cannot_be_changed_by_the_server() {
    if !World::is_production() {
        return;
    }
    let app = TestApp::start().await;
    app.tenant("acme").await;
    let tenants = ids(&app).await;
    for attempt in [
        "update core.event set kind = 'NOTHING'",
        "delete from core.event",
        "update core.decision set rationale = ''",
        "delete from core.decision",
        "drop table core.event",
        "alter table core.event disable row level security",
    ] {
        let db = &app.app().handles.db;
        let tx = db.begin(Some(tenants[0])).await.unwrap();
        let refused = tx.execute_unprepared(attempt).await;
        let refused = refused.map(|_| ()).expect_err(attempt).to_string();
        let because = ["permission denied", "must be owner"];
        assert!(
            because.iter().any(|why| refused.contains(why)),
            "{attempt}: {refused}"
        );
    }
    app.finish().await;
}

async fn tables(app: &TestApp) -> BTreeMap<String, Table> {
    let sql = "select c.relname::text as name, n.nspname::text as schema, \
                 c.relrowsecurity and c.relforcerowsecurity \
                   and exists (select 1 from pg_policy p where p.polrelid = c.oid) as guarded, \
                 exists (select 1 from pg_attribute a \
                         where a.attrelid = c.oid and a.attname = 'tenant_id') as tenanted \
               from pg_class c join pg_namespace n on n.oid = c.relnamespace \
               where n.nspname in ('auth', 'core', 'analytics') and c.relkind in ('r', 'p') \
                 and c.relname <> 'seaql_migrations'";
    let tx = app.app().handles.db.begin_read(None).await.unwrap();
    let rows = all(&tx, sql).await;
    let table = |row: QueryResult| {
        let table = Table {
            schema: row.try_get("", "schema").unwrap(),
            tenanted: row.try_get("", "tenanted").unwrap(),
            guarded: row.try_get("", "guarded").unwrap(),
        };
        (row.try_get("", "name").unwrap(), table)
    };
    rows.into_iter().map(table).collect()
}

async fn ids(app: &TestApp) -> Vec<entity::TenantId> {
    let tx = app.app().handles.db.begin_read(None).await.unwrap();
    let rows = all(&tx, "select id from auth.tenant order by id").await;
    let id = |row: &QueryResult| entity::TenantId(row.try_get("", "id").unwrap());
    rows.iter().map(id).collect()
}

async fn count(tx: &DatabaseTransaction, table: &str) -> i64 {
    let rows = all(tx, &format!("select count(*) as rows from {table}")).await;
    rows[0].try_get("", "rows").unwrap()
}

async fn all(tx: &DatabaseTransaction, sql: &str) -> Vec<QueryResult> {
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    tx.query_all_raw(statement).await.unwrap()
}
