//! The audit log: who did what, to what, from where.

use serde_json::{Value, json};

use crate::support::{Client, Path, TestApp};

const LOG: &str = "query($filter: AuditFilter, $first: Int!, $after: String) {
    auditLog(filter: $filter, first: $first, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        edges { node {
            sequence action resource { kind id } actor { kind id name } sourceAgent payload diff address userAgent
        } }
    }
}";

async fn log(person: &Client, filter: Value) -> Vec<Value> {
    let asked = json!({ "filter": filter, "first": 100 });
    let found = person.run(LOG, asked).await.ok();
    let edges = found.list("auditLog.edges");
    assert_eq!(found.number("auditLog.totalCount"), edges.len() as i64);
    edges.iter().map(|edge| edge["node"].clone()).collect()
}

/// Sends a mutation as a browser with a name would.
async fn mutate(person: &Client, document: &str) -> Value {
    let request = person
        .request(reqwest::Method::POST, "/graphql")
        .header("user-agent", "=Browser/1.0")
        .json(&json!({ "query": document }));
    let body = person.send(request).await.json();
    assert!(body.get("errors").is_none(), "{body:#}");
    body["data"].clone()
}

#[tokio::test]
async fn every_change_says_who_made_it_and_from_where() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let made = mutate(&owner, "mutation { createCategory(input: { code: \"9000\", name: \"Odd\", kind: EXPENSE }) { category { id } } }").await;
    let category = made.text("createCategory.category.id");
    let made = mutate(
        &owner,
        "mutation { createConnection(input: { name: \"Bank\" }) { connection { id } } }",
    )
    .await;
    let connection = made.text("createConnection.connection.id");
    mutate(&owner, &format!("mutation {{ updateConnection(input: {{ connectionId: \"{connection}\", name: \"Other bank\" }}) {{ errors {{ message }} }} }}")).await;

    let entries = log(&owner, json!({})).await;
    assert_eq!(entries[0].text("action"), "CONNECTION_CHANGED");
    assert_eq!(entries[0].path("diff"), &json!({ "changed": ["name"] }));
    let entry = entries
        .iter()
        .find(|entry| entry["action"] == "CATEGORY_CREATED")
        .unwrap();
    assert_eq!(
        entry.path("resource"),
        &json!({ "kind": "category", "id": category })
    );
    assert_eq!(entry.text("actor.kind"), "USER");
    assert_eq!(entry.text("actor.name"), "Olive Owner");
    assert_eq!(entry.text("address"), "127.0.0.1");
    assert_eq!(entry.text("userAgent"), "=Browser/1.0");
    assert_eq!(entry.text("diff.kind.to"), "EXPENSE");

    // neither is in the log itself, which is chained and cannot be edited
    let feed = owner.get("/api/v1/events?first=500").await.text();
    assert!(
        !feed.contains("Browser/1.0") && !feed.contains("127.0.0.1"),
        "{feed}"
    );

    // what one asks for is what one gets
    let owner_id = entry.text("actor.id");
    assert_eq!(
        log(&owner, json!({ "actorId": owner_id })).await.len(),
        entries.len()
    );
    let about = log(&owner, json!({ "resourceId": connection })).await;
    let actions: Vec<_> = about.iter().map(|entry| entry.text("action")).collect();
    assert_eq!(actions, ["CONNECTION_CHANGED", "CONNECTION_CREATED"]);
    let of_kind =
        json!({ "resourceKind": "category", "actions": ["CATEGORY_CREATED"], "actorKind": "USER" });
    assert!(
        log(&owner, of_kind)
            .await
            .iter()
            .any(|found| found == entry)
    );
    assert!(
        log(&owner, json!({ "actorKind": "SERVICE" }))
            .await
            .is_empty()
    );
    assert!(
        log(&owner, json!({ "to": "2020-01-01T00:00:00Z" }))
            .await
            .is_empty()
    );
    let wrong = owner
        .run(
            LOG,
            json!({ "filter": { "actions": ["NOTHING"] }, "first": 1 }),
        )
        .await;
    assert_eq!(wrong.error_code(), "BAD_USER_INPUT");

    // pages meet without a gap
    let (mut after, mut paged) = (Value::Null, Vec::new());
    loop {
        let page = owner
            .run(LOG, json!({ "first": 2, "after": after }))
            .await
            .ok();
        let edges = page.list("auditLog.edges").iter();
        paged.extend(edges.map(|edge| edge["node"].clone()));
        if !page["auditLog"]["pageInfo"]["hasNextPage"]
            .as_bool()
            .unwrap()
        {
            break;
        }
        after = page["auditLog"]["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(paged, entries);

    // as a file, which no spreadsheet runs
    let csv = owner.get("/api/v1/exports/audit.csv").await;
    assert_eq!(csv.status, 200);
    let csv = csv.text();
    assert_eq!(csv.lines().count(), entries.len() + 1);
    assert!(
        csv.lines().nth(1).unwrap().contains("CONNECTION_CHANGED"),
        "{csv}"
    );
    assert!(
        csv.contains("Olive Owner") && csv.contains("'=Browser/1.0"),
        "{csv}"
    );
    let path = format!("/api/v1/exports/audit.csv?resourceId={category}&actions=CATEGORY_CREATED");
    assert_eq!(owner.get(&path).await.text().lines().count(), 2);

    let reviewer = tenant.reviewer().await;
    assert_eq!(
        reviewer.run(LOG, json!({ "first": 1 })).await.error_code(),
        "FORBIDDEN"
    );
    assert_eq!(reviewer.get("/api/v1/exports/audit.csv").await.status, 403);
    app.finish().await;
}

#[tokio::test]
async fn a_run_of_events_has_one_origin() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let account = owner.make_account("Main").await;
    owner.import_rows(&account, 0..30).await;
    app.run_background_work().await;
    let ingested = log(&owner, json!({ "actions": ["INGESTED"] })).await;
    assert_eq!(ingested.len(), 30);
    assert!(ingested.iter().all(|entry| entry["address"] == "127.0.0.1"));
    let processed = log(&owner, json!({ "actions": ["PROCESSED"] })).await;
    assert_eq!(processed.len(), 30);
    for entry in &processed {
        assert_eq!(entry.text("actor.kind"), "SYSTEM");
        assert!(entry["address"].is_null() && entry["actor"]["name"].is_null());
    }
    // a page that begins within the run knows it, too
    let page = owner
        .run(
            LOG,
            json!({ "filter": { "actions": ["INGESTED"] }, "first": 3 }),
        )
        .await
        .ok();
    assert_eq!(page.text("auditLog.edges[2].node.address"), "127.0.0.1");
    app.finish().await;
}

/// Every unit of work that changes something files an event: those that do not are listed with their reason.
#[test]
fn no_change_goes_by_without_an_event() {
    const SILENT: &[(&str, &str)] = &[
        (
            "src/llm/budget.rs",
            "counts of tokens, not a change to the books",
        ),
        (
            "src/llm/usage.rs",
            "counts of tokens, not a change to the books",
        ),
        (
            "src/identity/signing_keys.rs",
            "no tenant's: keys of the server",
        ),
        ("src/identity/profile.rs", "a person's own, in every tenant"),
        (
            "src/idempotency/answer.rs",
            "an answer to what was told already",
        ),
        ("src/idempotency/retention.rs", "no change to the books"),
        (
            "src/approvals/answer.rs",
            "commits what the decisions have told",
        ),
        (
            "src/identity/switch.rs",
            "the session is told where it is opened",
        ),
        (
            "src/identity/account.rs",
            "leaving is told tenant by tenant",
        ),
        (
            "src/identity/oauth/sign_in.rs",
            "the session is told where it is opened",
        ),
        ("src/identity/oauth/step.rs", "a step of signing in"),
        ("src/identity/passkeys/challenge.rs", "a step of signing in"),
        ("src/identity/traces.rs", "people are erased, not the log"),
        ("src/audit/retention.rs", "what was kept long enough goes"),
        (
            "src/grants/store.rs",
            "the tokens of a link that is told where it is made",
        ),
        (
            "src/tenants/erase.rs",
            "the log goes too; a tombstone tells",
        ),
        ("src/clients/usage.rs", "counts of requests"),
        ("src/processing/learned.rs", "made from the log"),
        (
            "src/processing/neighbours/rebuild.rs",
            "made from the books",
        ),
        ("src/processing/neighbours/store.rs", "made from the books"),
        (
            "src/processing/neighbours/allowed.rs",
            "what was made from the books goes; the switch is told where it is set",
        ),
        (
            "src/processing/neighbours/evidence.rs",
            "made from the books",
        ),
        (
            "src/processing/suggest.rs",
            "a job that was given up; what is suggested is told where it is noted",
        ),
        ("src/mail/send.rs", "a mail left"),
        (
            "src/identity/complete.rs",
            "the session is told where it is opened",
        ),
        (
            "src/identity/attempts.rs",
            "a sign-in is kept for whose it is",
        ),
        ("src/ctx/tx.rs", "it is the unit of work"),
        ("src/db/sealed.rs", "what is sealed stays the same"),
        (
            "src/connections/ingest.rs",
            "each record is told where it is received",
        ),
        (
            "src/records/import_rows.rs",
            "each record is told where it is received",
        ),
        (
            "src/processing/process.rs",
            "each decision is told where it is written",
        ),
        (
            "src/identity/sign_in.rs",
            "the session is told where it is opened",
        ),
        (
            "src/tenants/open.rs",
            "the tenant is told where it is founded",
        ),
        (
            "src/connections/deliver.rs",
            "a message was kept; its records are told",
        ),
        (
            "src/files/upload.rs",
            "a link was made or a file kept; its import is told",
        ),
        ("src/identity/retention.rs", "what was over is forgotten"),
        (
            "src/identity/api_keys/standing.rs",
            "the use of a key is noted",
        ),
        ("src/queue/claim.rs", "work, not books"),
        (
            "src/rules/recount.rs",
            "sums of hits, each of which was told",
        ),
        ("src/queue/retention.rs", "work, not books"),
    ];
    let root = env!("CARGO_MANIFEST_DIR");
    let mut silent = Vec::new();
    for file in rust_files(&std::path::Path::new(root).join("src")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file
            .strip_prefix(root)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let commits = text.contains("tx.commit()");
        let tells = [".record(", ".record_diff("]
            .iter()
            .any(|call| text.contains(call));
        let excused = SILENT.iter().any(|(file, _)| *file == name);
        if commits && !tells && !excused {
            silent.push(name);
        }
    }
    assert!(
        silent.is_empty(),
        "these commit without an event: {silent:#?}"
    );
}

fn rust_files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
    files
}

#[tokio::test]
async fn where_changes_came_from_is_forgotten_after_a_while_and_the_changes_are_not() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    app.advance(chrono::TimeDelta::days(364));
    let owner = sign_in(&app, &owner).await;
    let made = "mutation { createCategory(input: { code: \"9000\", name: \"Odd\", kind: EXPENSE }) { category { id } } }";
    mutate(&owner, made).await;
    let handles = &app.app().handles;
    assert_eq!(balance::audit::prune(handles).await.unwrap(), 0);
    let before = log(&owner, json!({})).await;
    assert!(before.iter().all(|entry| entry["address"].is_string()));

    app.advance(chrono::TimeDelta::days(2));
    let owner = sign_in(&app, &owner).await;
    assert!(balance::audit::prune(handles).await.unwrap() > 0);
    assert_eq!(balance::audit::prune(handles).await.unwrap(), 0);
    let after = log(&owner, json!({})).await;
    assert_eq!(after.len(), before.len() + 1);
    let known = |entry: &&Value| entry["address"].is_string();
    // two sign-ins, and what was made between them
    assert_eq!(after.iter().filter(known).count(), 3);
    assert!(
        after
            .iter()
            .rev()
            .take(3)
            .all(|entry| entry["address"].is_null())
    );
    assert!(
        balance::events::verify(handles, tenant.local_id())
            .await
            .unwrap()
            .is_whole()
    );
    app.finish().await;
}

/// The owner of acme, signed in again.
async fn sign_in(app: &TestApp, owner: &Client) -> Client {
    let credentials =
        json!({ "email": "owner@acme.example", "password": crate::support::PASSWORD });
    let reply = app
        .anybody()
        .post("/api/v1/auth/sign-in", &credentials)
        .await;
    owner.with_token(&reply.json().text("data.accessToken"))
}
