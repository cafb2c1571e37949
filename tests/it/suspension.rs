//! A tenant on hold: who still enters, what is refused, and what waits.

use balance::ctx::Ctx;
use balance::integrations::webhook::sign;
use balance::tenants;
use serde_json::json;

use crate::support::{Client, Path, TestApp};
use crate::tenants::{act, done, refused};

const SUSPEND: &str = "mutation($input: SuspendTenantInput!) { suspendTenant(input: $input) {
    tenant { suspendedAt } errors { field message code }
} }";
const RESUME: &str = "mutation($input: ResumeTenantInput!) { resumeTenant(input: $input) {
    tenant { suspendedAt } errors { field message code }
} }";
const RECORDS: &str = "{ records(first: 1) { totalCount } }";

#[tokio::test]
async fn nobody_but_owners_enters_a_suspended_tenant() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme").await;
    let (owner, admin) = (acme.owner(), acme.join("ADMIN").await);
    let this = json!({ "tenantId": acme.id });
    assert_eq!(
        act(&admin, SUSPEND, this.clone()).await.error_code(),
        "FORBIDDEN"
    );
    done(&owner, SUSPEND, this.clone()).await;
    assert_eq!(
        refused(&owner, SUSPEND, this.clone()).await["code"],
        "CONFLICT"
    );

    for person in [&admin, &owner] {
        let answer = person.run(RECORDS, json!({})).await;
        assert_eq!(answer.error_code(), "FORBIDDEN");
        assert!(
            answer.body.to_string().contains("suspended"),
            "{:#}",
            answer.body
        );
    }
    // they still see where they stand, and may go elsewhere
    let mine = admin
        .run(
            "{ myTenants(first: 1) { edges { node { state { suspendedAt } } } } }",
            json!({}),
        )
        .await
        .ok();
    assert!(
        mine.path("myTenants.edges[0].node.state.suspendedAt")
            .is_string()
    );
    assert_eq!(
        act(&admin, RESUME, this.clone()).await.error_code(),
        "FORBIDDEN"
    );
    let exported = owner
        .run(
            "mutation { exportTenant { errors { message } } }",
            json!({}),
        )
        .await;
    exported.ok();
    app.run_background_work().await;

    done(&owner, RESUME, this.clone()).await;
    admin.run(RECORDS, json!({})).await.ok();
    assert_eq!(refused(&owner, RESUME, this).await["code"], "CONFLICT");
    app.finish().await;
}

#[tokio::test]
async fn what_the_operator_suspended_the_owner_does_not_resume() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme").await;
    let operator = Ctx::system(app.app().handles.clone(), acme.local_id());
    tenants::suspend(&operator).await.unwrap();
    let this = json!({ "tenantId": acme.id });
    let refusal = refused(&acme.owner(), RESUME, this).await;
    assert!(refusal.text("message").contains("whoever runs the server"));
    tenants::resume(&operator).await.unwrap();
    acme.owner().run(RECORDS, json!({})).await.ok();
    app.finish().await;
}

#[tokio::test]
async fn what_was_to_be_done_waits_and_what_comes_is_refused() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.tenant("acme").await, app.tenant("globex").await);
    let owner = acme.owner();
    let made =
        "mutation { createConnection(input: { name: \"Bank\" }) { connection { url } secret } }";
    let made = owner.run(made, json!({})).await.ok();
    let account = owner.make_account("Main").await;
    owner.import_rows(&account, 0..3).await;
    let upload = "mutation { createUpload(input: { name: \"a.csv\" }) { upload { url } } }";
    let upload = owner.run(upload, json!({})).await.ok();
    let upload = path_of(&upload.text("createUpload.upload.url"));
    let this = json!({ "tenantId": acme.id });
    done(&owner, SUSPEND, this.clone()).await;

    let delivered = deliver(&app, &owner, &made).await;
    assert_eq!(delivered.status, 403, "{}", delivered.text());
    assert_eq!(delivered.json().text("error.code"), "FORBIDDEN");
    assert!(delivered.text().contains("suspended"));
    let sent = app.anybody().put(&upload, "date,amount\n").await;
    assert_eq!(sent.status, 403, "{}", sent.text());

    // others go on
    let theirs = globex.owner();
    let account = theirs.make_account("Main").await;
    theirs.import_rows(&account, 0..2).await;
    assert_eq!(app.run_background_work().await, 2);
    done(&owner, RESUME, this).await;
    assert_eq!(app.run_background_work().await, 3);
    assert_eq!(deliver(&app, &owner, &made).await.status, 202);
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn whoever_names_no_tenant_does_not_land_in_a_suspended_one() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme").await;
    app.advance(chrono::TimeDelta::minutes(1));
    let create = "mutation($input: CreateTenantInput!) { createTenant(input: $input) { errors { message } } }";
    done(&acme.owner(), create, json!({ "tenantName": "Globex" })).await;
    done(&acme.owner(), SUSPEND, json!({ "tenantId": acme.id })).await;
    let person = crate::tenants::sign_in(&app, "owner@acme.example").await;
    let viewer = person
        .run("{ viewer { tenant { name } } }", json!({}))
        .await
        .ok();
    assert_eq!(viewer.text("viewer.tenant.name"), "Globex");
    app.finish().await;
}

async fn deliver(app: &TestApp, as_: &Client, made: &serde_json::Value) -> crate::support::Reply {
    let body = json!({ "type": "transactions", "data": [] }).to_string();
    let at = app.clock.now().timestamp();
    let secret = made.text("createConnection.secret");
    let signature = sign(&secret, "1", at, body.as_bytes()).unwrap();
    let path = path_of(&made.text("createConnection.connection.url"));
    let request = as_
        .request(reqwest::Method::POST, &path)
        .header("content-type", "application/json")
        .header("webhook-id", "1")
        .header("webhook-timestamp", at)
        .header("webhook-signature", signature);
    as_.send(request.body(body)).await
}

fn path_of(url: &str) -> String {
    url[url.find("/api/").unwrap()..].to_owned()
}

#[tokio::test]
async fn a_suspended_tenant_has_no_open_socket() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme").await;
    let viewer = acme.viewer().await;
    let feed = "subscription { eventFeed { event { kind } cursor } }";
    let feed = viewer.subscribe(feed, json!({})).await;
    let mut socket = feed.into_socket();
    done(&acme.owner(), SUSPEND, json!({ "tenantId": acme.id })).await;
    assert_eq!(socket.closed().await.0, 4403);
    app.finish().await;
}
