//! The two roles of PostgreSQL: one owns the schema, the other only works in it.

use sea_orm::{ConnectionTrait, Statement};

use super::Db;
use crate::error::{Error, Result};

/// Grants a role what the server needs and nothing more: rows to read and write, but neither the log nor decisions to
/// change. Run as the role that owns the schema.
pub async fn grant(db: &Db, role: &str) -> Result<()> {
    if !db.is_postgres() {
        return Err(Error::invalid(
            "--app-role",
            "roles exist on PostgreSQL only; SQLite needs none",
        ));
    }
    let plain = role.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if role.is_empty() || !plain {
        return Err(Error::invalid(
            "--app-role",
            "use letters, digits and underscores",
        ));
    }
    let mut ddl = String::new();
    for schema in ["auth", "core", "analytics"] {
        ddl += &format!(
            "grant usage on schema {schema} to {role};
             grant select, insert, update, delete on all tables in schema {schema} to {role};"
        );
    }
    // append only: what happened stays
    ddl += &format!(
        "revoke update, delete on core.event, core.decision from {role};
         grant execute on function core.erase_rows(text, integer) to {role};
         do $$ begin
           execute (select format('grant select on %s to {role}', to_regclass('seaql_migrations')));
         end $$;"
    );
    db.write.execute_unprepared(&ddl).await?;
    Ok(())
}

/// Refuses a role that row policies do not bind: a superuser, one with BYPASSRLS, or the owner of the tables.
pub async fn check(db: &Db) -> Result<()> {
    if !db.is_postgres() {
        return Ok(());
    }
    let sql = "select r.rolsuper, r.rolbypassrls, \
               exists(select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace \
                      where n.nspname in ('auth', 'core', 'analytics') and c.relowner = r.oid) as owns \
               from pg_roles r where r.rolname = current_user";
    let tx = db.begin_read(None).await?;
    let row = tx
        .query_one_raw(Statement::from_string(db.backend, sql))
        .await?
        .ok_or_else(|| Error::internal("the database does not know its own role"))?;
    for (column, what) in [
        ("rolsuper", "is a superuser"),
        ("rolbypassrls", "has BYPASSRLS"),
        ("owns", "owns the tables"),
    ] {
        if row.try_get::<bool>("", column)? {
            return Err(Error::invalid(
                "DATABASE_URL",
                format!(
                    "its role {what}, so row-level security would not bind it; use the application role \
                     (made with `balance migrate --app-role NAME`)"
                ),
            ));
        }
    }
    Ok(())
}

/// Refuses a role that may not work in the tables, before everything it does fails one by one.
pub async fn check_rights(db: &Db) -> Result<()> {
    let tx = db.begin_read(None).await?;
    let probe = Statement::from_string(db.backend, "select id from job limit 1");
    match tx.query_one_raw(probe).await {
        Ok(_) => Ok(()),
        Err(error) => match Error::from(error) {
            Error::Internal(_) => Err(Error::invalid(
                "DATABASE_URL",
                "its role may not use the tables; run `balance migrate --app-role NAME` with the role's name",
            )),
            other => Err(other),
        },
    }
}
