//! The pipeline when something goes wrong: a poisonous record costs only itself, and can be driven again.

use balance::events;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Client, Path, TestApp, cure, poison};

const RECORDS: &str = "query($filter: RecordFilter) { records(filter: $filter, first: 50) {
    totalCount edges { node { id status error description } } } }";

async fn import(owner: &Client, texts: &[&str]) {
    let made = owner
        .run(
            "mutation { createAccount(input: { name: \"Main\" }) { account { id } errors { message } } }",
            json!({}),
        )
        .await
        .ok();
    let row = |text: &&str| {
        json!({ "externalId": text, "occurredOn": "2026-03-01", "amount": "-12.50", "currency": "EUR",
                "description": text })
    };
    let rows: Vec<Value> = texts.iter().map(row).collect();
    let input =
        json!({ "input": { "accountId": made.text("createAccount.account.id"), "rows": rows } });
    let document = "mutation($input: ImportRecordsInput!) { importRecords(input: $input) {
        rows { status } errors { message } } }";
    let stored = owner.run(document, input).await.ok();
    assert_eq!(stored.list("importRecords.rows").len(), texts.len());
}

async fn in_status(owner: &Client, status: &str) -> Vec<Value> {
    let filter = json!({ "filter": { "status": [status] } });
    let found = owner.run(RECORDS, filter).await.ok();
    let edges = found.list("records.edges").iter();
    edges.map(|edge| edge["node"].clone()).collect()
}

#[tokio::test]
async fn a_poisonous_record_costs_only_itself_and_can_be_driven_again() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    import(&owner, &["one", "two", "poisonous", "four"]).await;
    let received = in_status(&owner, "RECEIVED").await;
    let victim = received
        .iter()
        .find(|record| record["description"] == "poisonous");
    let victim = victim.unwrap().text("id");
    poison(&app, &tenant, &victim).await;

    // each attempt waits longer than the one before; the last one gives up
    for _ in 0..3 {
        app.run_background_work().await;
        assert_eq!(in_status(&owner, "PROCESSED").await.len(), 3);
        app.advance(TimeDelta::seconds(30));
    }
    let failed = in_status(&owner, "FAILED").await;
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].text("id"), victim);
    assert!(!failed[0].text("error").is_empty());

    cure(&app, &tenant).await;
    let document = "mutation { retryFailedRecords(input: {}) { recordIds errors { message } } }";
    let driven = owner.run(document, json!({})).await.ok();
    assert_eq!(driven["retryFailedRecords"]["recordIds"], json!([victim]));
    app.run_background_work().await;
    assert_eq!(in_status(&owner, "PROCESSED").await.len(), 4);

    let feed = "{ eventFeed(after: \"START\", kinds: [\"PROCESSED\", \"PROCESSING_FAILED\", \"PROCESSING_RETRIED\"], first: 50) {
        events { kind subject { id } } } }";
    let feed = owner.run(feed, json!({})).await.ok();
    let of_victim: Vec<_> = feed
        .list("eventFeed.events")
        .iter()
        .filter(|event| event.text("subject.id") == victim)
        .map(|event| event.text("kind"))
        .collect();
    assert_eq!(
        of_victim,
        ["PROCESSING_FAILED", "PROCESSING_RETRIED", "PROCESSED"]
    );
    let verdict = events::verify(&app.app().handles, tenant.local_id()).await;
    assert!(verdict.unwrap().is_whole());
    app.finish().await;
}
