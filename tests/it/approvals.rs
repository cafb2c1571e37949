//! The decisions people owe: proposed, decided once, taken back, and learnt from.

use serde_json::{Value, json};

use crate::support::{Client, Path, TestApp};

const QUEUE: &str =
    "query($filter: ApprovalFilter) { approvals(filter: $filter, first: 50) { edges { node {
    id status source confidence record { id description status } decision { rationale considered }
    proposedCategory { id } category { id } reopenedFromId
} } totalCount } }";
const APPROVE: &str = "mutation($ids: [ID!]!) { approveRecords(input: { approvalIds: $ids }) {
    answers { approvalId approval { id status } error { code message } } errors { field message code }
} }";
const OVERRIDE: &str = "mutation($input: OverrideRecordInput!) { overrideRecord(input: $input) {
    approval { id status category { id } record { status } } errors { field message code }
} }";
const REOPEN: &str = "mutation($id: ID!) { reopenApproval(input: { approvalId: $id }) {
    approval { id status reopenedFromId record { status } } errors { field message code }
} }";

/// Receives records of these descriptions and processes them.
async fn receive(app: &TestApp, reviewer: &Client, account: &str, texts: &[&str]) {
    let row = |(at, text): (usize, &&str)| {
        json!({ "externalId": format!("{text}-{at}"), "occurredOn": "2026-03-01", "amount": "-12.50",
                "currency": "EUR", "description": text })
    };
    let rows: Vec<Value> = texts.iter().enumerate().map(row).collect();
    let document = "mutation($input: ImportRecordsInput!) { importRecords(input: $input) {
        rows { __typename } errors { field message code }
    } }";
    let input = json!({ "input": { "accountId": account, "rows": rows } });
    reviewer.run(document, input).await.ok();
    app.run_background_work().await;
}

async fn account(owner: &Client) -> String {
    let document = "mutation { createAccount(input: { name: \"Main\" }) { account { id } errors { message } } }";
    let made = owner.run(document, json!({})).await.ok();
    made.text("createAccount.account.id")
}

async fn categories(client: &Client) -> Vec<String> {
    let chart = client
        .run("{ categories { id parent { id } } }", json!({}))
        .await
        .ok();
    let listed = chart.list("categories").iter();
    listed.map(|category| category.text("id")).collect()
}

async fn waiting(client: &Client) -> Vec<Value> {
    let filter = json!({ "filter": { "status": ["PENDING"] } });
    let queue = client.run(QUEUE, filter).await.ok();
    let edges = queue.list("approvals.edges").iter();
    edges.map(|edge| edge["node"].clone()).collect()
}

#[tokio::test]
async fn what_people_decide_is_proposed_the_next_time() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let (owner, reviewer) = (tenant.owner(), tenant.reviewer().await);
    let (account, chart) = (account(&owner).await, categories(&owner).await);
    receive(&app, &reviewer, &account, &["Coffee Corner 12"]).await;

    let queue = waiting(&reviewer).await;
    assert_eq!(queue.len(), 1);
    assert_eq!(queue[0]["source"], "NONE");
    let id = queue[0].text("id");
    let refused = reviewer.run(APPROVE, json!({ "ids": [id] })).await.ok();
    let error = refused.path("approveRecords.answers[0].error");
    assert_eq!(error["code"], "BAD_USER_INPUT", "nothing is proposed");

    let input = json!({ "approvalId": id, "categoryId": chart[3] });
    let chosen = reviewer.run(OVERRIDE, json!({ "input": input })).await.ok();
    assert_eq!(chosen.text("overrideRecord.approval.status"), "OVERRIDDEN");
    assert_eq!(
        chosen.text("overrideRecord.approval.record.status"),
        "APPROVED"
    );

    receive(&app, &reviewer, &account, &["COFFEE CORNER 99"]).await;
    let queue = waiting(&reviewer).await;
    assert_eq!(queue[0]["source"], "EXACT");
    assert_eq!(queue[0].text("proposedCategory.id"), chart[3]);
    let ids = json!({ "ids": [queue[0].text("id")] });
    let approved = reviewer.run(APPROVE, ids).await.ok();
    assert_eq!(
        approved.text("approveRecords.answers[0].approval.status"),
        "APPROVED"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_decision_is_made_once_and_the_second_is_told_about_the_first() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let (owner, reviewer) = (tenant.owner(), tenant.reviewer().await);
    let (account, chart) = (account(&owner).await, categories(&owner).await);
    receive(&app, &reviewer, &account, &["Uber Trip", "Uber Trip"]).await;
    let ids: Vec<String> = waiting(&owner)
        .await
        .iter()
        .map(|node| node.text("id"))
        .collect();

    let input = json!({ "input": { "approvalId": ids[0], "categoryId": chart[1] } });
    let reject = "mutation($id: ID!) { rejectRecord(input: { approvalId: $id }) {
        approval { status } errors { code message }
    } }";
    let rejecting = json!({ "id": ids[0] });
    let (a, b) = tokio::join!(owner.run(OVERRIDE, input), reviewer.run(reject, rejecting));
    let refusals = [a.user_errors(), b.user_errors()].concat();
    assert_eq!(refusals.len(), 1, "one of the two decided");
    assert_eq!(refusals[0]["code"], "CONFLICT");
    assert!(refusals[0].text("message").contains("another member"));

    let both = owner.run(APPROVE, json!({ "ids": ids })).await.ok();
    let codes: Vec<&Value> = both
        .list("approveRecords.answers")
        .iter()
        .map(|answer| &answer["error"]["code"])
        .collect();
    assert_eq!(codes, ["CONFLICT", "BAD_USER_INPUT"], "an answer for each");
    app.finish().await;
}

#[tokio::test]
async fn a_reopened_decision_is_kept_unlearnt_and_waits_again() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let (owner, reviewer) = (tenant.owner(), tenant.reviewer().await);
    let (account, chart) = (account(&owner).await, categories(&owner).await);
    receive(&app, &reviewer, &account, &["Uber Trip"]).await;
    let id = waiting(&owner).await[0].text("id");
    let input = json!({ "input": { "approvalId": id, "categoryId": chart[1] } });
    owner.run(OVERRIDE, input).await.ok();

    let reopened = owner.run(REOPEN, json!({ "id": id })).await.ok();
    let approval = reopened.path("reopenApproval.approval");
    assert_eq!(approval["status"], "PENDING");
    assert_eq!(approval.text("reopenedFromId"), id);
    assert_eq!(approval.text("record.status"), "PROCESSED");
    let again = owner.run(REOPEN, json!({ "id": id })).await;
    assert_eq!(again.user_errors()[0]["code"], "CONFLICT");

    receive(&app, &reviewer, &account, &["Uber Trip again", "Uber Trip"]).await;
    let queue = waiting(&owner).await;
    assert_eq!(queue.len(), 3);
    assert!(
        queue.iter().all(|node| node["source"] == "NONE"),
        "what was taken back teaches nothing"
    );
    app.finish().await;
}

#[tokio::test]
async fn an_override_becomes_a_rule_that_counts_from_then_on() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let (owner, reviewer) = (tenant.owner(), tenant.reviewer().await);
    let (account, chart) = (account(&owner).await, categories(&owner).await);
    receive(&app, &reviewer, &account, &["Uber Trip", "Uber Trip"]).await;
    let id = waiting(&owner).await[0].text("id");
    let preview =
        "query($a: ID!, $c: ID!) { ruleFromOverridePreview(approvalId: $a, categoryId: $c) {
        conditions matches waiting contradictions
    } }";
    let shown = owner
        .run(preview, json!({ "a": id, "c": chart[2] }))
        .await
        .ok();
    assert_eq!(shown.number("ruleFromOverridePreview.waiting"), 2);

    let input = json!({ "approvalId": id, "categoryId": chart[2], "makeRule": { "stop": true } });
    owner.run(OVERRIDE, json!({ "input": input })).await.ok();
    receive(&app, &reviewer, &account, &["Uber Trip 7", "Uber Trip"]).await;
    let queue = waiting(&owner).await;
    let by_rule = queue.iter().filter(|node| node["source"] == "RULE").count();
    assert_eq!(by_rule, 1);
    let rules = owner
        .run("{ rules { name approvalId conditions } }", json!({}))
        .await
        .ok();
    assert_eq!(rules.text("rules[0].approvalId"), id);
    app.finish().await;
}
