//! Everything of a tenant as one file: what is in it, what is not, and who gets it.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use balance::db::catalogue;
use balance::tenants::export::{KEPT_BACK, TABLES};
use serde_json::{Value, json};
use zip::ZipArchive;

use crate::support::{Client, Path, TestApp, nowhere};

const EXPORT: &str =
    "mutation { exportTenant { export { id status } errors { field message code } } }";
const LOOK: &str = "query($id: ID!) { tenantExport(id: $id) {
    status rowsDone rowsTotal sizeBytes sha256 expiresAt downloadUrl
} }";

/// The files in an export, by name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Makes an export and downloads it.
pub(crate) async fn export(app: &TestApp, owner: &Client) -> Files {
    let asked = owner.run(EXPORT, json!({})).await.ok();
    app.run_background_work().await;
    let look = json!({ "id": asked.text("exportTenant.export.id") });
    let ready = owner.run(LOOK, look).await.ok();
    assert_eq!(ready.text("tenantExport.status"), "READY", "{ready}");
    download(app, &ready.text("tenantExport.downloadUrl")).await
}

async fn download(app: &TestApp, url: &str) -> Files {
    let reply = app.anybody().get(&path_of(url)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), "application/zip");
    let mut zip = ZipArchive::new(Cursor::new(reply.body)).unwrap();
    let mut files = Files::new();
    for index in 0..zip.len() {
        let mut file = zip.by_index(index).unwrap();
        let (name, mut bytes) = (file.name().unwrap().into_owned(), Vec::new());
        file.read_to_end(&mut bytes).unwrap();
        files.insert(name, bytes);
    }
    files
}

fn lines(files: &Files, name: &str) -> Vec<Value> {
    let text = String::from_utf8(files[name].clone()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn path_of(url: &str) -> String {
    url[url.find("/api/").unwrap()..].to_owned()
}

#[tokio::test]
async fn an_export_holds_the_whole_tenant_and_nothing_of_another() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.tenant("acme").await, app.tenant("globex").await);
    let owner = acme.owner();
    acme.viewer().await;
    // more rows than one portion
    for (tenant, rows) in [(&owner, 1_200), (&globex.owner(), 7)] {
        let account = tenant.make_account("Main").await;
        for from in (0..rows).step_by(1_000) {
            tenant
                .import_rows(&account, from..rows.min(from + 1_000))
                .await;
        }
    }
    let upload = "mutation { createUpload(input: { name: \"march.csv\" }) { upload { url } } }";
    let upload = owner.run(upload, json!({})).await.ok();
    let sent = owner
        .put(
            &path_of(&upload.text("createUpload.upload.url")),
            "the bytes of march",
        )
        .await;
    let sha256 = sent.json().text("data.sha256");
    let made = "mutation { createConnection(input: { name: \"Bank\" }) { secret } }";
    let made = owner.run(made, json!({})).await.ok();
    app.run_background_work().await;

    let files = export(&app, &owner).await;
    let records = lines(&files, "records.ndjson");
    assert_eq!(records.len(), 1_200);
    let mut ids: Vec<_> = records.iter().map(|record| record.text("id")).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1_200, "each once");
    assert_eq!(records[0].text("amount"), "-1.50");
    assert_eq!(lines(&files, "decisions.ndjson").len(), 1_200);
    assert_eq!(lines(&files, "members.ndjson").len(), 2);
    assert_eq!(files[&format!("uploads/{sha256}")], b"the bytes of march");
    let events = lines(&files, "events.ndjson");
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.number("sequence"), index as i64 + 1);
    }
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    assert_eq!(manifest.text("tenant.name"), "acme");
    assert_eq!(manifest["rows"]["records.ndjson"], 1_200);
    // what it names is there, and the other way round
    for (_, file) in TABLES {
        assert_eq!(manifest["rows"][*file], lines(&files, file).len(), "{file}");
    }

    // no secret, and nothing of anybody else
    let secret = made.text("createConnection.secret");
    for (name, bytes) in &files {
        let text = String::from_utf8_lossy(bytes);
        for word in ["globex", &secret, "token", "password"] {
            assert!(!text.contains(word), "{name} holds {word}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn every_table_of_a_tenant_is_exported_or_kept_back_for_a_reason() {
    let app = TestApp::start().await;
    let read = app.app().handles.db.begin_read(None).await.unwrap();
    let tables = catalogue::tables(&read).await.unwrap();
    let listed: Vec<&str> = TABLES
        .iter()
        .chain(KEPT_BACK)
        .map(|(name, _)| *name)
        .collect();
    for table in &tables {
        let times = listed.iter().filter(|name| **name == table.name).count();
        assert_eq!(
            times,
            usize::from(table.tenanted),
            "{}: a table of a tenant is in TABLES or in KEPT_BACK of src/tenants/export/contents.rs",
            table.name
        );
    }
    for name in listed {
        assert!(
            tables.iter().any(|table| table.name == name),
            "{name} is no table"
        );
    }
    drop(read);
    app.finish().await;
}

#[tokio::test]
async fn a_link_opens_one_export_for_a_while() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme").await;
    let owner = acme.owner();
    let asked = owner.run(EXPORT, json!({})).await.ok();
    assert_eq!(asked.text("exportTenant.export.status"), "QUEUED");
    let again = owner.run(EXPORT, json!({})).await;
    assert_eq!(again.user_errors()[0]["code"], "CONFLICT");
    let look = json!({ "id": asked.text("exportTenant.export.id") });
    let waiting = owner.run(LOOK, look.clone()).await.ok();
    assert!(waiting.path("tenantExport.downloadUrl").is_null());
    app.run_background_work().await;

    let ready = owner.run(LOOK, look.clone()).await.ok();
    let export = ready.path("tenantExport");
    assert_eq!(export.number("rowsDone"), export.number("rowsTotal"));
    let path = path_of(&export.text("downloadUrl"));
    let bytes = app.anybody().get(&path).await;
    assert_eq!(bytes.body.len() as i64, export.number("sizeBytes"));
    let mut forged = path.clone();
    forged.replace_range(
        path.len() - 1..,
        if path.ends_with('A') { "B" } else { "A" },
    );
    // an upload link is signed with another key
    let upload = "mutation { createUpload(input: { name: \"a.csv\" }) { upload { url } } }";
    let upload = owner.run(upload, json!({})).await.ok();
    let upload = upload
        .text("createUpload.upload.url")
        .replace("uploads", "exports/tenants");
    for wrong in [&forged, &path_of(&upload)] {
        assert_eq!(app.anybody().get(wrong).await.status, 401, "{wrong}");
    }
    let stranger = app.tenant("globex").await.owner();
    for id in [
        look["id"].as_str().unwrap().to_owned(),
        nowhere("TenantExport"),
    ] {
        let found = stranger.run(LOOK, json!({ "id": id })).await;
        assert_eq!(found.error_code(), "NOT_FOUND");
    }
    let admin = acme.join("ADMIN").await;
    assert_eq!(admin.run(EXPORT, json!({})).await.error_code(), "FORBIDDEN");

    app.advance(chrono::TimeDelta::minutes(15));
    assert_eq!(app.anybody().get(&path).await.status, 401);
    // after a week its file goes
    app.advance(chrono::TimeDelta::days(7));
    let owner = crate::tenants::sign_in(&app, "owner@acme.example").await;
    let over = owner.run(LOOK, look).await.ok();
    assert!(over.path("tenantExport.downloadUrl").is_null());
    let handles = &app.app().handles;
    assert_eq!(balance::tenants::prune_exports(handles).await.unwrap(), 1);
    assert_eq!(balance::tenants::prune_exports(handles).await.unwrap(), 0);
    app.finish().await;
}
