//! The two worlds the product lives in, and a place of its own for each test.

use std::path::{Path, PathBuf};

use balance::secret;

use super::env;
use super::postgres::Database;

/// Where a test runs.
#[derive(Clone, Debug)]
pub enum World {
    /// SQLite, and everything else in process.
    Embedded,
    /// PostgreSQL as the application role, and Redis.
    Production(Stores),
}

/// The servers of the production world.
#[derive(Clone, Debug)]
pub struct Stores {
    /// PostgreSQL as a superuser: only to drop databases with their connections.
    pub superuser: String,
    /// PostgreSQL as the role that owns the schema.
    pub migrator: String,
    /// PostgreSQL as the application role.
    pub app: String,
    /// Redis.
    pub redis: String,
}

impl World {
    /// The world this run of the suite is about.
    pub fn current() -> Self {
        match env::var("BALANCE_TEST_WORLD").as_deref() {
            None | Some("embedded") => Self::Embedded,
            Some("production") => Self::Production(Stores::read(|name| {
                env::var(name).unwrap_or_else(|| {
                    panic!("{name} is not set: run the suite under tools/with-services.sh")
                })
            })),
            Some(other) => panic!("BALANCE_TEST_WORLD is {other}; embedded or production is"),
        }
    }

    /// Whether this run is about the production world; a test that is only about that one says when it is not.
    pub fn is_production() -> bool {
        let production = matches!(Self::current(), Self::Production(_));
        if !production {
            println!("skipped: it is about the production world");
        }
        production
    }
}

impl Stores {
    /// The servers that variables name as `tools/with-services.sh` does.
    pub fn read(var: impl Fn(&str) -> String) -> Self {
        Self {
            superuser: var("SUPERUSER_DATABASE_URL"),
            migrator: var("MIGRATION_DATABASE_URL"),
            app: var("DATABASE_URL"),
            redis: var("REDIS_URL"),
        }
    }
}

/// The stores of one test, gone when it ends.
pub struct Place {
    folder: PathBuf,
    database: Option<Database>,
    /// Redis, in the production world.
    pub redis: Option<String>,
    /// Keeps tests on one Redis apart.
    pub redis_prefix: String,
}

impl Place {
    /// Makes room in a world.
    pub async fn make(world: &World) -> Self {
        let name = format!("balance_test_{}", name());
        let folder = std::env::temp_dir().join(&name);
        std::fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
        let (database, redis) = match world {
            World::Embedded => (None, None),
            World::Production(stores) => {
                let database = Database::create(stores, &name).await;
                (Some(database), Some(stores.redis.clone()))
            }
        };
        Self {
            folder,
            database,
            redis,
            redis_prefix: name,
        }
    }

    /// Its folder for files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its database, for the server.
    pub fn database_url(&self) -> String {
        match &self.database {
            Some(database) => database.app.clone(),
            None => format!("sqlite://{}", self.folder.join("balance.db").display()),
        }
    }

    /// Its database as the role that owns the schema, on PostgreSQL.
    pub fn migration_database_url(&self) -> Option<String> {
        self.database
            .as_ref()
            .map(|database| database.migrator.clone())
    }

    /// Drops its database. The folder goes with the value.
    pub async fn clear(&self) {
        if let Some(database) = &self.database {
            database.discard().await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // what cannot be removed now is the system's to remove: it is in the folder for temporary files
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// A name that no other test has, fit for a database.
pub fn name() -> String {
    let random = secret::token().to_lowercase();
    let plain = random.chars().filter(char::is_ascii_alphanumeric);
    plain.take(16).collect()
}
