//! Statement files become records: once each, whole or not at all, and can be taken back.

use serde_json::{Value, json};

use crate::support::{Client, Path, TestApp};

const CREATE_UPLOAD: &str = "mutation($input: CreateUploadInput!) {
    createUpload(input: $input) { upload { fileId url } errors { field message } }
}";
const IMPORT: &str = "mutation($input: ImportStatementInput!) {
    importStatement(input: $input) { import { id status } errors { field message } }
}";
const LOOK: &str = "query($id: ID!) {
    import(id: $id) {
        status format totalRows newRows duplicateRows refusedRows error
        progress { total stored processed failed }
    }
    refusedRows(importId: $id, first: 10) { totalCount edges { node { line field } } }
}";
const PREVIEW: &str = "mutation($input: PreviewStatementInput!) {
    previewStatement(input: $input) {
        preview { format mapping columns newRows duplicateRows refusedRows rows { description } }
        errors { field message }
    }
}";
const VOID: &str = "mutation($input: VoidImportInput!) {
    voidImport(input: $input) { import { status } errors { code message } }
}";
const COUNT: &str = "{ records(first: 1) { totalCount } }";

/// The lines of a statement, each of another day or payee.
fn statement(rows: std::ops::Range<usize>) -> String {
    let mut csv = "Date,Description,Amount\n".to_owned();
    for row in rows {
        let day = row % 28 + 1;
        csv += &format!("2026-01-{day:02},Shop {row},-{row}.50\n");
    }
    csv
}

pub async fn account(client: &Client, name: &str) -> String {
    let made = client
        .run(
            "mutation($input: CreateAccountInput!) {
                createAccount(input: $input) { account { id } errors { message } }
            }",
            json!({ "input": { "name": name, "currency": "EUR" } }),
        )
        .await;
    made.ok().text("createAccount.account.id")
}

/// Makes a link and sends a file to it; the file and the path of the link.
async fn upload(client: &Client, name: &str, bytes: &str) -> (String, String) {
    let made = client
        .run(CREATE_UPLOAD, json!({ "input": { "name": name } }))
        .await
        .ok();
    let url = made.text("createUpload.upload.url");
    let path = url[url.find("/api/").expect("it is on the REST edge")..].to_owned();
    let sent = client.put(&path, bytes.to_owned()).await;
    assert_eq!(sent.status, 201, "{}", sent.text());
    (made.text("createUpload.upload.fileId"), path)
}

/// Imports a file and waits for it; what became of it.
async fn import(app: &TestApp, client: &Client, input: Value) -> (String, Value) {
    let queued = client.run(IMPORT, json!({ "input": input })).await.ok();
    assert_eq!(queued.text("importStatement.import.status"), "QUEUED");
    let id = queued.text("importStatement.import.id");
    app.run_background_work().await;
    let seen = client.run(LOOK, json!({ "id": id })).await.ok();
    (id, seen)
}

async fn count(client: &Client) -> i64 {
    let counted = client.run(COUNT, json!({})).await.ok();
    counted.number("records.totalCount")
}

#[tokio::test]
async fn a_statement_is_stored_in_steps_and_overlapping_files_meet() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let account = account(&owner, "Main").await;

    let (file, _) = upload(&owner, "a.csv", &statement(0..1_500)).await;
    let (_, seen) = import(
        &app,
        &owner,
        json!({ "fileId": file, "accountId": account }),
    )
    .await;
    assert_eq!(seen.text("import.status"), "DONE");
    assert_eq!(seen.number("import.newRows"), 1_500);
    assert_eq!(
        *seen.path("import.progress"),
        json!({ "total": 1_500, "stored": 1_500, "processed": 1_500, "failed": 0 })
    );

    let (file, _) = upload(&owner, "b.csv", &statement(1_400..1_600)).await;
    let input = json!({ "fileId": file, "accountId": account });
    let looked = owner.run(PREVIEW, json!({ "input": input })).await.ok();
    let preview = looked.path("previewStatement.preview");
    assert_eq!(preview.number("newRows"), 100);
    assert_eq!(preview.number("duplicateRows"), 100);
    let (_, seen) = import(&app, &owner, input).await;
    assert_eq!(seen.number("import.newRows"), 100);
    assert_eq!(seen.number("import.duplicateRows"), 100);
    assert_eq!(count(&owner).await, 1_600);
    app.finish().await;
}

#[tokio::test]
async fn a_file_with_a_bad_row_is_refused_whole_unless_bad_rows_are_left_out() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let account = account(&owner, "Main").await;
    let csv = "Date,Description,Amount\n2026-01-01,Good,1.00\n2026-01-02,Bad,1.2.3\n2026-01-03,Fine,2.00\n";
    let (file, _) = upload(&owner, "a.csv", csv).await;
    let mapping = json!({
        "delimiter": ",", "hasHeader": true, "date": "Date", "dateFormat": "%Y-%m-%d",
        "description": ["Description"], "amount": { "kind": "signed", "column": "Amount" },
    });
    let mut input = json!({ "fileId": file, "accountId": account, "mapping": mapping });

    let (_, seen) = import(&app, &owner, input.clone()).await;
    assert_eq!(seen.text("import.status"), "REFUSED");
    assert!(seen.text("import.error").contains("line 3"), "{seen}");
    assert_eq!(seen.number("refusedRows.edges[0].node.line"), 3);
    assert_eq!(count(&owner).await, 0);

    input["skipBad"] = json!(true);
    let (_, seen) = import(&app, &owner, input).await;
    assert_eq!(seen.text("import.status"), "DONE");
    assert_eq!(seen.number("import.newRows"), 2);
    assert_eq!(seen.number("refusedRows.totalCount"), 1);
    assert_eq!(count(&owner).await, 2);
    app.finish().await;
}

#[tokio::test]
async fn an_import_is_taken_back_and_its_rows_may_come_again() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let account = account(&owner, "Main").await;
    let (file, _) = upload(&owner, "a.csv", &statement(0..30)).await;
    let input = json!({ "fileId": file, "accountId": account });
    let (first, _) = import(&app, &owner, input.clone()).await;

    let preview = owner
        .run(
            "query($id: ID!) { voidPreview(importId: $id) { records approved } }",
            json!({ "id": first }),
        )
        .await
        .ok();
    assert_eq!(
        *preview.path("voidPreview"),
        json!({ "records": 30, "approved": 0 })
    );
    let void = json!({ "input": { "importId": first } });
    let voided = owner.run(VOID, void.clone()).await.ok();
    assert_eq!(voided.text("voidImport.import.status"), "VOIDED");
    assert_eq!(count(&owner).await, 0);
    let again = owner.run(VOID, void).await;
    assert_eq!(again.user_errors()[0].text("code"), "CONFLICT");

    let (_, seen) = import(&app, &owner, input).await;
    assert_eq!(seen.number("import.newRows"), 30);
    assert_eq!(count(&owner).await, 30);
    app.finish().await;
}

#[tokio::test]
async fn a_link_takes_the_same_bytes_again_and_no_others() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let anybody = app.anybody();
    let (_, path) = upload(&owner, "a.csv", "Date,Amount\n").await;
    assert_eq!(anybody.put(&path, "Date,Amount\n").await.status, 201);
    assert_eq!(anybody.put(&path, "Date,Other\n").await.status, 409);
    let forged = format!("{}A", &path[..path.len() - 1]);
    let forged = if forged == path {
        format!("{path}A")
    } else {
        forged
    };
    assert_eq!(anybody.put(&forged, "x").await.status, 401);
    app.advance(chrono::TimeDelta::minutes(16));
    assert_eq!(anybody.put(&path, "Date,Amount\n").await.status, 401);
    app.finish().await;
}
