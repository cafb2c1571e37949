//! Hearing of commits made by other processes on the same SQLite file.

use std::time::Duration;

use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::sqlx::{ConnectOptions, Row, query};

use super::Db;

/// How often the file is asked: cheap (a header of shared memory), and below what a person notices.
const EVERY: Duration = Duration::from_millis(50);

impl Db {
    /// Calls `changed` whenever another connection has committed to the SQLite file; on PostgreSQL it never does.
    /// The counter belongs to a connection, so this one is its own and never writes.
    pub async fn watch(&self, changed: impl Fn() + Send) {
        if self.is_postgres() {
            return std::future::pending().await;
        }
        let Ok(options) = self.url.parse::<SqliteConnectOptions>() else {
            return std::future::pending().await;
        };
        let mut seen = None;
        loop {
            let Ok(mut connection) = options.clone().disable_statement_logging().connect().await
            else {
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            };
            while let Ok(row) = query("pragma data_version")
                .fetch_one(&mut connection)
                .await
            {
                let version: i64 = row.get(0);
                if seen
                    .replace(version)
                    .is_some_and(|before| before != version)
                {
                    changed();
                }
                tokio::time::sleep(EVERY).await;
            }
        }
    }
}
