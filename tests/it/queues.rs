//! How background work stands: what waits, since when, how fast it goes, and whose it is.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Client, Path, TestApp};

const QUEUES: &str =
    "{ queues { name waiting oldestDueAt delayed failedBefore running dead perMinute } }";

async fn processing(client: &Client) -> Value {
    let all = client.run(QUEUES, json!({})).await.ok();
    let mut queues = all.list("queues").iter();
    let found = queues.find(|queue| queue["name"] == "records:process");
    found.expect("it is a queue").clone()
}

#[tokio::test]
async fn what_waits_is_told_to_its_tenant_with_its_age_and_its_pace() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.tenant("acme").await, app.tenant("globex").await);
    let (us, them) = (ours.owner(), theirs.owner());
    let account = us.make_account("Main").await;
    us.import_rows(&account, 0..3).await;
    app.advance(TimeDelta::minutes(2));
    let queue = processing(&us).await;
    assert_eq!(
        (&queue["waiting"], &queue["delayed"]),
        (&json!(3), &json!(0))
    );
    assert_eq!(
        queue["oldestDueAt"], "2026-03-02T09:00:00+00:00",
        "{queue:#}"
    );
    assert_eq!(queue["perMinute"], Value::Null);
    assert_eq!(processing(&them).await["waiting"], json!(0));

    app.run_background_work().await;
    app.advance(TimeDelta::minutes(1));
    let queue = processing(&us).await;
    assert_eq!(
        (&queue["waiting"], &queue["oldestDueAt"]),
        (&json!(0), &Value::Null)
    );
    assert_eq!(
        (&queue["dead"], &queue["perMinute"]),
        (&json!(0), &json!(3.0))
    );
    let viewer = ours.viewer().await;
    let refused = viewer.run(QUEUES, json!({})).await;
    assert_eq!(refused.error_code(), "FORBIDDEN");
    app.finish().await;
}
