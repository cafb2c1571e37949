//! Nobody waits for what nobody waits for: an operation ends in time, or when its client goes away, and so does what it
//! runs in the database.

use std::time::Duration;

use balance::config::Config;
use balance::db::Operation;
use futures::future::join_all;
use reqwest::Method;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use serde_json::{Value, json};

use crate::support::{Client, Path, Setup, TestApp, World};

const WHO: &str = "{ viewer { user { id } } }";
const CREATE: &str = "mutation($input: CreateAccountInput!) { createAccount(input: $input) {
    account { id } errors { message }
} }";

/// Something that holds everybody up who changes an account, as long as it lasts.
struct Obstacle {
    pool: DatabaseConnection,
    tx: DatabaseTransaction,
}

impl Obstacle {
    async fn raise(app: &TestApp) -> Self {
        let mut options = ConnectOptions::new(app.owner_database_url());
        options.max_connections(1);
        let pool = Database::connect(options).await.unwrap();
        let immediate = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let tx = pool.begin_with_options(immediate).await.unwrap();
        if app.app().handles.db.is_postgres() {
            let lock = "lock table core.account in access exclusive mode";
            tx.execute_unprepared(lock).await.unwrap();
        }
        Self { pool, tx }
    }

    async fn remove(self) {
        self.tx.rollback().await.unwrap();
        self.pool.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_takes_too_long_is_stopped() {
    let app = TestApp::start_with(Setup {
        adjust: |config| config.rates.operation_timeout_ms = 700,
        ..Setup::default()
    })
    .await;
    let owner = app.tenant("acme").await.owner();
    let obstacle = Obstacle::raise(&app).await;
    let stopped = owner.graphql(CREATE, named("Late")).await;
    assert_eq!(stopped.status, 504, "{}", stopped.text());
    let body = stopped.json();
    assert_eq!(body.text("errors[0].extensions.code"), "TIMEOUT");
    assert_eq!(body.get("data"), None);
    // what it cost is told, and not given back
    let cost = body.path("extensions.cost");
    assert!(cost.number("requestedQueryCost") >= 10, "{cost}");
    until_nothing_runs(&app).await;
    // others are not held up, however often it happens
    let again = (0..12).map(|_| owner.graphql(CREATE, named("Late")));
    for reply in join_all(again).await {
        assert!(matches!(reply.status, 503 | 504), "{}", reply.text());
    }
    until_nothing_runs(&app).await;
    owner.run(WHO, json!({})).await.ok();
    obstacle.remove().await;
    until_it_works(&owner).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_leaves_nothing_running() {
    if !World::is_production() {
        return;
    }
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let obstacle = Obstacle::raise(&app).await;
    // more often than there are connections
    for round in 0..3 {
        let calls = (0..6).map(|_| {
            let request = owner.request(Method::POST, "/graphql");
            let body = json!({ "query": CREATE, "variables": named("Late") });
            tokio::spawn(request.json(&body).send())
        });
        let calls: Vec<_> = calls.collect();
        while running(&app).await.len() < calls.len() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        calls.iter().for_each(tokio::task::JoinHandle::abort);
        until_nothing_runs(&app).await;
        let answer = owner.run(WHO, json!({})).await;
        assert!(
            answer.body.get("errors").is_none(),
            "round {round}: {}",
            answer.body
        );
    }
    obstacle.remove().await;
    until_it_works(&owner).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_statement_ends_with_its_operation() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let db = &app.app().handles.db;
    let endless = match db.is_postgres() {
        true => "select count(*) from generate_series(1, 100000000000) as n where n % 7 = 8",
        false => {
            "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"
        }
    };
    // on PostgreSQL nothing is another's to take along
    let writes = match db.is_postgres() {
        true => endless.to_owned(),
        false => format!("update account set name = cast(({endless}) as text)"),
    };
    let work = async |statement: &str| {
        let tx = db.begin(None).await?;
        tx.execute_unprepared(statement).await?;
        tx.commit().await?;
        balance::error::Result::<()>::Ok(())
    };
    let look = async || {
        let tx = db.begin_read(None).await?;
        tx.execute_unprepared(endless).await?;
        balance::error::Result::<()>::Ok(())
    };
    let (short, long) = (Duration::from_millis(150), Duration::from_secs(60));
    // as often as there are connections, and more
    let stopped = (0..10).map(|_| Operation::scope(db, short, look()));
    for stopped in join_all(stopped).await {
        // whichever was first: the operation ended, or its statement
        assert!(!matches!(stopped, Ok(Ok(()))));
    }
    let dropped = (0..10).map(|_| tokio::time::timeout(short, Operation::scope(db, long, look())));
    for dropped in join_all(dropped).await {
        assert!(dropped.is_err());
    }
    // one that writes takes its transaction along, and the next is not hurt
    for statement in [endless, writes.as_str(), endless] {
        let dropped = tokio::time::timeout(short, Operation::scope(db, long, work(statement)));
        assert!(dropped.await.is_err());
        let stopped = Operation::scope(db, short, work(statement)).await;
        assert!(!matches!(stopped, Ok(Ok(()))));
        owner.make_account("Main").await;
    }
    until_nothing_runs(&app).await;
    owner
        .run(
            "{ accounts(first: 5) { edges { node { id } } } }",
            json!({}),
        )
        .await
        .ok();
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_too_many_wait_the_next_is_told_at_once() {
    fn narrow(config: &mut Config) {
        config.rates.operations_running = 1;
        config.rates.operations_waiting = 2;
    }
    let app = TestApp::start_with(Setup {
        adjust: narrow,
        ..Setup::default()
    })
    .await;
    let owner = app.tenant("acme").await.owner();
    let obstacle = Obstacle::raise(&app).await;
    let asked = async |name: &str| {
        let reply = owner.graphql(CREATE, named(name)).await;
        (
            reply.status,
            reply.header("retry-after").to_owned(),
            reply.json(),
        )
    };
    let all = async {
        let four = ["a", "b", "c", "d"].map(&asked);
        join_all(four).await
    };
    let rest = async {
        // what is refused is refused while the others wait
        tokio::time::sleep(Duration::from_millis(400)).await;
        let alive = owner.get("/health/live").await;
        obstacle.remove().await;
        alive.status
    };
    let (all, alive) = tokio::join!(all, rest);
    assert_eq!(alive, 200);
    let (refused, done): (Vec<_>, Vec<_>) = all.iter().partition(|(status, ..)| *status != 200);
    let [(status, again, body)] = &refused[..] else {
        panic!("{all:#?}");
    };
    assert_eq!((*status, again.as_str()), (503, "1"));
    assert_eq!(body.text("errors[0].extensions.code"), "UPSTREAM");
    for (_, _, body) in done {
        body.text("data.createAccount.account.id");
    }
    app.finish().await;
}

fn named(name: &str) -> Value {
    json!({ "input": { "name": name } })
}

/// What operations run in the database of an app at this moment. SQLite has nobody to ask.
async fn running(app: &TestApp) -> Vec<String> {
    let db = &app.app().handles.db;
    if !db.is_postgres() {
        return Vec::new();
    }
    let tx = db.begin_read(None).await.unwrap();
    let sql = "select query from pg_stat_activity where datname = current_database() \
               and pid <> pg_backend_pid() and state = 'active'";
    let found = Statement::from_string(tx.get_database_backend(), sql);
    let found = tx.query_all_raw(found).await.unwrap();
    let query = |row: &sea_orm::QueryResult| row.try_get_by_index(0).unwrap();
    found.iter().map(query).collect()
}

async fn until_nothing_runs(app: &TestApp) {
    for _ in 0..200 {
        if running(app).await.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("these still run: {:#?}", running(app).await);
}

/// On SQLite, who waited for another process' lock may do so for some seconds more.
async fn until_it_works(owner: &Client) {
    for _ in 0..100 {
        let reply = owner.graphql(CREATE, named("In time")).await;
        if reply.status == 200 {
            reply.json().text("data.createAccount.account.id");
            return;
        }
    }
    panic!("it does not recover");
}
