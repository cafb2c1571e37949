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
mod pgvector;
mod sealed;
mod watch;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use app_role::{check as check_app_role, check_rights, grant as grant_app_role};
use entity::TenantId;
pub use migrate::{is_current, migrate};
pub use pgvector::prepare_pgvector;
use sea_orm::{
    ConnectionTrait, DatabaseBackend, DatabaseConnection, DatabaseTransaction,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
pub use sealed::{Census, Progress, census, reseal};

use crate::config::Pooler;
use crate::error::Result;

/// How long closing waits for transactions that are open.
const CLOSING: Duration = Duration::from_secs(5);
/// How long one statement of an operation may run.
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
        let tx = self.write.begin_with_options(options).await?;
        self.settle(&tx, tenant, false).await?;
        Ok(tx)
    }

    /// Opens a transaction that only reads.
    pub async fn begin_read(&self, tenant: Option<TenantId>) -> Result<DatabaseTransaction> {
        let tx = self.read.begin().await?;
        self.settle(&tx, tenant, true).await?;
        Ok(tx)
    }

    /// Opens a reading transaction that sees one moment throughout, however many statements it runs.
    pub async fn begin_snapshot(&self, tenant: Option<TenantId>) -> Result<DatabaseTransaction> {
        let options = match self.backend {
            DatabaseBackend::Postgres => TransactionOptions {
                isolation_level: Some(sea_orm::IsolationLevel::RepeatableRead),
                ..TransactionOptions::default()
            },
            // a SQLite transaction in WAL mode is a snapshot from its first read
            _ => TransactionOptions::default(),
        };
        let tx = self.read.begin_with_options(options).await?;
        self.settle(&tx, tenant, true).await?;
        Ok(tx)
    }

    /// One statement that tells PostgreSQL whose transaction this is and how long it may take.
    async fn settle(
        &self,
        tx: &DatabaseTransaction,
        tenant: Option<TenantId>,
        read_only: bool,
    ) -> Result<()> {
        if self.backend != DatabaseBackend::Postgres {
            return Ok(());
        }
        let tenant = tenant.map(|t| t.to_string()).unwrap_or_default();
        if self.pooler == Pooler::Transaction {
            return self.settle_anew(tx, &tenant, read_only).await;
        }
        let sql = "select set_config('app.tenant_id', $1, true), set_config('statement_timeout', $2, true), \
                   set_config('transaction_read_only', $3, true)";
        let values = [
            tenant.into(),
            STATEMENT_TIMEOUT.as_millis().to_string().into(),
            if read_only { "on" } else { "off" }.into(),
        ];
        tx.execute_raw(Statement::from_sql_and_values(self.backend, sql, values))
            .await?;
        Ok(())
    }

    /// The same behind a pooler in transaction mode: the connection is another one each time and may hold what others
    /// left there. The driver names every statement it prepares, from 1 on each of its connections, and would meet the
    /// names of others. One message, in the simple protocol: an id and numbers need no parameters.
    async fn settle_anew(
        &self,
        tx: &DatabaseTransaction,
        tenant: &str,
        read_only: bool,
    ) -> Result<()> {
        let sql = format!(
            "deallocate all; select set_config('app.tenant_id', '{tenant}', true), \
             set_config('statement_timeout', '{}', true), set_config('search_path', '{}', true), \
             set_config('transaction_read_only', '{}', true)",
            STATEMENT_TIMEOUT.as_millis(),
            connect::SEARCH_PATH,
            if read_only { "on" } else { "off" },
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
            for pool in [&self.read, &self.write] {
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
