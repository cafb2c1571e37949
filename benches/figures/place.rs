//! Stores of one measurement, and what a process needs to know to work on them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use balance::app::App;
use balance::clock::Clock;
use balance::config::Config;
use balance::db::{self, Db};
use balance::secret;
use sea_orm::{ConnectOptions, ConnectionTrait, Database};

/// Which database is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// SQLite, and the bus in process.
    Sqlite,
    /// PostgreSQL as the application role, and Redis.
    Postgres,
}

impl World {
    /// What can be measured here; `BENCH_WORLD` chooses one.
    pub fn here() -> Vec<Self> {
        let chosen = variable("BENCH_WORLD");
        let mut worlds = vec![Self::Sqlite];
        if variable("DATABASE_URL").is_some_and(|url| url.starts_with("postgres")) {
            worlds.push(Self::Postgres);
        } else {
            println!("PostgreSQL is not measured: run this under tools/with-services.sh --durable");
        }
        worlds.retain(|world| chosen.as_ref().is_none_or(|name| name == world.name()));
        worlds
    }

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// Stores that nothing else uses.
pub struct Place {
    /// Which database it is.
    pub world: World,
    folder: PathBuf,
    database: Option<String>,
    secret: String,
}

impl Place {
    /// Makes an empty database with the schema in it.
    pub async fn make(world: World) -> Self {
        let random = secret::token().to_lowercase();
        let random: String = random.chars().filter(char::is_ascii_alphanumeric).collect();
        let name = format!("balance_bench_{}", &random[..12]);
        let folder = std::env::temp_dir().join(&name);
        std::fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
        let database = (world == World::Postgres).then_some(name);
        let place = Self {
            world,
            folder,
            database,
            secret: random.repeat(2),
        };
        if let Some(name) = &place.database {
            administer(&format!("create database {name}")).await;
            let owner = Db::connect(&place.owner_url(), 2, false).await;
            let owner = owner.expect("the new database is reachable");
            db::migrate(&owner).await.expect("the migrations apply");
            let granted = db::grant_app_role(&owner, "app").await;
            granted.expect("the role `app` of tools/with-services.sh gets its rights");
            owner.close().await;
        }
        place
    }

    /// The folder of its files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its address, for the server.
    pub fn url(&self) -> String {
        match &self.database {
            Some(name) => named(&needed("DATABASE_URL"), name),
            None => format!("sqlite://{}", self.folder.join("balance.db").display()),
        }
    }

    fn owner_url(&self) -> String {
        let name = self.database.as_deref().unwrap_or_default();
        named(&needed("MIGRATION_DATABASE_URL"), name)
    }

    /// The settings of a process that works here, as variables.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("BALANCE_ENV", "development".to_owned()),
            ("PORT", "0".to_owned()),
            ("DATABASE_URL", self.url()),
            ("DATA_DIR", self.folder.display().to_string()),
            ("SECRET_KEY", self.secret.clone()),
            ("ACCESS_TOKEN_MINUTES", "600".to_owned()),
            ("SEED_DEMO", "false".to_owned()),
            ("REDIS_PREFIX", "bench".to_owned()),
        ];
        if self.world == World::Postgres {
            variables.push(("MIGRATION_DATABASE_URL", self.owner_url()));
            variables.push(("REDIS_URL", needed("REDIS_URL")));
        }
        variables
    }

    /// The parts of a process that works here, connected.
    pub async fn app(&self) -> Arc<App> {
        let mut config = Config::development();
        let postgres = self.world == World::Postgres;
        config.port = 0;
        config.database_url = Some(self.url());
        config.migration_database_url = postgres.then(|| self.owner_url());
        config.redis_url = postgres.then(|| needed("REDIS_URL"));
        config.redis_prefix = "bench".to_owned();
        config.data_dir = self.folder.clone();
        config.secret_key = Some(self.secret.clone());
        config.access_token_minutes = 600;
        config.seed_demo = false;
        config.openai_api_key = None;
        let app = App::connect(config, Clock::system()).await;
        app.expect("the stores are there")
    }

    /// Lets PostgreSQL look at what is there now, as autovacuum does within a minute; a measurement does not wait for it.
    pub async fn analyze(&self) {
        if self.database.is_some() {
            execute(self.owner_url(), "analyze").await;
        }
    }

    /// Gives the disk back.
    pub async fn clear(self) {
        drop(std::fs::remove_dir_all(&self.folder));
        if let Some(name) = &self.database {
            administer(&format!("drop database if exists {name} with (force)")).await;
        }
    }
}

async fn administer(sql: &str) {
    let url = variable("SUPERUSER_DATABASE_URL");
    // who made a database may drop it; only a superuser may cut connections that are left
    let url = match sql.starts_with("drop") {
        true => url.unwrap_or_else(|| needed("MIGRATION_DATABASE_URL")),
        false => needed("MIGRATION_DATABASE_URL"),
    };
    execute(url, sql).await;
}

async fn execute(url: String, sql: &str) {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    let admin = Database::connect(options).await;
    let admin = admin.expect("PostgreSQL is there");
    if let Err(error) = admin.execute_unprepared(sql).await {
        eprintln!("{sql}: {error}");
    }
    drop(admin.close().await);
}

fn named(url: &str, database: &str) -> String {
    let mut url = reqwest::Url::parse(url).expect("it is the address of a database");
    url.set_path(database);
    url.into()
}

/// A variable that is set to something.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A number a variable sets, or the usual one.
pub fn number(name: &str, usual: usize) -> usize {
    variable(name).map_or(usual, |value| {
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is no number"))
    })
}

fn needed(name: &str) -> String {
    variable(name).unwrap_or_else(|| {
        panic!("{name} is not set: run this under tools/with-services.sh --durable")
    })
}
