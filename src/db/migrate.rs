//! Bringing the schema up to date.

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Statement};

use super::{Db, prepare_pgvector};
use crate::error::Result;

/// How many numbers the vectors have that are always there (see `vectors::HASHED_DIMENSION`).
const HASHED_DIMENSION: usize = 512;

/// Applies the migrations that are missing. On PostgreSQL one process at a time does so: the others wait and find
/// nothing left to do.
pub async fn migrate(db: &Db) -> Result<()> {
    if db.is_postgres() {
        // advisory locks belong to a connection; a transaction holds one and releases the lock at its end
        let lock = db.begin(None).await?;
        let sql = "select pg_advisory_xact_lock(hashtext('balance migrations'))";
        lock.execute_raw(Statement::from_string(db.backend, sql))
            .await?;
        // the ledger of migrations lives in the first schema that exists: unless they exist before the first
        // migration, the second start looks for it elsewhere and begins anew
        let schemas = "create schema if not exists core; create schema if not exists auth; \
                       create schema if not exists analytics";
        db.write.execute_unprepared(schemas).await?;
        Migrator::up(&db.write, None).await?;
        prepare_pgvector(db, &[HASHED_DIMENSION]).await?;
        lock.commit().await?;
    } else {
        Migrator::up(&db.write, None).await?;
    }
    Ok(())
}

/// Whether every migration this binary knows is applied.
pub async fn is_current(db: &Db) -> Result<bool> {
    // without the ledger of migrations nothing is applied; asking must not create it
    let applied = db.begin_read(None).await?;
    let ledger = Statement::from_string(db.backend, "select version from seaql_migrations");
    let Ok(rows) = applied.query_all_raw(ledger).await else {
        return Ok(false);
    };
    Ok(rows.len() >= Migrator::migrations().len())
}
