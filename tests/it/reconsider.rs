//! What waits is proposed anew as approvals come in.

use balance::approvals::{self, Filter};
use balance::automation;
use balance::ctx::Ctx;
use balance::page::Window;
use entity::ApprovalId;
use serde_json::{Value, json};

use crate::support::{Client, Desk, Path, TestApp};

const QUEUE: &str = "{ approvals(filter: { status: [PENDING] }, first: 100) { edges { node {
    id confidence source proposedCategory { id } record { id description }
} } } }";
const OVERRIDE: &str = "mutation($input: OverrideRecordInput!) { overrideRecord(input: $input) {
    approval { id } errors { message }
} }";
const APPROVE: &str = "mutation($id: ID!) { approveRecord(input: { approvalId: $id }) {
    approval { id status } errors { code message }
} }";
const REOPEN: &str = "mutation($id: ID!) { reopenApproval(input: { approvalId: $id }) {
    approval { id } errors { message }
} }";

/// What waits, in the order of the queue.
async fn queue(who: &Client) -> Vec<Value> {
    let found = who.run(QUEUE, json!({})).await.ok();
    let edges = found.list("approvals.edges").iter();
    edges.map(|edge| edge["node"].clone()).collect()
}

fn of<'a>(queue: &'a [Value], field: &str) -> Vec<&'a Value> {
    queue.iter().map(|node| node.path(field)).collect()
}

/// Files one of them there, and lets the workers look.
async fn file(app: &TestApp, who: &Client, approval: &Value, category: &str) {
    let input = json!({ "approvalId": approval["id"], "categoryId": category });
    let done = who.run(OVERRIDE, json!({ "input": input })).await.ok();
    assert_eq!(done.path("overrideRecord.errors"), &json!([]), "{done:#}");
    app.run_background_work().await;
}

/// The kinds of events so far, of these.
async fn kinds(who: &Client, wanted: &str) -> usize {
    let feed = "query($kinds: [String!]) { eventFeed(after: \"START\", kinds: $kinds, first: 500) { events { kind } } }";
    let feed = who.run(feed, json!({ "kinds": [wanted] })).await.ok();
    feed.list("eventFeed.events").len()
}

#[tokio::test]
async fn what_waits_of_a_merchant_follows_its_first_approval_and_keeps_its_place() {
    let app = TestApp::start().await;
    let mut desk = Desk::open(&app).await;
    for _ in 0..4 {
        desk.receive("HM COURTS SERVICE 4711", 2, "2026-03-01")
            .await;
        desk.receive("BAKERY AT THE CORNER", 1, "2026-03-02").await;
    }
    let owner = &desk.owner;
    let before = queue(owner).await;
    assert_eq!(before.len(), 12);
    let courts = &desk.expenses[3];
    file(&app, owner, &before[0], courts).await;

    let after = queue(owner).await;
    assert_eq!(of(&after, "record.id"), of(&before[1..], "record.id"));
    for (then, now) in before[1..].iter().zip(&after) {
        let court = now.text("record.description").starts_with("HM");
        if court {
            assert_eq!(now.text("proposedCategory.id"), *courts, "{now:#}");
            assert!(now["confidence"].as_f64() > then["confidence"].as_f64());
            assert_ne!(now["id"], then["id"], "who saw the other one is told");
        }
    }
    let withdrawn = kinds(owner, "PROPOSAL_WITHDRAWN").await;
    assert!(withdrawn >= 7, "{withdrawn}");
    assert_eq!(kinds(owner, "PROCESSED").await, 12 + withdrawn);

    // what somebody saw before is not approved behind their back
    let stale = owner.run(APPROVE, json!({ "id": before[1]["id"] })).await;
    let error = stale.body.path("data.approveRecord.errors[0]");
    assert_eq!(error["code"], "CONFLICT");
    let why = error.text("message");
    assert!(why.contains("another proposal took its place"), "{why}");
    let fresh = owner
        .run(APPROVE, json!({ "id": after[0]["id"] }))
        .await
        .ok();
    assert_eq!(fresh.path("approveRecord.approval.status"), "APPROVED");
    app.finish().await;
}

#[tokio::test]
async fn the_queue_comes_to_rest() {
    let app = TestApp::start().await;
    let mut desk = Desk::open(&app).await;
    desk.receive("HM COURTS SERVICE 4711", 30, "2026-03-01")
        .await;
    let owner = &desk.owner;
    let mut told = Vec::new();
    for _ in 0..12 {
        let next = queue(owner).await.swap_remove(0);
        file(&app, owner, &next, &desk.expenses[3]).await;
        told.push(kinds(owner, "PROPOSAL_WITHDRAWN").await);
    }
    // what agrees with the first approval stays as it is, however sure it becomes
    assert_eq!(told, [29; 12]);
    app.finish().await;
}

#[tokio::test]
async fn what_people_decided_and_what_others_own_is_left_alone() {
    let app = TestApp::start().await;
    let mut desk = Desk::open(&app).await;
    let other = app.tenant("other").await.owner();
    let account = other.make_account("Card").await;
    let rows = json!([{ "externalId": "1", "occurredOn": "2026-03-01", "amount": "-3.00", "currency": "EUR",
        "description": "HM COURTS SERVICE 4711" }]);
    let import = "mutation($input: ImportRecordsInput!) { importRecords(input: $input) { errors { message } } }";
    let input = json!({ "input": { "accountId": account, "rows": rows } });
    other.run(import, input).await.ok();
    desk.receive("HM COURTS SERVICE 4711", 3, "2026-03-01")
        .await;
    let owner = &desk.owner;
    let (mine, theirs) = (queue(owner).await, queue(&other).await);
    file(&app, owner, &mine[1], &desk.expenses[1]).await;
    let again = owner.run(REOPEN, json!({ "id": mine[1]["id"] })).await.ok();
    let again = again.text("reopenApproval.approval.id");
    let waits = queue(owner).await;
    file(&app, owner, &waits[0], &desk.expenses[3]).await;

    let now = queue(owner).await;
    let reopened = now.iter().find(|node| node["id"] == *again);
    assert!(
        reopened.is_some(),
        "a person took it back, and finds it where they left it: {now:#?}"
    );
    let changed = now.iter().find(|node| node["record"] == mine[2]["record"]);
    assert_eq!(
        changed.unwrap().text("proposedCategory.id"),
        desk.expenses[3]
    );
    assert_eq!(queue(&other).await, theirs);
    app.finish().await;
}

#[tokio::test]
async fn what_was_decided_while_the_pipeline_looked_is_not_withdrawn() {
    let app = TestApp::start().await;
    let mut desk = Desk::open(&app).await;
    desk.receive("HM COURTS SERVICE 4711", 2, "2026-03-01")
        .await;
    let ctx = Ctx::system(app.app().handles.clone(), desk.tenant.local_id());
    let window = Window {
        size: 10,
        ..Window::default()
    };
    let seen = approvals::list(&ctx, &Filter::default(), false, &window).await;
    let seen: Vec<ApprovalId> = seen
        .unwrap()
        .rows
        .into_iter()
        .map(|(_, row)| row.id)
        .collect();
    let owner = &desk.owner;
    let input =
        json!({ "approvalId": queue(owner).await[0]["id"], "categoryId": desk.expenses[3] });
    owner.run(OVERRIDE, json!({ "input": input })).await.ok();

    ctx.refresh().await;
    let mut tx = ctx.begin().await.unwrap();
    let withdrawn = approvals::withdraw(&mut tx, &seen).await.unwrap();
    assert_eq!(withdrawn.into_iter().collect::<Vec<_>>(), seen[1..]);
    tx.commit().await.unwrap();
    assert_eq!(queue(owner).await.len(), 0);
    app.finish().await;
}

#[tokio::test]
async fn an_approval_that_is_taken_back_takes_back_what_it_spread() {
    let app = TestApp::start().await;
    let mut desk = Desk::open(&app).await;
    desk.receive("HM COURTS SERVICE 4711", 4, "2026-03-01")
        .await;
    let owner = &desk.owner;
    let before = queue(owner).await;
    file(&app, owner, &before[0], &desk.expenses[1]).await;
    let spread = queue(owner).await;
    assert_eq!(
        of(&spread, "proposedCategory.id"),
        [&json!(desk.expenses[1]); 3]
    );
    let id = json!({ "id": before[0]["id"] });
    owner.run(REOPEN, id).await.ok();
    app.run_background_work().await;
    let now = queue(owner).await;
    for waits in now
        .iter()
        .filter(|node| node["record"] != before[0]["record"])
    {
        assert_ne!(waits["proposedCategory"]["id"], *desk.expenses[1]);
    }
    app.finish().await;
}

#[tokio::test]
async fn what_rules_set_stays_and_what_they_saw_is_told() {
    const RULE: &str =
        "mutation($input: CreateRuleInput!) { createRule(input: $input) { errors { message } } }";
    const RECORDS: &str = "{ records(first: 10) { edges { node { id status project note tags
        decision { flag } reasoningTrace category { id } } } } }";
    let app = TestApp::start().await;
    let mut desk = Desk::open(&app).await;
    let rule = json!({ "name": "courts", "conditions": { "text": { "op": "CONTAINS", "value": "courts" } },
        "actions": { "project": "Estate", "note": "Ask for the case number", "tags": ["legal"], "flag": "Large" } });
    let made = desk.owner.run(RULE, json!({ "input": rule })).await.ok();
    assert_eq!(made.path("createRule.errors"), &json!([]));
    desk.receive("HM COURTS SERVICE 4711", 2, "2026-03-01")
        .await;
    let owner = &desk.owner;
    let first = queue(owner).await;
    file(&app, owner, &first[0], &desk.expenses[3]).await;
    let now = owner.run(RECORDS, json!({})).await.ok();
    let edges = now.list("records.edges").iter();
    let mut waiting = edges.filter(|edge| edge["node"]["status"] == "PROCESSED");
    let record = &waiting.next().unwrap()["node"];
    assert_eq!(record.text("category.id"), desk.expenses[3], "{record:#}");
    let set = ["project", "note", "tags"].map(|field| &record[field]);
    let wanted = [
        json!("Estate"),
        json!("Ask for the case number"),
        json!(["legal"]),
    ];
    assert_eq!(set, wanted.each_ref());
    assert_eq!(record.path("decision.flag"), "Large");
    let tiers = record.list("reasoningTrace.considered").iter();
    let tiers: Vec<&Value> = tiers.map(|view| &view["tier"]).collect();
    assert_eq!(tiers, ["RULE", "EXACT", "MODEL", "SIMILAR"]);
    app.finish().await;
}

#[tokio::test]
async fn what_was_proposed_first_is_what_earns_autonomy() {
    let app = TestApp::start().await;
    let mut desk = Desk::open(&app).await;
    desk.receive("HM COURTS SERVICE 4711", 1, "2026-03-01")
        .await;
    file(
        &app,
        &desk.owner,
        &queue(&desk.owner).await[0],
        &desk.expenses[1],
    )
    .await;
    desk.receive("HM COURTS SERVICE 4711", 12, "2026-03-02")
        .await;
    let owner = &desk.owner;
    let came_in = queue(owner).await.pop().unwrap();
    assert_eq!(came_in.text("proposedCategory.id"), desk.expenses[1]);
    // everything else turns out to be something else
    for _ in 0..11 {
        let next = queue(owner).await.swap_remove(0);
        file(&app, owner, &next, &desk.expenses[3]).await;
    }
    let waits = queue(owner).await.pop().unwrap();
    assert_eq!(waits["record"], came_in["record"]);
    assert_eq!(waits.text("proposedCategory.id"), desk.expenses[3]);
    owner.run(APPROVE, json!({ "id": waits["id"] })).await.ok();
    app.run_background_work().await;

    let ctx = Ctx::system(app.app().handles.clone(), desk.tenant.local_id());
    let window = Window {
        size: 50,
        ..Window::default()
    };
    let all = approvals::list(&ctx, &Filter::default(), true, &window).await;
    let all: Vec<_> = all.unwrap().rows.into_iter().map(|(_, row)| row).collect();
    let row = &all[0];
    assert_eq!(row.status, entity::approval::Status::Approved);
    let first = all.iter().find(|first| Some(first.id) == row.first_look);
    let first = first.expect("it was proposed anew");
    assert!(row.confidence != first.confidence);
    let read = ctx.read().await.unwrap();
    let outcomes = automation::of(&read, &[row.id]).await.unwrap();
    assert_eq!(outcomes.len(), 1);
    assert!(
        !outcomes[0].right,
        "what was proposed when it came in was wrong"
    );
    assert_eq!(outcomes[0].confidence, first.confidence);
    drop(read);
    app.finish().await;
}
