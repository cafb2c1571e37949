//! Opening the pools.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, Database, DatabaseBackend, DatabaseConnection};

use super::{Db, operation};
use crate::config::Pooler;
use crate::error::{Error, Result};

/// The schemas of PostgreSQL, so that tables are named alike in both worlds.
pub(super) const SEARCH_PATH: &str = "core,auth,analytics,public";
/// How connections to PostgreSQL are named while no operation has them.
pub(super) const APPLICATION: &str = "balance";

impl Db {
    /// Opens the database at `url` (`sqlite://…` or `postgres://…`). A SQLite file is made when it is missing.
    /// `lazily`: succeed even if PostgreSQL cannot be reached yet.
    pub async fn connect(url: &str, connections: u32, lazily: bool) -> Result<Self> {
        Self::connect_through(url, connections, lazily, Pooler::None).await
    }

    /// Like [`connect`](Self::connect), with or without a pooler in transaction mode before PostgreSQL.
    pub async fn connect_through(
        url: &str,
        connections: u32,
        lazily: bool,
        pooler: Pooler,
    ) -> Result<Self> {
        let statements = Arc::new(AtomicU64::new(0));
        let (write, read, backend) = if url.starts_with("sqlite:") {
            make_folder(url)?;
            let write = Database::connect(sqlite(url, 1, false)).await?;
            let read = Database::connect(sqlite(url, 4, true)).await?;
            (write, read, DatabaseBackend::Sqlite)
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let pool = Database::connect(postgres(url, connections, lazily, pooler)).await?;
            (pool.clone(), pool, DatabaseBackend::Postgres)
        } else {
            return Err(Error::invalid(
                "DATABASE_URL",
                "must start with sqlite:// or postgres://",
            ));
        };
        let (write, read) = (counted(write, &statements), counted(read, &statements));
        let cancelling = match backend {
            DatabaseBackend::Postgres => {
                Some(Database::connect(postgres(url, 1, true, pooler)).await?)
            }
            _ => None,
        };
        Ok(Self {
            write,
            read,
            backend,
            url: url.into(),
            pgvector: Arc::default(),
            statements,
            pooler,
            cancelling,
        })
    }
}

fn counted(mut pool: DatabaseConnection, statements: &Arc<AtomicU64>) -> DatabaseConnection {
    let statements = Arc::clone(statements);
    pool.set_metric_callback(move |told| {
        statements.fetch_add(1, Ordering::Relaxed);
        // the text only: values are somebody's
        tracing::trace!(target: "sql", "{}", told.statement.sql);
    });
    pool
}

fn make_folder(url: &str) -> Result<()> {
    let options = SqliteConnectOptions::from_str(url).map_err(|error| {
        Error::invalid("DATABASE_URL", format!("is no SQLite address: {error}"))
    })?;
    if let Some(folder) = options
        .get_filename()
        .parent()
        .filter(|f| *f != Path::new(""))
    {
        std::fs::create_dir_all(folder).map_err(|error| {
            Error::invalid(
                "DATABASE_URL",
                format!("the folder {} cannot be made: {error}", folder.display()),
            )
        })?;
    }
    Ok(())
}

fn sqlite(url: &str, connections: u32, read_only: bool) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(30))
        .test_before_acquire(false)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            let sqlite = sqlite
                .create_if_missing(true)
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(5))
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .statement_cache_capacity(200)
                .pragma("cache_size", "-16000");
            // not opened read only: a reader may have to recover the write-ahead log
            if read_only {
                sqlite.pragma("query_only", "on")
            } else {
                sqlite
            }
        });
    attended(&mut options, read_only);
    options
}

/// Lets every connection ask whoever takes it whether they still want what it does. A statement that writes takes its
/// whole transaction with it when it is interrupted, which the driver does not know of: the connection is not used again.
/// The pool that writes has one connection, so one mark is enough.
fn attended(options: &mut ConnectOptions, read_only: bool) {
    options.map_sqlx_sqlite_pool_opts(move |pool| {
        let interrupted = Arc::new(AtomicBool::new(false));
        let marked = Arc::clone(&interrupted);
        pool.after_connect(move |connection, _| {
            Box::pin(operation::attend(connection, Arc::clone(&marked)))
        })
        .before_acquire(move |connection, _| {
            let interrupted = Arc::clone(&interrupted);
            Box::pin(async move {
                if interrupted.swap(false, Ordering::Relaxed) && !read_only {
                    return Ok(false);
                }
                operation::attend(connection, interrupted).await?;
                Ok(true)
            })
        })
    });
}

fn postgres(url: &str, connections: u32, lazily: bool, pooler: Pooler) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(0)
        .connect_lazy(lazily)
        .acquire_timeout(Duration::from_secs(5))
        .test_before_acquire(false)
        // a connection that idled may have been cut; one that was just used need not be asked
        .test_before_acquire_if_idle_for(Duration::from_secs(1))
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .map_sqlx_postgres_opts(move |postgres| {
            let postgres = postgres.application_name(APPLICATION);
            match pooler {
                Pooler::None => postgres.options([("search_path", SEARCH_PATH)]),
                // a pooler refuses most of what a connection can be opened with; each transaction sets it instead
                Pooler::Transaction => postgres
                    .extra_float_digits(None)
                    .statement_cache_capacity(0),
            }
        });
    options
}
