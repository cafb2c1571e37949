//! The end of a tenant: nothing of it is left but a tombstone, and nothing of anybody else is touched.

use std::collections::BTreeMap;

use balance::db::catalogue;
use balance::{events, tenants};
use chrono::TimeDelta;
use entity::TenantId;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde_json::{Value, json};

use crate::support::{Client, Path, TestApp};
use crate::tenants::{act, done, refused, sign_in};

const REQUEST: &str =
    "mutation($input: RequestTenantDeletionInput!) { requestTenantDeletion(input: $input) {
    tenant { eraseAt } errors { field message code }
} }";
const CANCEL: &str =
    "mutation($input: CancelTenantDeletionInput!) { cancelTenantDeletion(input: $input) {
    tenant { eraseAt } errors { field message code }
} }";
const EXPORTS: &str =
    "{ tenantExports(first: 5) { edges { node { status expiresAt downloadUrl } } } }";

/// How many rows a tenant has, table by table.
async fn rows(app: &TestApp, tenant: TenantId) -> BTreeMap<String, i64> {
    let tx = app.app().handles.db.begin_read(Some(tenant)).await.unwrap();
    let mut rows = BTreeMap::new();
    for table in catalogue::tables(&tx).await.unwrap() {
        if table.tenanted {
            rows.insert(table.name.clone(), count(&tx, &table.name, tenant).await);
        }
    }
    rows
}

async fn count(tx: &DatabaseTransaction, table: &str, tenant: TenantId) -> i64 {
    let count = Query::select()
        .expr_as(Expr::cust("count(*)"), Alias::new("rows"))
        .from(Alias::new(table))
        .and_where(Expr::col("tenant_id").eq(tenant))
        .to_owned();
    let row = tx.query_one(&count).await.unwrap().unwrap();
    row.try_get("", "rows").unwrap()
}

/// One of nearly everything.
async fn fill(app: &TestApp, owner: &Client) {
    let account = owner.make_account("Main").await;
    owner.import_rows(&account, 0..30).await;
    let upload = "mutation { createUpload(input: { name: \"a.csv\" }) { upload { url } } }";
    let upload = owner.run(upload, json!({})).await.ok();
    let url = upload.text("createUpload.upload.url");
    owner
        .put(&url[url.find("/api/").unwrap()..], "date,amount\n")
        .await;
    let made = "mutation { createConnection(input: { name: \"Bank\" }) { connection { id } }
        createRule(input: { name: \"Rule\", conditions: { text: { op: CONTAINS, value: \"x\" } }, actions: { note: \"n\" } }) { errors { message } }
        generateReport(input: { from: \"2026-01-01\", to: \"2026-12-31\" }) { errors { message } } }";
    owner.run(made, json!({})).await.ok();
    app.run_background_work().await;
}

async fn events_of(who: &Client) -> Vec<String> {
    let log = who
        .run("{ eventFeed(first: 500) { events { kind } } }", json!({}))
        .await
        .ok();
    let events: Vec<Value> = log.list("eventFeed.events").clone();
    events.iter().map(|event| event.text("kind")).collect()
}

#[tokio::test]
async fn a_deletion_is_confirmed_exported_and_can_be_taken_back() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme").await;
    let owner = acme.owner();
    let wrong = refused(&owner, REQUEST, json!({ "tenantName": "globex" })).await;
    assert_eq!(wrong["field"], "tenantName");
    let admin = acme.join("ADMIN").await;
    let name = json!({ "tenantName": "acme" });
    assert_eq!(
        act(&admin, REQUEST, name.clone()).await.error_code(),
        "FORBIDDEN"
    );

    let asked = done(&owner, REQUEST, name.clone()).await;
    assert_eq!(
        asked.text("requestTenantDeletion.tenant.eraseAt"),
        "2026-03-16T09:00:00+00:00"
    );
    assert_eq!(refused(&owner, REQUEST, name).await["code"], "CONFLICT");
    app.run_background_work().await;
    let exports = owner.run(EXPORTS, json!({})).await.ok();
    let export = exports.path("tenantExports.edges[0].node");
    assert_eq!(export.text("status"), "READY");
    // the file is there until the last day
    assert_eq!(export.text("expiresAt"), "2026-03-16T09:00:00+00:00");
    assert!(export.path("downloadUrl").is_string());

    let this = json!({ "tenantId": acme.id });
    done(&owner, CANCEL, this.clone()).await;
    assert_eq!(refused(&owner, CANCEL, this).await["code"], "CONFLICT");
    app.advance(TimeDelta::days(30));
    assert_eq!(tenants::erase_due(&app.app().handles).await.unwrap(), 0);
    let owner = sign_in(&app, "owner@acme.example").await;
    let told = events_of(&owner).await;
    for kind in [
        "TENANT_DELETION_REQUESTED",
        "EXPORT_REQUESTED",
        "EXPORT_READY",
        "TENANT_DELETION_CANCELLED",
    ] {
        assert!(told.iter().any(|told| told == kind), "{kind} in {told:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn an_erased_tenant_leaves_a_tombstone_and_nothing_else() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.tenant("acme").await, app.tenant("globex").await);
    let handles = app.app().handles.clone();
    fill(&app, &acme.owner()).await;
    fill(&app, &globex.owner()).await;
    // somebody who belongs to both
    let both = acme.reviewer().await;
    let invite = "mutation($input: AddMemberInput!) { addMember(input: $input) { link errors { message } } }";
    let email = "reviewer1@acme.example";
    let invited = done(
        &globex.owner(),
        invite,
        json!({ "email": email, "role": "VIEWER" }),
    )
    .await;
    let link = invited.text("addMember.link");
    let join =
        "mutation($input: JoinTenantInput!) { joinTenant(input: $input) { errors { message } } }";
    done(
        &both,
        join,
        json!({ "token": link.split_once("token=").unwrap().1 }),
    )
    .await;

    let before = rows(&app, acme.local_id()).await;
    for table in [
        "record",
        "event",
        "decision",
        "approval",
        "category",
        "file",
        "session",
        "connection_key",
    ] {
        assert!(before[table] > 0, "{table} has rows to be erased");
    }
    let folder = balance::files::Store::of(&handles.config).folder(acme.local_id());
    assert!(folder.exists());
    done(&acme.owner(), REQUEST, json!({ "tenantName": "acme" })).await;
    app.advance(TimeDelta::days(14));
    // not before its export is there
    assert_eq!(tenants::erase_due(&handles).await.unwrap(), 0);
    app.run_background_work().await;
    let head = events::verify(&handles, acme.local_id())
        .await
        .unwrap()
        .head;
    let others = rows(&app, globex.local_id()).await;

    assert_eq!(tenants::erase_due(&handles).await.unwrap(), 1);
    for (table, rows) in rows(&app, acme.local_id()).await {
        assert_eq!(rows, 0, "{table} still has rows of it");
    }
    assert_eq!(
        rows(&app, globex.local_id()).await,
        others,
        "nobody else was touched"
    );
    assert!(!folder.exists(), "its files are gone");
    let erased = tenants::erased(&handles).await.unwrap();
    assert_eq!(erased.len(), 1);
    assert!(erased[0].is_whole);
    assert_eq!(erased[0].tombstone.sequence, head);
    // a second time is nothing
    assert_eq!(tenants::erase_due(&handles).await.unwrap(), 0);
    assert_eq!(tenants::erased(&handles).await.unwrap(), erased);

    // its people are out; who belonged nowhere else is forgotten, who did goes on there
    let body = |email: &str| json!({ "email": email, "password": crate::support::PASSWORD });
    let gone = app
        .anybody()
        .post("/api/v1/auth/sign-in", &body("owner@acme.example"))
        .await;
    assert_eq!(gone.status, 401);
    let person = sign_in(&app, email).await;
    let there = person
        .run("{ viewer { tenant { name } role } }", json!({}))
        .await
        .ok();
    assert_eq!(there.text("viewer.tenant.name"), "globex");
    assert!(
        events::verify(&handles, globex.local_id())
            .await
            .unwrap()
            .is_whole()
    );
    let verified = crate::support::Process::start(&app, &["verify"])
        .end()
        .await;
    assert!(verified.success(), "balance verify: {verified}");
    app.finish().await;
}

#[tokio::test]
async fn an_erasure_that_was_cut_goes_on_and_lets_nobody_in_meanwhile() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme").await;
    let handles = app.app().handles.clone();
    fill(&app, &acme.owner()).await;
    done(&acme.owner(), REQUEST, json!({ "tenantName": "acme" })).await;
    app.run_background_work().await;
    app.advance(TimeDelta::days(14));
    let owner = sign_in(&app, "owner@acme.example").await;
    // dropped at its first wait, as by a process that dies
    for patience in [1, 5, 20] {
        let erasing = tenants::erase_due(&handles);
        let cut = tokio::time::timeout(std::time::Duration::from_millis(patience), erasing).await;
        if cut.is_ok() {
            break;
        }
        app.advance(TimeDelta::minutes(5));
    }
    let look = owner.run("{ viewer { role } }", json!({})).await;
    assert_eq!(look.error_code(), "UNAUTHENTICATED", "{:#}", look.body);
    app.advance(TimeDelta::minutes(5));
    tenants::erase_due(&handles).await.unwrap();
    assert_eq!(tenants::erased(&handles).await.unwrap().len(), 1);
    assert!(
        rows(&app, acme.local_id())
            .await
            .values()
            .all(|rows| *rows == 0)
    );
    app.finish().await;
}
