//! Statements of real banks, through the front door. The files are kept outside the repository; `BALANCE_DATA` says
//! where.

use std::fs;
use std::path::Path as FilePath;

use serde_json::{Value, json};

use crate::support::{Client, Path, TestApp, data};

const UPLOAD: &str = "mutation($input: CreateUploadInput!) { createUpload(input: $input) {
    upload { fileId url } errors { field message code }
} }";
const IMPORT: &str = "mutation($input: ImportStatementInput!) { importStatement(input: $input) {
    import { id } errors { field message code }
} }";
const IMPORTED: &str = "query($id: ID!) { import(id: $id) {
    status totalRows newRows duplicateRows refusedRows error
} refusedRows(importId: $id, first: 100) { edges { node { line reason } } } }";

#[tokio::test]
async fn every_statement_is_imported_once_or_refused_with_a_reason() {
    let Some(folder) = data("imports") else {
        return;
    };
    let app = TestApp::start().await;
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with("csv--") || name.starts_with("ofx--")
        })
        .collect();
    files.sort();
    assert!(files.len() > 10, "the files were not found");
    let mut rows = 0;
    for (number, file) in files.iter().enumerate() {
        // books of its own, so that files do not know each other's rows
        let owner = app.tenant(&format!("tenant{number}")).await.owner();
        let account = owner.make_account("Main").await;
        let first = import(&app, &owner, &account, file).await;
        println!("{}: {first}", file.display());
        match first.text("status").as_str() {
            "DONE" => {
                let again = import(&app, &owner, &account, file).await;
                assert_eq!(again.number("newRows"), 0, "{}: {again}", file.display());
                assert_eq!(
                    again.number("duplicateRows"),
                    first.number("newRows") + first.number("duplicateRows")
                );
            }
            "FAILED" => assert!(first.text("error").len() > 10),
            other => panic!("{}: {other}", file.display()),
        }
        let refused = first.list("refused.edges").len() as i64;
        assert_eq!(refused, first.number("refusedRows").min(100));
        rows += first.number("newRows");
    }
    assert!(rows > 150, "only {rows} rows were imported");
    app.finish().await;
}

async fn import(app: &TestApp, owner: &Client, account: &str, file: &FilePath) -> Value {
    let name = file.file_name().unwrap().to_string_lossy();
    let input = json!({ "input": { "name": name } });
    let upload = owner.run(UPLOAD, input).await.ok();
    let url = upload.text("createUpload.upload.url");
    let path = &url[url.find("/api/").unwrap()..];
    assert_eq!(owner.put(path, fs::read(file).unwrap()).await.status, 201);
    let input = json!({ "input": {
        "fileId": upload.text("createUpload.upload.fileId"),
        "accountId": account, "skipBad": true, "defaultCurrency": "EUR",
    } });
    let answer = owner.run(IMPORT, input).await;
    if let Some(error) = answer.user_errors().first() {
        // refused before it was begun: a file that is no statement
        return json!({ "status": "FAILED", "error": error["message"], "refusedRows": 0, "newRows": 0,
                       "refused": { "edges": [] } });
    }
    let id = answer.ok().text("importStatement.import.id");
    app.run_background_work().await;
    let answer = owner.run(IMPORTED, json!({ "id": id })).await.ok();
    let mut import = answer["import"].clone();
    import["refused"] = answer["refusedRows"].clone();
    import
}
