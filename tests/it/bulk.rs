//! Many things in one call: all or nothing, each on its own, or what is good without a word about the rest.

use serde_json::{Value, json};

use crate::support::{Client, Path, TestApp, nowhere};

const APPROVE: &str = "mutation($input: ApproveRecordsInput!) { approveRecords(input: $input) {
    answers { index approvalId outcome approval { id status } error { field code message } }
    succeeded failed errors { field message code }
} }";
const OVERRIDE: &str = "mutation($input: OverrideRecordsInput!) { overrideRecords(input: $input) {
    answers { index outcome error { field code } } succeeded failed errors { field message code }
} }";
const REJECT: &str = "mutation($input: RejectRecordsInput!) { rejectRecords(input: $input) {
    answers { index outcome error { field code } } succeeded failed errors { field message code }
} }";
const IMPORT: &str = "mutation($input: ImportRecordsInput!) { importRecords(input: $input) {
    rows { index status error { field code } } succeeded failed errors { field message code }
} }";
const RETRY: &str = "mutation($input: RetryFailedRecordsInput!) { retryFailedRecords(input: $input) {
    recordIds answers { index recordId outcome error { field code } } succeeded failed errors { field message code }
} }";

/// Approvals that wait, and a category to choose.
async fn queue(app: &TestApp, owner: &Client, count: usize) -> (Vec<String>, String) {
    let account = owner.make_account("Main").await;
    owner.import_rows(&account, 0..count).await;
    app.run_background_work().await;
    let asked = "{ approvals(first: 100) { edges { node { id } } } categories { id } }";
    let asked = owner.run(asked, json!({})).await.ok();
    let ids = asked.list("approvals.edges").iter();
    let ids = ids.map(|edge| edge.text("node.id")).collect();
    (ids, asked.list("categories").last().unwrap().text("id"))
}

async fn run(client: &Client, document: &str, input: Value) -> Value {
    let answer = client.run(document, json!({ "input": input })).await.ok();
    let (_, payload) = answer.as_object().unwrap().iter().next().unwrap();
    payload.clone()
}

fn outcomes(payload: &Value) -> Vec<String> {
    let answers = payload.list("answers").iter();
    answers.map(|answer| answer.text("outcome")).collect()
}

/// How many approvals have a status.
async fn with_status(client: &Client, status: &str) -> i64 {
    let asked =
        format!("{{ approvals(first: 1, filter: {{ status: [{status}] }}) {{ totalCount }} }}");
    client
        .run(&asked, json!({}))
        .await
        .ok()
        .number("approvals.totalCount")
}

#[tokio::test]
async fn all_or_nothing_leaves_everything_as_it_was() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let (ids, category) = queue(&app, &owner, 4).await;
    let head = owner.run("{ eventCursor }", json!({})).await.ok();
    let with_a_stranger = json!([ids[0], nowhere("Approval"), ids[1]]);
    for (document, bad) in [(OVERRIDE, "NOT_FOUND"), (REJECT, "NOT_FOUND")] {
        let mut input = json!({ "approvalIds": with_a_stranger, "errorPolicy": "REJECT_ALL" });
        if document == OVERRIDE {
            input["categoryId"] = json!(category);
        }
        let payload = run(&owner, document, input).await;
        assert_eq!(outcomes(&payload), ["NOT_DONE", "FAILED", "NOT_DONE"]);
        assert_eq!(payload.text("answers[1].error.code"), bad);
        assert_eq!(
            (payload.number("succeeded"), payload.number("failed")),
            (0, 1)
        );
    }
    // nothing is proposed for these: none can be accepted
    let input = json!({ "approvalIds": [ids[0], "nonsense"], "errorPolicy": "REJECT_ALL" });
    let payload = run(&owner, APPROVE, input).await;
    assert_eq!(outcomes(&payload), ["NOT_DONE", "FAILED"]);
    assert_eq!(with_status(&owner, "PENDING").await, 4);
    let after = owner.run("{ eventCursor }", json!({})).await.ok();
    assert_eq!(after, head, "nothing was told either");

    let input =
        json!({ "approvalIds": ids[..2], "categoryId": category, "errorPolicy": "REJECT_ALL" });
    let payload = run(&owner, OVERRIDE, input).await;
    assert_eq!(outcomes(&payload), ["DONE", "DONE"]);
    assert_eq!(with_status(&owner, "PENDING").await, 2);
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn one_that_fails_fails_alone_also_when_it_is_no_id() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let (ids, category) = queue(&app, &owner, 5).await;
    // the default
    let input = json!({ "approvalIds": ["nonsense", ids[0], nowhere("Record"), ids[1]], "categoryId": category });
    let payload = run(&owner, OVERRIDE, input).await;
    assert_eq!(outcomes(&payload), ["FAILED", "DONE", "FAILED", "DONE"]);
    assert_eq!(payload.text("answers[0].error.field"), "approvalIds[0]");
    assert_eq!(payload.text("answers[2].error.code"), "BAD_USER_INPUT");
    assert_eq!(
        (payload.number("succeeded"), payload.number("failed")),
        (2, 2)
    );

    let input =
        json!({ "approvalIds": [ids[0], ids[2], "nonsense"], "errorPolicy": "IGNORE_FAILED" });
    let payload = run(&owner, REJECT, input).await;
    assert_eq!(outcomes(&payload), ["DONE"]);
    assert_eq!(
        payload.number("answers[0].index"),
        1,
        "its place in the input"
    );
    assert_eq!(
        (payload.number("succeeded"), payload.number("failed")),
        (1, 2)
    );
    assert_eq!(with_status(&owner, "PENDING").await, 2);

    for count in [0, 201] {
        let ids = vec![nowhere("Approval"); count];
        let refused = owner
            .run(REJECT, json!({ "input": { "approvalIds": ids } }))
            .await;
        assert_eq!(refused.user_errors()[0]["field"], "approvalIds");
    }
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn a_longer_call_costs_no_more_statements() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let (ids, category) = queue(&app, &owner, 60).await;
    let mut statements = Vec::new();
    for (some, policy) in [
        (&ids[..2], "REJECT_FAILED"),
        (&ids[2..40], "REJECT_FAILED"),
        (&ids[40..42], "REJECT_ALL"),
        (&ids[42..60], "REJECT_ALL"),
    ] {
        let mut some = some.to_vec();
        some.push(nowhere("Approval"));
        let before = app.app().handles.db.statements();
        let input = json!({ "approvalIds": some, "categoryId": category, "errorPolicy": policy });
        run(&owner, OVERRIDE, input).await;
        statements.push(app.app().handles.db.statements() - before);
    }
    assert_eq!(statements[0], statements[1]);
    assert_eq!(statements[2], statements[3]);
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn rows_follow_the_same_policies() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let account = owner.make_account("Main").await;
    let row = |amount: &str| json!({ "occurredOn": "2026-01-01", "amount": amount, "currency": "EUR", "description": "Coffee" });
    let input = |policy: &str| json!({ "accountId": account, "rows": [row("-1.00"), row("x")], "errorPolicy": policy });
    for (policy, statuses, counts) in [
        ("REJECT_ALL", vec!["NOT_STORED", "REFUSED"], (0, 1)),
        ("REJECT_FAILED", vec!["NEW", "REFUSED"], (1, 1)),
        ("IGNORE_FAILED", vec!["DUPLICATE"], (1, 1)),
    ] {
        let payload = run(&owner, IMPORT, input(policy)).await;
        let told: Vec<_> = payload
            .list("rows")
            .iter()
            .map(|row| row.text("status"))
            .collect();
        assert_eq!(told, statuses, "{policy}");
        assert_eq!(
            (payload.number("succeeded"), payload.number("failed")),
            counts
        );
    }
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn what_is_not_failed_is_not_driven_again() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let account = owner.make_account("Main").await;
    let records = owner.import_rows(&account, 0..2).await;
    app.run_background_work().await;
    let ids = json!([records[0], "nonsense", nowhere("Record")]);
    let payload = run(
        &owner,
        RETRY,
        json!({ "recordIds": ids, "errorPolicy": "REJECT_FAILED" }),
    )
    .await;
    assert_eq!(outcomes(&payload), ["FAILED", "FAILED", "FAILED"]);
    let codes: Vec<_> = payload
        .list("answers")
        .iter()
        .map(|answer| answer.text("error.code"))
        .collect();
    assert_eq!(codes, ["CONFLICT", "BAD_USER_INPUT", "NOT_FOUND"]);
    // by default they are counted
    let payload = run(&owner, RETRY, json!({ "recordIds": ids })).await;
    assert!(payload.list("answers").is_empty() && payload.list("recordIds").is_empty());
    assert_eq!(payload.number("failed"), 3);
    let payload = run(&owner, RETRY, json!({})).await;
    assert_eq!(
        (payload.number("succeeded"), payload.number("failed")),
        (0, 0)
    );
    app.finish().await;
}
