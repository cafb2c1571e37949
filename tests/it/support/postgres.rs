//! Databases on PostgreSQL: one is migrated, every test gets a copy of it.

use balance::db::{self, Db};
use migration::{Migrator, MigratorTrait};
use reqwest::Url;
use sea_orm::{
    ConnectionTrait, Database as Connect, DatabaseConnection, DbBackend, Statement,
    TransactionTrait,
};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::world::{Stores, name};

/// A database of one test.
pub struct Database {
    name: String,
    superuser: String,
    /// How the server reaches it: as the application role.
    pub app: String,
    /// How the role that owns the schema reaches it.
    pub migrator: String,
}

impl Database {
    /// Copies the migrated template.
    pub async fn create(stores: &Stores, name: &str) -> Self {
        let template = template(stores).await;
        let admin = connect(&stores.migrator).await;
        execute(
            &admin,
            &format!("create database {name} template {template}"),
        )
        .await;
        drop(admin.close().await);
        Self {
            name: name.to_owned(),
            superuser: stores.superuser.clone(),
            app: named(&stores.app, name),
            migrator: named(&stores.migrator, name),
        }
    }

    /// Drops it, with the connections that are left.
    pub async fn discard(&self) {
        let admin = connect(&self.superuser).await;
        let drop_it = format!("drop database if exists {} with (force)", self.name);
        execute(&admin, &drop_it).await;
        drop(admin.close().await);
    }
}

/// The name of the template, which the first test of a run makes while the others wait.
async fn template(stores: &Stores) -> String {
    // a process of tests asks once per server; a test that holds servers of its own is another server
    static MADE: OnceCell<(String, String)> = OnceCell::const_new();
    let (server, template) = MADE
        .get_or_init(async || (stores.migrator.clone(), make_template(stores).await))
        .await;
    if *server == stores.migrator {
        template.clone()
    } else {
        make_template(stores).await
    }
}

async fn make_template(stores: &Stores) -> String {
    let template = format!("balance_template_{}", migrations());
    let admin = connect(&stores.migrator).await;
    // tests run in several processes too: the lock is the server's. Databases cannot be made in a transaction, so
    // the one that holds it is another connection's
    let holder = connect(&stores.migrator).await;
    let lock = holder.begin().await.expect("a transaction begins");
    let wait = "select pg_advisory_xact_lock(hashtext('balance template'))";
    lock.execute_unprepared(wait).await.expect("a lock is had");

    let exists = format!("select 1 as one from pg_database where datname = '{template}'");
    let exists = Statement::from_string(DbBackend::Postgres, exists);
    let found = admin.query_one_raw(exists).await;
    if found.expect("the catalogue is readable").is_none() {
        // under another name until it is complete
        let building = format!("balance_building_{}", name());
        execute(&admin, &format!("create database {building}")).await;
        let owner = Db::connect(&named(&stores.migrator, &building), 2, false).await;
        let owner = owner.expect("the template is reachable");
        db::migrate(&owner).await.expect("the migrations apply");
        let granted = db::grant_app_role(&owner, "app").await;
        granted.expect("the application role is granted its rights");
        owner.close().await;
        execute(
            &admin,
            &format!("alter database {building} rename to {template}"),
        )
        .await;
    }
    lock.commit().await.expect("the lock is released");
    drop(holder.close().await);
    drop(admin.close().await);
    template
}

/// Stands for the migrations of this build, so that servers that outlive a run are no trap.
fn migrations() -> String {
    let mut hash = Sha256::new();
    for migration in Migrator::migrations() {
        hash.update(migration.name());
    }
    hash.finalize()[..6]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The same server and role, another database.
fn named(url: &str, database: &str) -> String {
    let mut url = Url::parse(url).expect("it is the address of a database");
    url.set_path(database);
    url.into()
}

async fn connect(url: &str) -> DatabaseConnection {
    let mut options = sea_orm::ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Connect::connect(options)
        .await
        .expect("PostgreSQL is there")
}

async fn execute(on: &DatabaseConnection, sql: &str) {
    let done = on.execute_unprepared(sql).await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
}
