//! Transfers between own accounts and refunds of purchases: found, judged by people, and left out or put where they belong.

use serde_json::{Value, json};

use crate::support::{Client, Path, Tenant, TestApp};

const IMPORT: &str = "mutation($input: ImportRecordsInput!) { importRecords(input: $input) {
    rows { record { id } } errors { field message }
} }";
const TRANSFERS: &str = "{ transferSuggestions(first: 20) { totalCount edges { node {
    id status reason outgoing { id } incoming { id }
} } } }";
pub const REFUNDS: &str = "{ refundSuggestions(first: 20) { totalCount edges { node {
    id status reason purchase { id } record { id }
} } } }";
const RECORD: &str = "query($id: ID!) { record(id: $id) {
    status transfer { id status outgoing { id } incoming { id } }
    refundOf { id purchase { id } } refunds { id record { id amount { amount } } }
} }";
const STATEMENT: &str = "{ profitAndLoss(from: \"2026-01-01\", to: \"2026-12-31\", includeProposed: false) {
    lines { code recordCount total { amount { amount } records(first: 9) { edges { node { id } } } } }
    uncategorised { recordCount total { amount { amount } records(first: 9) { edges { node { id } } } } }
    income { total { amount } } expense { total { amount } } result { total { amount } }
} }";
const OVERRIDE: &str = "mutation($input: OverrideRecordInput!) { overrideRecord(input: $input) {
    approval { id } errors { field message code }
} }";

/// A tenant with two accounts.
pub struct Books {
    pub tenant: Tenant,
    pub owner: Client,
    pub main: String,
    pub savings: String,
}

/// Makes one.
pub async fn books(app: &TestApp) -> Books {
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    Books {
        main: owner.make_account("Main").await,
        savings: owner.make_account("Savings").await,
        tenant,
        owner,
    }
}

/// Day, amount, currency and what the bank wrote.
pub type Row<'r> = (&'r str, &'r str, &'r str, &'r str);

impl Books {
    pub async fn import(&self, app: &TestApp, account: &str, rows: &[Row<'_>]) -> Vec<String> {
        let row = |(on, amount, currency, text): &Row<'_>| {
            json!({ "externalId": format!("{on}{amount}{text}"), "occurredOn": on, "amount": amount,
                    "currency": currency, "description": text })
        };
        let rows: Vec<Value> = rows.iter().map(row).collect();
        let input = json!({ "input": { "accountId": account, "rows": rows } });
        let imported = self.owner.run(IMPORT, input).await.ok();
        app.run_background_work().await;
        let rows = imported.list("importRecords.rows").iter();
        rows.map(|row| row.text("record.id")).collect()
    }

    /// Approves a record under a category.
    pub async fn file(&self, record: &str, code: &str) {
        let chart = self
            .owner
            .run("{ categories { id code } }", Value::Null)
            .await
            .ok();
        let mut chart = chart.list("categories").iter();
        let category = chart
            .find(|node| node["code"] == code)
            .expect("the chart has it")
            .text("id");
        let input = json!({ "input": { "recordId": record, "categoryId": category } });
        self.owner.run(OVERRIDE, input).await.ok();
    }

    pub async fn suggested(&self, document: &str) -> Vec<Value> {
        let found = self.owner.run(document, Value::Null).await.ok();
        let found = found
            .as_object()
            .and_then(|data| data.values().next())
            .unwrap()
            .clone();
        let edges = found.list("edges").iter();
        let nodes: Vec<Value> = edges.map(|edge| edge["node"].clone()).collect();
        assert_eq!(found.number("totalCount"), nodes.len() as i64);
        nodes
    }

    pub async fn record(&self, id: &str) -> Value {
        let shown = self.owner.run(RECORD, json!({ "id": id })).await.ok();
        shown.path("record").clone()
    }

    pub async fn statement(&self) -> Value {
        let made = self.owner.run(STATEMENT, Value::Null).await.ok();
        let made = made.path("profitAndLoss").clone();
        let behind = made.list("uncategorised.total.records.edges").len();
        assert_eq!(
            made.number("uncategorised.recordCount"),
            behind as i64,
            "{made:#}"
        );
        made
    }

    pub async fn kinds(&self) -> Vec<String> {
        let feed = self.owner.get("/api/v1/events?first=500").await.json();
        let kinds = feed
            .list("data.events")
            .iter()
            .map(|event| event.text("kind"));
        kinds
            .filter(|kind| kind.starts_with("TRANSFER_") || kind.starts_with("REFUND_"))
            .collect()
    }
}

/// Does something to a transfer or a refund.
pub async fn act(who: &Client, verb: &str, input: Value) -> crate::support::Answer {
    let of = if verb.ends_with("Refund") {
        "refund"
    } else {
        "transfer"
    };
    let large = verb[..1].to_uppercase() + &verb[1..];
    let document = format!(
        "mutation($input: {large}Input!) {{ {verb}(input: $input) {{ {of} {{ id status }} errors {{ field message code }} }} }}"
    );
    who.run(&document, json!({ "input": input })).await
}

/// What a category adds up to; the records behind it are as many as it says.
pub fn figure(statement: &Value, code: &str) -> Option<String> {
    let mut lines = statement.list("lines").iter();
    let line = lines.find(|line| line["code"] == code)?;
    let behind = line.list("total.records.edges").len();
    assert_eq!(line.number("recordCount"), behind as i64, "{line:#}");
    Some(line.text("total.amount.amount"))
}

#[tokio::test]
async fn a_transfer_is_suggested_and_once_confirmed_counts_nowhere() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let out = books
        .import(
            &app,
            &books.main,
            &[("2026-03-06", "-500.00", "EUR", "ZWK")],
        )
        .await;
    assert!(books.suggested(TRANSFERS).await.is_empty());
    let into = books
        .import(
            &app,
            &books.savings,
            &[
                ("2026-03-09", "500.00", "EUR", "QXJ"),
                ("2026-03-20", "500.00", "EUR", "Too late"),
                ("2026-03-09", "499.99", "EUR", "Not the same"),
            ],
        )
        .await;
    let found = books.suggested(TRANSFERS).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].text("outgoing.id"), out[0]);
    assert_eq!(found[0].text("incoming.id"), into[0]);
    assert_eq!(
        found[0].text("reason"),
        "The amount left one account and came in on another 3 days later."
    );
    // a suggestion changes nothing
    books.file(&out[0], "6410").await;
    books.file(&into[0], "4010").await;
    let before = books.statement().await;
    assert_eq!(figure(&before, "4010").as_deref(), Some("500.00"));
    assert!(books.record(&out[0]).await["transfer"].is_null());

    let id = found[0].text("id");
    let viewer = books.tenant.viewer().await;
    let refused = act(&viewer, "confirmTransfer", json!({ "transferId": id })).await;
    assert_eq!(refused.error_code(), "FORBIDDEN");
    let done = act(&books.owner, "confirmTransfer", json!({ "transferId": id }))
        .await
        .ok();
    assert_eq!(done.text("confirmTransfer.transfer.status"), "CONFIRMED");
    let after = books.statement().await;
    assert_eq!(figure(&after, "4010"), None);
    assert_eq!(figure(&after, "6410"), None);
    assert_eq!(after.text("result.total.amount"), "0.00");
    for side in [&out[0], &into[0]] {
        let shown = books.record(side).await;
        assert_eq!(shown.text("transfer.id"), id);
        assert_eq!(shown.text("transfer.incoming.id"), into[0]);
    }
    let node = "query($id: ID!) { node(id: $id) { id ... on Transfer { status } } }";
    let node = books.owner.run(node, json!({ "id": id })).await.ok();
    assert_eq!(node.text("node.status"), "CONFIRMED");
    let csv = books.owner.get("/api/v1/exports/records.csv").await.text();
    assert_eq!(
        csv.lines().filter(|row| !row.ends_with(",,,")).count(),
        3,
        "{csv}"
    );

    let again = act(&books.owner, "confirmTransfer", json!({ "transferId": id })).await;
    assert_eq!(again.user_errors()[0]["code"], "CONFLICT");
    act(&books.owner, "unlinkTransfer", json!({ "transferId": id }))
        .await
        .ok();
    assert_eq!(
        figure(&books.statement().await, "4010").as_deref(),
        Some("500.00")
    );
    let back = act(&books.owner, "unlinkTransfer", json!({ "transferId": id })).await;
    assert_eq!(back.user_errors()[0]["code"], "CONFLICT");
    let expected = [
        "TRANSFER_SUGGESTED",
        "TRANSFER_CONFIRMED",
        "TRANSFER_UNLINKED",
    ];
    assert_eq!(books.kinds().await, expected);
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn what_could_be_paired_twice_is_left_to_people_and_what_was_dismissed_stays_so() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let out = books
        .import(&app, &books.main, &[("2026-03-06", "-80.00", "EUR", "Out")])
        .await;
    let third = books.owner.make_account("Third").await;
    let one = books
        .import(&app, &third, &[("2026-03-06", "-80.00", "EUR", "Also out")])
        .await;
    let into = books
        .import(
            &app,
            &books.savings,
            &[("2026-03-07", "80.00", "EUR", "In")],
        )
        .await;
    assert!(books.suggested(TRANSFERS).await.is_empty());
    // by hand it can be said
    let pair = |out: &str, into: &str| json!({ "outgoingRecordId": out, "incomingRecordId": into });
    let wrong = act(&books.owner, "confirmTransfer", pair(&into[0], &out[0])).await;
    assert_eq!(wrong.user_errors()[0]["field"], "outgoingRecordId");
    act(&books.owner, "confirmTransfer", pair(&out[0], &into[0]))
        .await
        .ok();
    let taken = act(&books.owner, "confirmTransfer", pair(&one[0], &into[0])).await;
    assert_eq!(taken.user_errors()[0]["code"], "CONFLICT");

    let out = books
        .import(&app, &books.main, &[("2026-05-06", "-33.00", "EUR", "Out")])
        .await;
    books
        .import(
            &app,
            &books.savings,
            &[("2026-05-06", "33.00", "EUR", "In")],
        )
        .await;
    let found = books.suggested(TRANSFERS).await;
    let id = json!({ "transferId": found[0].text("id") });
    act(&books.owner, "dismissTransfer", id.clone()).await.ok();
    assert!(books.suggested(TRANSFERS).await.is_empty());
    let twice = act(&books.owner, "dismissTransfer", id.clone()).await;
    assert_eq!(twice.user_errors()[0]["code"], "CONFLICT");
    assert!(books.record(&out[0]).await["transfer"].is_null());
    // a mistake can be put right
    act(&books.owner, "confirmTransfer", id).await.ok();
    assert_eq!(
        books.record(&out[0]).await.text("transfer.status"),
        "CONFIRMED"
    );
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn transfers_of_two_currencies_are_confirmed_by_hand_and_what_is_none_is_refused() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let out = books
        .import(
            &app,
            &books.main,
            &[
                ("2026-03-06", "-100.00", "EUR", "ZWK"),
                ("2026-03-06", "-70.00", "EUR", "QXJ"),
            ],
        )
        .await;
    let own = books
        .import(&app, &books.main, &[("2026-03-06", "70.00", "EUR", "QXK")])
        .await;
    let into = books
        .import(
            &app,
            &books.savings,
            &[
                ("2026-03-07", "108.40", "USD", "ZWK"),
                ("2026-03-07", "69.00", "EUR", "QXL"),
            ],
        )
        .await;
    let pair = |out: &str, into: &str| json!({ "outgoingRecordId": out, "incomingRecordId": into });
    for (out, into, part) in [
        (&out[1], &into[1], "not the same amount"),
        (&out[1], &own[0], "not on another account"),
        (&out[1], &out[0], "brought no money in"),
    ] {
        let refused = act(&books.owner, "confirmTransfer", pair(out, into))
            .await
            .user_errors();
        assert_eq!(refused[0]["field"], "incomingRecordId");
        assert!(refused[0].text("message").contains(part), "{refused:?}");
    }
    let half = json!({ "outgoingRecordId": out[0] });
    let refused = act(&books.owner, "confirmTransfer", half)
        .await
        .user_errors();
    assert_eq!(refused[0]["field"], "transferId");
    act(&books.owner, "confirmTransfer", pair(&out[0], &into[0]))
        .await
        .ok();
    let statement = books.statement().await;
    assert_eq!(statement.number("uncategorised.recordCount"), 3);
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn a_record_that_leaves_the_books_is_let_go() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let out = books
        .import(
            &app,
            &books.main,
            &[("2026-03-06", "-500.00", "EUR", "ZWK")],
        )
        .await;
    let into = books
        .import(
            &app,
            &books.savings,
            &[("2026-03-06", "500.00", "EUR", "QXJ")],
        )
        .await;
    let pair = json!({ "outgoingRecordId": out[0], "incomingRecordId": into[0] });
    let done = act(&books.owner, "confirmTransfer", pair.clone())
        .await
        .ok();
    let queue = "{ approvals(first: 9) { edges { node { id record { id } } } } }";
    let queue = books.owner.run(queue, Value::Null).await.ok();
    let mut waiting = queue.list("approvals.edges").iter();
    let approval = waiting
        .find(|edge| edge.text("node.record.id") == out[0])
        .unwrap();
    let reject =
        "mutation($id: ID!) { rejectRecord(input: { approvalId: $id }) { errors { message } } }";
    let id = approval.text("node.id");
    books.owner.run(reject, json!({ "id": id })).await.ok();
    assert!(books.record(&into[0]).await["transfer"].is_null());
    assert_eq!(
        books.statement().await.number("uncategorised.recordCount"),
        1
    );
    let id = done.text("confirmTransfer.transfer.id");
    assert_eq!(books.kinds().await.last().unwrap(), "TRANSFER_UNLINKED");
    for input in [pair, json!({ "transferId": id })] {
        let refused = act(&books.owner, "confirmTransfer", input)
            .await
            .user_errors();
        assert_eq!(
            refused[0].text("message"),
            "one of the records is not in the books"
        );
    }
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn of_links_that_exclude_each_other_one_is_made() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let third = books.owner.make_account("Third").await;
    let out = books
        .import(
            &app,
            &books.main,
            &[("2026-03-06", "-80.00", "EUR", "SHOP")],
        )
        .await;
    let one = books
        .import(
            &app,
            &books.savings,
            &[("2026-03-06", "80.00", "EUR", "In")],
        )
        .await;
    let two = books
        .import(&app, &third, &[("2026-03-06", "80.00", "EUR", "In")])
        .await;
    let back = books
        .import(
            &app,
            &books.main,
            &[
                ("2026-03-07", "50.00", "EUR", "SHOP"),
                ("2026-03-08", "50.00", "EUR", "SHOP"),
            ],
        )
        .await;
    let reviewer = books.tenant.reviewer().await;
    let transfer = |into: &str| json!({ "outgoingRecordId": out[0], "incomingRecordId": into });
    let refund = |back: &str| json!({ "purchaseRecordId": out[0], "refundRecordId": back });
    let (a, b, c, d) = tokio::join!(
        act(&books.owner, "confirmRefund", refund(&back[0])),
        act(&reviewer, "confirmRefund", refund(&back[1])),
        act(&books.owner, "confirmTransfer", transfer(&one[0])),
        act(&reviewer, "confirmTransfer", transfer(&two[0])),
    );
    let refused = [a, b, c, d]
        .iter()
        .filter(|it| !it.user_errors().is_empty())
        .count();
    assert_eq!(refused, 3);
    let shown = books.record(&out[0]).await;
    let transfers = usize::from(!shown["transfer"].is_null());
    assert_eq!(transfers + shown.list("refunds").len(), 1, "{shown:#}");
    app.run_background_work().await;
    app.finish().await;
}
