//! What a page at work hears: records decided, the queue moving, an import going on.

use serde_json::{Value, json};

use crate::support::{Client, Path, TestApp};

const PROCESSED: &str =
    "subscription { recordProcessed { cursor source record { id status } category { code } } }";
const QUEUE: &str = "subscription($after: String) {
    approvalEvents(after: $after) { cursor kind approval { id status } record { id } }
}";
const PROGRESS: &str = "subscription($id: ID!) {
    importProgress(id: $id) { cursor finished progress { total stored processed } import { id status } }
}";
const STATEMENT: &str = "Date,Description,Amount\n2026-01-05,Coffee,-3.50\n2026-01-06,Rent,-900.00\n2026-01-07,Fee,12.00\n";

async fn account(owner: &Client) -> String {
    let document = "mutation($input: CreateAccountInput!) {
        createAccount(input: $input) { account { id } errors { field message } }
    }";
    let input = json!({ "name": "Main", "currency": "EUR" });
    let made = owner.run(document, json!({ "input": input })).await.ok();
    made.text("createAccount.account.id")
}

/// Sends a statement; the id of its import, which waits for a worker.
async fn import(owner: &Client, account: &str) -> String {
    let document = "mutation($input: CreateUploadInput!) {
        createUpload(input: $input) { upload { fileId url } errors { field message } }
    }";
    let upload = owner
        .run(document, json!({ "input": { "name": "january.csv" } }))
        .await
        .ok();
    let url = upload.text("createUpload.upload.url");
    let path = &url[url.find("/api/").expect("the link leads to the edge")..];
    assert!(owner.put(path, STATEMENT).await.status < 300);
    let document = "mutation($input: ImportStatementInput!) {
        importStatement(input: $input) { import { id } errors { field message } }
    }";
    let file = upload.text("createUpload.upload.fileId");
    let input = json!({ "fileId": file, "accountId": account, "defaultCurrency": "EUR" });
    let started = owner.run(document, json!({ "input": input })).await.ok();
    started.text("importStatement.import.id")
}

#[tokio::test]
async fn an_import_is_heard_from_the_file_to_the_queue() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let account = account(&owner).await;
    let id = import(&owner, &account).await;
    let mut progress = owner.subscribe(PROGRESS, json!({ "id": id })).await;
    let mut processed = owner.subscribe(PROCESSED, Value::Null).await;
    let mut queue = owner.subscribe(QUEUE, Value::Null).await;
    let first = progress.next().await;
    assert_eq!(first.text("importProgress.import.status"), "QUEUED");
    assert_eq!(first.path("importProgress.finished"), &Value::Bool(false));

    app.run_background_work().await;
    for _ in 0..3 {
        let heard = processed.next().await;
        assert_eq!(heard.text("recordProcessed.record.status"), "PROCESSED");
    }
    let opened = queue.next().await;
    assert_eq!(opened.text("approvalEvents.kind"), "OPENED");
    assert_eq!(opened.text("approvalEvents.approval.status"), "PENDING");
    let last = progress.last("importProgress").await;
    let expected = json!({ "total": 3, "stored": 3, "processed": 3 });
    assert_eq!(last.path("importProgress.progress"), &expected);

    // a reviewer decides, and a page that was away hears of it
    let document = "mutation($input: RejectRecordInput!) { rejectRecord(input: $input) { errors { field message } } }";
    let approval = opened.text("approvalEvents.approval.id");
    owner
        .run(document, json!({ "input": { "approvalId": approval } }))
        .await
        .ok();
    let after = json!({ "after": opened.text("approvalEvents.cursor") });
    let mut resumed = owner.subscribe(QUEUE, after).await;
    let kinds = [
        resumed.next().await,
        resumed.next().await,
        resumed.next().await,
    ];
    let kinds = kinds.map(|heard| heard.text("approvalEvents.kind"));
    assert_eq!(kinds, ["OPENED", "OPENED", "REJECTED"]);
    app.finish().await;
}

#[tokio::test]
async fn a_queue_is_followed_from_where_it_was_read() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let account = account(&owner).await;
    import(&owner, &account).await;
    app.run_background_work().await;
    let document =
        "{ approvals(first: 10, filter: { status: [PENDING] }) { edges { node { id } } asOf } }";
    let read = owner.run(document, Value::Null).await.ok();
    assert_eq!(read.list("approvals.edges").len(), 3);
    let known = read.list("approvals.edges")[0].text("node.id");

    // decided after the queue was read, and before anybody follows it
    let document = "mutation($input: RejectRecordInput!) { rejectRecord(input: $input) { errors { field message } } }";
    let input = json!({ "input": { "approvalId": known } });
    owner.run(document, input).await.ok();
    let after = json!({ "after": read.text("approvals.asOf") });
    let mut queue = owner.subscribe(QUEUE, after).await;
    let heard = queue.next().await;
    assert_eq!(heard.text("approvalEvents.kind"), "REJECTED");
    assert_eq!(heard.text("approvalEvents.approval.id"), known);
    app.finish().await;
}
