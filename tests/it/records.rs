//! Records: rows that clients send, and finding them again.

use serde_json::json;

use crate::imports::account;
use crate::support::{Path, TestApp};

const IMPORT: &str = "mutation($input: ImportRecordsInput!) {
    importRecords(input: $input) {
        rows { index status error { field } record { externalId } }
        errors { field message code }
    }
}";
const LIST: &str =
    "query($filter: RecordFilter, $order: RecordOrder!, $first: Int, $after: String) {
    records(filter: $filter, orderBy: $order, first: $first, after: $after) {
        totalCount
        pageInfo { endCursor hasNextPage }
        edges { node {
            description amount { amount currency }
            account { name } category { code } import { id } decision { source } decisions { id }
        } }
    }
}";

fn row(day: &str, amount: &str, description: &str) -> serde_json::Value {
    json!({ "occurredOn": day, "amount": amount, "currency": "EUR", "description": description })
}

#[tokio::test]
async fn every_row_has_its_answer_and_a_bad_one_stops_all_unless_said_otherwise() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let account = account(&owner, "Main").await;
    let rows = [
        row("2026-01-01", "-1.00", "Coffee"),
        row("2026-01-01", "-1,00", "Tea"),
        row("2026-01-01", "-1.00", "Coffee"),
    ];
    let mut input = json!({ "accountId": account, "rows": rows });
    let answered = owner.run(IMPORT, json!({ "input": input })).await.ok();
    let answers = answered.list("importRecords.rows");
    let statuses: Vec<_> = answers.iter().map(|row| row.text("status")).collect();
    assert_eq!(statuses, ["NOT_STORED", "REFUSED", "NOT_STORED"]);
    assert_eq!(answers[1].text("error.field"), "rows[1].amount");

    input["errorPolicy"] = json!("REJECT_FAILED");
    for expected in [
        ["NEW", "REFUSED", "NEW"],
        ["DUPLICATE", "REFUSED", "DUPLICATE"],
    ] {
        let answered = owner.run(IMPORT, json!({ "input": input })).await.ok();
        let answers = answered.list("importRecords.rows");
        let statuses: Vec<_> = answers.iter().map(|row| row.text("status")).collect();
        assert_eq!(statuses, expected);
    }
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn records_are_found_by_filter_in_order_and_by_page() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let account = account(&owner, "Main").await;
    let rows = [
        row("2026-01-03", "-30.00", "Grocer 100% organic"),
        row("2026-01-01", "5.25", "Refund"),
        row("2026-01-02", "-7.00", "grocer"),
    ];
    let input = json!({ "accountId": account, "rows": rows });
    owner.run(IMPORT, json!({ "input": input })).await.ok();
    app.run_background_work().await;

    let find = |filter: serde_json::Value, order: &'static str| {
        let owner = owner.clone();
        async move {
            let variables = json!({ "filter": filter, "order": order, "first": 10 });
            let found = owner.run(LIST, variables).await.ok();
            let edges = found.list("records.edges");
            let texts = edges.iter().map(|edge| edge.text("node.description"));
            texts.collect::<Vec<_>>()
        }
    };
    let grocers = ["Grocer 100% organic", "grocer"];
    assert_eq!(
        find(json!({ "text": "GROCER" }), "OCCURRED_ON_DESC").await,
        grocers
    );
    assert_eq!(
        find(json!({ "text": "0%" }), "CREATED_ASC").await,
        grocers[..1]
    );
    assert_eq!(
        find(json!({ "direction": "IN" }), "CREATED_ASC").await,
        ["Refund"]
    );
    let between = json!({ "occurredFrom": "2026-01-02", "amountMin": "-7" });
    assert_eq!(find(between, "AMOUNT_ASC").await, ["grocer"]);
    assert!(
        find(json!({ "status": ["VOIDED"] }), "CREATED_ASC")
            .await
            .is_empty()
    );

    let mut seen = Vec::new();
    let mut after = json!(null);
    loop {
        let variables = json!({ "order": "AMOUNT_ASC", "first": 1, "after": after });
        let page = owner.run(LIST, variables).await.ok();
        assert_eq!(page.number("records.totalCount"), 3);
        seen.push(page.text("records.edges[0].node.amount.amount"));
        if *page.path("records.pageInfo.hasNextPage") == json!(false) {
            break;
        }
        after = page.path("records.pageInfo.endCursor").clone();
    }
    assert_eq!(seen, ["-30.00", "-7.00", "5.25"]);
    app.finish().await;
}

#[tokio::test]
async fn a_longer_list_costs_no_more_statements() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let account = account(&owner, "Main").await;
    let rows: Vec<_> = (1..=60)
        .map(|n| row("2026-01-01", &format!("-{n}.00"), "Coffee"))
        .collect();
    let input = json!({ "accountId": account, "rows": rows });
    owner.run(IMPORT, json!({ "input": input })).await.ok();
    app.run_background_work().await;

    let mut statements = Vec::new();
    for first in [2, 60] {
        let before = app.app().handles.db.statements();
        let variables = json!({ "order": "CREATED_ASC", "first": first });
        owner.run(LIST, variables).await.ok();
        statements.push(app.app().handles.db.statements() - before);
    }
    assert_eq!(statements[0], statements[1]);
    app.finish().await;
}
