//! API keys: what they open, for how long, and who may make them.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Path, Tenant, TestApp};

const ACCOUNT: &str = "mutation($input: CreateServiceAccountInput!) {
    createServiceAccount(input: $input) { serviceAccount { id permissions } errors { field message code } }
}";
const KEY: &str = "mutation($input: CreateApiKeyInput!) {
    createApiKey(input: $input) { apiKey { id prefix status } key errors { field message code } }
}";
const ROTATE: &str = "mutation($input: RotateApiKeyInput!) {
    rotateApiKey(input: $input) {
        apiKey { id scopes expiresAt } key replaced { status expiresAt replacedById } errors { field message code }
    }
}";
const REVOKE: &str = "mutation($id: ID!) {
    revokeApiKey(input: { apiKeyId: $id }) { apiKey { status } errors { message } }
}";
const LIST: &str = "{ serviceAccounts(first: 10) { totalCount edges { node {
    id name keys { id name status lastUsedAt scopes serviceAccountId }
} } } }";
const CATEGORIES: &str = "{ categories { id } }";
const RULES: &str = "{ rules { id } }";

/// A service account with these permissions.
async fn account(owner: &Client, permissions: &[&str]) -> String {
    let input = json!({ "name": "Partner", "permissions": permissions });
    let made = owner.run(ACCOUNT, json!({ "input": input })).await.ok();
    made.text("createServiceAccount.serviceAccount.id")
}

/// A key of an account: its id, and somebody who shows it.
async fn key(owner: &Client, account: &str, more: Value) -> (String, Client) {
    let mut input = json!({ "serviceAccountId": account, "name": "Sync" });
    input
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let made = owner.run(KEY, json!({ "input": input })).await.ok();
    let text = made.text("createApiKey.key");
    assert!(text.starts_with(&made.text("createApiKey.apiKey.prefix")));
    (made.text("createApiKey.apiKey.id"), owner.with_token(&text))
}

async fn refused(answer: Answer) -> (String, String) {
    let errors = answer.user_errors();
    let error = errors
        .first()
        .unwrap_or_else(|| panic!("it was done: {:#}", answer.body));
    (
        error.text("code"),
        error["field"].as_str().unwrap_or_default().to_owned(),
    )
}

#[tokio::test]
async fn a_key_opens_what_its_scopes_name_on_every_edge() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let partner = account(&owner, &["accounts:read", "events:read", "records:import"]).await;
    let (_, whole) = key(&owner, &partner, json!({})).await;
    let (_, narrow) = key(&owner, &partner, json!({ "scopes": ["events:read"] })).await;

    whole.run(CATEGORIES, json!({})).await.ok();
    assert_eq!(whole.run(RULES, json!({})).await.error_code(), "FORBIDDEN");
    assert_eq!(
        narrow.run(CATEGORIES, json!({})).await.error_code(),
        "FORBIDDEN"
    );
    assert_eq!(narrow.get("/api/v1/events").await.status, 200);
    assert_eq!(narrow.get("/api/v1/exports/records.csv").await.status, 403);
    let feed = "subscription { eventFeed(kinds: [\"INGESTED\"]) { event { kind actor } } }";
    let mut heard = narrow.subscribe(feed, json!({})).await;

    // what it does is its doing, under the name it gives itself
    let request = whole.request(reqwest::Method::POST, "/graphql");
    let row = json!({ "externalId": "1", "occurredOn": "2026-03-01", "amount": "-5", "currency": "EUR", "description": "Tea" });
    let import = "mutation($input: ImportRecordsInput!) { importRecords(input: $input) { errors { message } } }";
    let input = json!({ "accountId": owner.make_account("Main").await, "rows": [row] });
    let request = request
        .header("x-source-agent", "sync/1.0")
        .json(&json!({ "query": import, "variables": { "input": input } }));
    let done = Answer::of(&whole.send(request).await);
    done.ok();
    let told = heard.next().await;
    assert_eq!(told.text("eventFeed.event.kind"), "INGESTED");
    assert!(told.text("eventFeed.event.actor").starts_with("service:"));
    let log = narrow.get("/api/v1/events?kinds=INGESTED").await.json();
    assert_eq!(log.text("data.events[0].sourceAgent"), "sync/1.0");
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn only_people_do_what_is_for_people() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    for (permission, field) in [
        ("members:manage", "permissions"),
        ("keys:manage", "permissions"),
        ("tenant:manage", "permissions"),
        ("records:everything", "permissions"),
    ] {
        let input = json!({ "name": "Partner", "permissions": [permission] });
        let answer = owner.run(ACCOUNT, json!({ "input": input })).await;
        assert_eq!(
            refused(answer).await,
            ("BAD_USER_INPUT".into(), field.into()),
            "{permission}"
        );
    }
    let partner = account(&owner, &["records:read"]).await;
    let scopes = json!({ "serviceAccountId": partner, "name": "Sync", "scopes": ["rules:read"] });
    let answer = owner.run(KEY, json!({ "input": scopes })).await;
    assert_eq!(
        refused(answer).await,
        ("BAD_USER_INPUT".into(), "scopes".into())
    );

    let (id, key) = key(&owner, &partner, json!({})).await;
    for (document, variables) in [
        ("{ viewer { user { id } } }", json!({})),
        (LIST, json!({})),
        (REVOKE, json!({ "id": id })),
        (
            "mutation { addMember(input: { email: \"x@y.example\", role: VIEWER }) { errors { message } } }",
            json!({}),
        ),
    ] {
        assert_eq!(
            key.run(document, variables).await.error_code(),
            "FORBIDDEN",
            "{document}"
        );
    }
    // nor do people without the permission
    let reviewer = tenant.reviewer().await;
    assert_eq!(
        reviewer.run(LIST, json!({})).await.error_code(),
        "FORBIDDEN"
    );
    app.finish().await;
}

#[tokio::test]
async fn nobody_makes_a_key_that_can_do_more_than_they() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let admin = tenant.join("ADMIN").await;
    let partner = account(&admin, &["records:read"]).await;
    // an admin holds everything but the tenant itself, which no program may hold: what they give, they hold
    let (_, key) = key(&admin, &partner, json!({})).await;
    key.run("{ records(first: 1) { totalCount } }", json!({}))
        .await
        .ok();

    let update = "mutation($input: UpdateServiceAccountInput!) {
        updateServiceAccount(input: $input) { serviceAccount { name permissions } errors { message } }
    }";
    let input =
        json!({ "serviceAccountId": partner, "permissions": ["accounts:read"], "name": "Reader" });
    let changed = owner.run(update, json!({ "input": input })).await.ok();
    assert_eq!(
        changed.path("updateServiceAccount.serviceAccount.permissions"),
        &json!(["accounts:read"])
    );
    key.run(CATEGORIES, json!({})).await.ok();
    let records = key
        .run("{ records(first: 1) { totalCount } }", json!({}))
        .await;
    assert_eq!(records.error_code(), "FORBIDDEN");
    app.finish().await;
}

#[tokio::test]
async fn two_keys_are_alive_while_one_replaces_the_other() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let partner = account(&owner, &["accounts:read"]).await;
    let year = app.clock.now() + TimeDelta::days(365);
    let (id, old) = key(
        &owner,
        &partner,
        json!({ "scopes": ["accounts:read"], "expiresAt": year }),
    )
    .await;
    app.advance(TimeDelta::days(300));

    let again = account_token(&app, &owner).await;
    let input = json!({ "apiKeyId": id, "overlapHours": 2 });
    let rotated = again.run(ROTATE, json!({ "input": input })).await.ok();
    let new = owner.with_token(&rotated.text("rotateApiKey.key"));
    assert_eq!(
        rotated.path("rotateApiKey.apiKey.scopes"),
        &json!(["accounts:read"])
    );
    assert_eq!(rotated.text("rotateApiKey.replaced.status"), "ACTIVE");
    let ends = rotated.text("rotateApiKey.apiKey.expiresAt");
    let ends: chrono::DateTime<chrono::Utc> = ends.parse().unwrap();
    assert_eq!(
        ends,
        app.clock.now() + TimeDelta::days(365),
        "as long as the one before"
    );

    // it is replaced once
    let answer = again
        .run(ROTATE, json!({ "input": { "apiKeyId": id } }))
        .await;
    assert_eq!(refused(answer).await.0, "CONFLICT");
    for hours in [0, 1] {
        app.advance(TimeDelta::hours(hours));
        old.run(CATEGORIES, json!({})).await.ok();
        new.run(CATEGORIES, json!({})).await.ok();
    }
    app.advance(TimeDelta::hours(1));
    assert_eq!(
        old.run(CATEGORIES, json!({})).await.error_code(),
        "UNAUTHENTICATED"
    );
    new.run(CATEGORIES, json!({})).await.ok();
    app.advance(TimeDelta::days(365));
    assert_eq!(
        new.run(CATEGORIES, json!({})).await.error_code(),
        "UNAUTHENTICATED"
    );
    app.finish().await;
}

/// The owner again, after their token has run out.
async fn account_token(app: &TestApp, owner: &Client) -> Client {
    let input =
        json!({ "email": "owner@acme.example", "password": "correct horse battery staple" });
    let answer = owner.post("/api/v1/auth/sign-in", &input).await.json();
    app.anybody().with_token(&answer.text("data.accessToken"))
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once_and_elsewhere_within_a_second() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let partner = account(&owner, &["accounts:read", "events:read"]).await;
    let (id, first) = key(&owner, &partner, json!({})).await;
    let (_, second) = key(&owner, &partner, json!({})).await;
    first.run(CATEGORIES, json!({})).await.ok();
    second.run(CATEGORIES, json!({})).await.ok();
    let other = app
        .another_node()
        .await
        .with_token(first.token.as_deref().unwrap());
    other.run(CATEGORIES, json!({})).await.ok();

    for _ in 0..2 {
        let revoked = owner.run(REVOKE, json!({ "id": id })).await.ok();
        assert_eq!(revoked.text("revokeApiKey.apiKey.status"), "REVOKED");
    }
    assert_eq!(
        first.run(CATEGORIES, json!({})).await.error_code(),
        "UNAUTHENTICATED"
    );
    second.run(CATEGORIES, json!({})).await.ok();
    // what another node remembers is over within a second
    app.advance(TimeDelta::seconds(1));
    assert_eq!(
        other.run(CATEGORIES, json!({})).await.error_code(),
        "UNAUTHENTICATED"
    );

    let archive = "mutation($id: ID!) { archiveServiceAccount(input: { serviceAccountId: $id }) {
        serviceAccount { archivedAt } errors { message }
    } }";
    owner.run(archive, json!({ "id": partner })).await.ok();
    assert_eq!(
        second.run(CATEGORIES, json!({})).await.error_code(),
        "UNAUTHENTICATED"
    );
    let listed = owner.run(LIST, json!({})).await.ok();
    assert_eq!(listed.number("serviceAccounts.totalCount"), 0);
    let answer = owner
        .run(
            KEY,
            json!({ "input": { "serviceAccountId": partner, "name": "x" } }),
        )
        .await;
    assert_eq!(refused(answer).await.0, "CONFLICT");
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_key_in_force_is_one_answer() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let partner = account(&owner, &["accounts:read"]).await;
    let soon = app.clock.now() + TimeDelta::minutes(1);
    let (_, good) = key(&owner, &partner, json!({})).await;
    let (_, expired) = key(&owner, &partner, json!({ "expiresAt": soon })).await;
    app.advance(TimeDelta::minutes(1));
    let good = good.token.unwrap();
    let other = good[..good.len() - 1].to_owned() + if good.ends_with('A') { "B" } else { "A" };
    let unknown = format!("bk_000000000000{}", &good[15..]);
    let mut answers = Vec::new();
    for text in [
        expired.token.as_deref().unwrap(),
        &other,
        &unknown,
        "bk_",
        "bk_a_b",
        &good[..40],
    ] {
        let mut reply = owner.with_token(text).get("/api/v1/events").await.json();
        reply["meta"] = Value::Null;
        answers.push(reply);
    }
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:#?}"
    );
    assert_eq!(answers[0].text("error.code"), "UNAUTHENTICATED");
    app.finish().await;
}

#[tokio::test]
async fn the_use_of_a_key_is_noted_once_a_minute_beside_its_requests() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let partner = account(&owner, &["accounts:read"]).await;
    let (_, partner) = key(&owner, &partner, json!({})).await;
    let last = async || {
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        let listed = owner.run(LIST, json!({})).await.ok();
        listed
            .path("serviceAccounts.edges[0].node.keys[0].lastUsedAt")
            .clone()
    };
    assert_eq!(last().await, Value::Null);
    partner.run(CATEGORIES, json!({})).await.ok();
    let first = last().await;
    assert!(first.is_string(), "{first}");
    app.advance(TimeDelta::seconds(59));
    partner.run(CATEGORIES, json!({})).await.ok();
    assert_eq!(last().await, first);
    app.advance(TimeDelta::seconds(1));
    partner.run(CATEGORIES, json!({})).await.ok();
    assert_ne!(last().await, first);
    app.finish().await;
}

#[tokio::test]
async fn the_keys_of_a_page_are_one_statement() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let statements = async || {
        let before = app.app().handles.db.statements();
        owner.run(LIST, json!({})).await.ok();
        app.app().handles.db.statements() - before
    };
    for _ in 0..2 {
        let partner = account(&owner, &["accounts:read"]).await;
        key(&owner, &partner, json!({})).await;
    }
    statements().await;
    let two = statements().await;
    for _ in 0..6 {
        let partner = account(&owner, &["accounts:read"]).await;
        key(&owner, &partner, json!({})).await;
        key(&owner, &partner, json!({})).await;
    }
    statements().await;
    assert_eq!(statements().await, two);
    app.finish().await;
}

#[tokio::test]
async fn a_decision_of_a_program_is_told_as_such() {
    let app = TestApp::start().await;
    let tenant: Tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let books = owner.make_account("Main").await;
    owner.import_rows(&books, 0..1).await;
    app.run_background_work().await;
    let partner = account(
        &owner,
        &[
            "approvals:read",
            "approvals:decide",
            "accounts:read",
            "records:read",
            "events:read",
        ],
    )
    .await;
    let (_, partner) = key(&owner, &partner, json!({})).await;
    let queue = "{ approvals(first: 1) { edges { node { id } } } categories { id } }";
    let seen = partner.run(queue, json!({})).await.ok();
    let categories = seen.list("categories");
    let input = json!({
        "approvalId": seen.text("approvals.edges[0].node.id"),
        "categoryId": categories.last().unwrap().text("id"),
    });
    let decide = "mutation($input: OverrideRecordInput!) { overrideRecord(input: $input) { errors { message } } }";
    partner.run(decide, json!({ "input": input })).await.ok();
    let log = partner.get("/api/v1/events?kinds=TX_APPROVED").await.json();
    assert!(log.text("data.events[0].actor").starts_with("service:"));
    let decisions = "{ records(first: 1) { edges { node { decisions { rationale } } } } }";
    let told = partner.run(decisions, json!({})).await.ok();
    let told = told.list("records.edges[0].node.decisions").to_vec();
    let program = |decision: &Value| decision.text("rationale").starts_with("A program chose");
    assert!(told.iter().any(program), "{told:#?}");
    app.run_background_work().await;
    app.finish().await;
}
