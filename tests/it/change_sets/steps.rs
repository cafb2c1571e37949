//! A worker that dies on the way.

use std::time::Duration;

use balance::{queue, worker};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::sets::Applying;
use crate::support::{Client, Desk, Path, TestApp};

#[tokio::test]
async fn a_worker_that_dies_loses_a_step_and_nothing_is_done_twice() {
    let app = TestApp::start().await;
    let mut desk = Desk::open(&app).await;
    for _ in 0..10 {
        desk.receive("COFFEE CORNER 12 UTRECHT", 100, "2026-01-10")
            .await;
        desk.file(&desk.expenses[1]).await;
    }
    let owner = &desk.owner;
    let (records, statement) = (owner.records().await, owner.statement().await);
    let simulated = desk
        .simulate(json!({ "knowledge": "NOW", "rules": [desk.rule("coffee", 3)] }))
        .await;
    let set = owner
        .apply(&simulated, json!({ "approved": "REFILE" }))
        .await;
    let id = set.text("changeSet.id");
    cut_off(&app, owner, &id).await;
    let set = owner.set(&id).await;
    assert_eq!(
        (&set["status"], &set["applied"]),
        (&json!("APPLIED"), &json!(1_001)),
        "{set:#}"
    );
    let items = owner.items(&id, Value::Null).await;
    let numbers: Vec<i64> = items.iter().map(|item| item.number("number")).collect();
    assert_eq!(numbers, (1..=1_001).collect::<Vec<i64>>());
    let filed = owner.records().await;
    assert!(
        filed
            .iter()
            .all(|record| record.text("category.id") == desk.expenses[3])
    );

    owner.undo(&id).await;
    cut_off(&app, owner, &id).await;
    let set = owner.set(&id).await;
    assert_eq!(
        (&set["status"], &set["undone"]),
        (&json!("UNDONE"), &json!(1_001)),
        "{set:#}"
    );
    assert_eq!(owner.records().await, records);
    assert_eq!(owner.statement().await, statement);
    app.finish().await;
}

/// A worker begins on a change set and is gone between two steps; another one comes after its lease.
async fn cut_off(app: &TestApp, owner: &Client, id: &str) {
    let inside = app.app();
    let working =
        tokio::spawn(async move { worker::drain_queue(&inside, queue::Queue::Changes).await });
    while owner.set(id).await.number("doneRecords") == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    working.abort();
    assert!(
        working.await.is_err(),
        "it was done before it could be cut off"
    );
    app.advance(TimeDelta::seconds(120));
    let db = &app.app().handles.db;
    queue::recover(db, "a survivor", app.clock.now())
        .await
        .unwrap();
    // nothing is due at once after a loss
    app.advance(TimeDelta::seconds(120));
    app.run_background_work().await;
}
