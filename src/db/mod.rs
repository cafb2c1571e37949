//! The database: SQLite or PostgreSQL through sea-orm. The pools are private; data is reached through `Ctx`.
//!
//! SQLite has one write connection, which begins IMMEDIATE (a deferred upgrade fails at once, whatever the busy
//! timeout), and a small read-only pool. PostgreSQL has one pool; every transaction names its tenant for the row
//! policies and its statement timeout.

#![allow(
    clippy::disallowed_methods,
    reason = "the room that owns the pools and the exempt tables"
)]

mod app_role;
pub mod catalogue;
mod connect;
pub mod exempt;
mod migrate;
mod operation;
mod pgvector;
mod sealed;
mod watch;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use app_role::{check as check_app_role, check_rights, grant as grant_app_role};
use entity::TenantId;
pub use migrate::{is_current, migrate};
pub use operation::{Operation, Overrun};
pub use pgvector::prepare_pgvector;
use sea_orm::{
    ConnectionTrait, DatabaseBackend, DatabaseConnection, DatabaseTransaction, IsolationLevel,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
pub use sealed::{Census, Progress, census, reseal};

use crate::config::Pooler;
use crate::error::{Error, Result};

/// How long closing waits for transactions that are open.
const CLOSING: Duration = Duration::from_secs(5);
/// How long one statement may run, of what nobody waits for.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// Handles to the database. Cloning shares them.
#[derive(Clone)]
pub struct Db {
    write: DatabaseConnection,
    read: DatabaseConnection,
    backend: DatabaseBackend,
    url: Arc<str>,
    pgvector: Arc<std::sync::atomic::AtomicBool>,
    statements: Arc<std::sync::atomic::AtomicU64>,
    pooler: Pooler,
    /// Its own way to PostgreSQL for cancelling: the others may all be taken.
    cancelling: Option<DatabaseConnection>,
}

impl Db {
    /// `sqlite` or `postgres`.
    pub fn mode(&self) -> &'static str {
        match self.backend {
            DatabaseBackend::Postgres => "postgres",
            _ => "sqlite",
        }
    }

    /// Whether several processes need a bus to hear of each other's commits; on SQLite the file itself tells.
    pub fn is_postgres(&self) -> bool {
        self.backend == DatabaseBackend::Postgres
    }

    /// Statements sent so far, for tests that count them.
    pub fn statements(&self) -> u64 {
        self.statements.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Opens a transaction that can write. With a tenant, row policies let that tenant's rows through; without one,
    /// only exempt tables have rows.
    pub async fn begin(&self, tenant: Option<TenantId>) -> Result<DatabaseTransaction> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.open(&self.write, options, tenant, false).await
    }

    /// Opens a transaction that only reads.
    pub async fn begin_read(&self, tenant: Option<TenantId>) -> Result<DatabaseTransaction> {
        let options = TransactionOptions::default();
        self.open(&self.read, options, tenant, true).await
    }

    /// Opens a reading transaction that sees one moment throughout, however many statements it runs.
    pub async fn begin_snapshot(&self, tenant: Option<TenantId>) -> Result<DatabaseTransaction> {
        let isolation_level = match self.backend {
            DatabaseBackend::Postgres => Some(IsolationLevel::RepeatableRead),
            // a SQLite transaction in WAL mode is a snapshot from its first read
            _ => None,
        };
        let options = TransactionOptions {
            isolation_level,
            ..TransactionOptions::default()
        };
        self.open(&self.read, options, tenant, true).await
    }

    async fn open(
        &self,
        pool: &DatabaseConnection,
        mut options: TransactionOptions,
        tenant: Option<TenantId>,
        read_only: bool,
    ) -> Result<DatabaseTransaction> {
        let operation = Operation::current();
        if operation
            .as_ref()
            .is_some_and(|operation| operation.is_over())
        {
            return Err(Error::Timeout);
        }
        // the driver would send the level as a statement with a name, and meet the names of others behind a pooler: there it
        // is set with the rest
        let anew = self.pooler == Pooler::Transaction;
        let level = anew.then(|| options.isolation_level.take()).flatten();
        let tx = pool.begin_with_options(options).await?;
        if self.backend == DatabaseBackend::Postgres {
            self.settle(&tx, operation.as_deref(), tenant, read_only, level)
                .await?;
        }
        Ok(tx)
    }

    /// One statement that tells PostgreSQL whose transaction this is and how long it may take.
    async fn settle(
        &self,
        tx: &DatabaseTransaction,
        operation: Option<&Operation>,
        tenant: Option<TenantId>,
        read_only: bool,
        level: Option<IsolationLevel>,
    ) -> Result<()> {
        let tenant = tenant.map(|t| t.to_string()).unwrap_or_default();
        let name = operation.map_or(connect::APPLICATION, Operation::name);
        let timeout = operation.map_or(STATEMENT_TIMEOUT, Operation::statement_timeout);
        let timeout = timeout.as_millis().to_string();
        let read_only = if read_only { "on" } else { "off" };
        if self.pooler == Pooler::Transaction {
            return Self::settle_anew(tx, &tenant, name, &timeout, read_only, level).await;
        }
        let sql = "select set_config('app.tenant_id', $1, true), set_config('statement_timeout', $2, true), \
                   set_config('transaction_read_only', $3, true), set_config('application_name', $4, true)";
        let values = [tenant.into(), timeout.into(), read_only.into(), name.into()];
        tx.execute_raw(Statement::from_sql_and_values(self.backend, sql, values))
            .await?;
        Ok(())
    }

    /// The same behind a pooler in transaction mode: the connection is another one each time and may hold what others
    /// left there. The driver names every statement it prepares, from 1 on each of its connections, and would meet the
    /// names of others. One message, in the simple protocol: an id, names of ours and numbers need no parameters.
    async fn settle_anew(
        tx: &DatabaseTransaction,
        tenant: &str,
        name: &str,
        timeout: &str,
        read_only: &str,
        level: Option<IsolationLevel>,
    ) -> Result<()> {
        let level = level.map(|level| format!("set transaction isolation level {level}; "));
        let sql = format!(
            "{}deallocate all; select set_config('app.tenant_id', '{tenant}', true), \
             set_config('statement_timeout', '{timeout}', true), set_config('application_name', '{name}', true), \
             set_config('search_path', '{}', true), set_config('transaction_read_only', '{read_only}', true)",
            level.unwrap_or_default(),
            connect::SEARCH_PATH,
        );
        tx.execute_unprepared(&sql).await?;
        Ok(())
    }

    /// Asks for an answer, and says how long it took.
    pub async fn ping(&self) -> Result<Duration> {
        let started = Instant::now();
        self.read.execute_unprepared("select 1").await?;
        Ok(started.elapsed())
    }

    /// Closes the pools once their transactions are over, or after some seconds: what is open then was not going to
    /// commit.
    pub async fn close(&self) {
        let closing = async {
            for pool in [&self.read, &self.write]
                .into_iter()
                .chain(&self.cancelling)
            {
                if let Err(error) = pool.close_by_ref().await {
                    tracing::warn!(%error, "A database pool did not close cleanly");
                }
            }
        };
        if tokio::time::timeout(CLOSING, closing).await.is_err() {
            tracing::warn!("A database connection is still held; it is cut");
        }
    }
}
