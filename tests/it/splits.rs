//! One record over several categories: by a person, by a rule, and in whatever adds the books up.

use serde_json::{Value, json};

use crate::support::{Client, Path, Tenant, TestApp};

const SPLIT: &str = "mutation($input: SplitRecordInput!) { splitRecord(input: $input) {
    approval { id status secondPersonNeeded category { code } record {
        status category { code } splits { line amount { amount currency } project note category { code } }
    } } errors { field message code }
} }";
const RECORD: &str = "query($id: ID!) { record(id: $id) {
    status category { code } splits { line amount { amount } note category { code } }
    decision { source rationale }
} }";
const STATEMENT: &str = "query($proposed: Boolean!) {
    profitAndLoss(from: \"2026-01-01\", to: \"2026-12-31\", includeProposed: $proposed) {
        lines { code recordCount total { amount { amount } records(first: 9) { edges { node { id } } } } }
        awaitingApproval result { total { amount } }
    }
}";
const IMPORT: &str = "mutation($input: ImportRecordsInput!) { importRecords(input: $input) {
    rows { record { id } } errors { field message }
} }";
const APPROVE: &str = "mutation($id: ID!) { approveRecord(input: { approvalId: $id }) {
    approval { id status } errors { field message code }
} }";
const OVERRIDE: &str = "mutation($input: OverrideRecordInput!) { overrideRecord(input: $input) {
    approval { id status secondPersonNeeded } errors { field message code }
} }";
const REOPEN: &str = "mutation($id: ID!) { reopenApproval(input: { approvalId: $id }) {
    approval { id status } errors { field message code }
} }";
const REJECT: &str = "mutation($id: ID!) { rejectRecord(input: { approvalId: $id }) {
    approval { id status } errors { field message code }
} }";
const RULE: &str = "mutation($input: CreateRuleInput!) { createRule(input: $input) {
    rule { id split { percent amount note category { code } } } errors { field message code }
} }";

struct Books {
    tenant: Tenant,
    owner: Client,
    account: String,
    chart: Vec<Value>,
}

async fn books(app: &TestApp) -> Books {
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let account = owner.make_account("Main").await;
    let chart = owner
        .run("{ categories { id code name } }", Value::Null)
        .await
        .ok();
    Books {
        chart: chart.list("categories").clone(),
        tenant,
        owner,
        account,
    }
}

impl Books {
    fn category(&self, code: &str) -> String {
        let found = self.chart.iter().find(|node| node["code"] == code);
        found.expect("the chart has it").text("id")
    }

    fn line(&self, code: &str, share: Value) -> Value {
        let mut line = share;
        line["categoryId"] = self.category(code).into();
        line
    }

    /// A waiting record; its id and that of its approval.
    async fn record(&self, app: &TestApp, name: &str, amount: &str) -> (String, String) {
        let rows = json!([{ "externalId": name, "occurredOn": "2026-03-05", "amount": amount,
                            "currency": "EUR", "description": name }]);
        let input = json!({ "input": { "accountId": self.account, "rows": rows } });
        let imported = self.owner.run(IMPORT, input).await.ok();
        app.run_background_work().await;
        let record = imported.text("importRecords.rows[0].record.id");
        (record.clone(), self.approval(&record).await)
    }

    async fn approval(&self, record: &str) -> String {
        let queue = self
            .owner
            .run("{ approvals(first: 100, newestFirst: true) { edges { node { id record { id } } } } }", json!({}))
            .await
            .ok();
        let edges = queue.list("approvals.edges");
        let found = edges
            .iter()
            .find(|edge| edge.text("node.record.id") == record);
        found.expect("it waits").text("node.id")
    }

    async fn statement(&self, proposed: bool) -> Value {
        let made = self
            .owner
            .run(STATEMENT, json!({ "proposed": proposed }))
            .await
            .ok();
        made.path("profitAndLoss").clone()
    }

    /// What a category adds up to, and how many records are behind it.
    fn figure(statement: &Value, code: &str) -> Option<(String, i64)> {
        let lines = statement.list("lines").iter();
        let line = lines.clone().find(|line| line["code"] == code)?;
        let behind = line.list("total.records.edges").len();
        assert_eq!(line.number("recordCount"), behind as i64, "{line:#}");
        Some((line.text("total.amount.amount"), line.number("recordCount")))
    }

    async fn events(&self, kind: &str) -> Vec<Value> {
        let feed = self.owner.get("/api/v1/events?first=500").await.json();
        let events = feed.list("data.events").clone();
        events
            .into_iter()
            .filter(|event| event["kind"] == kind)
            .collect()
    }
}

#[tokio::test]
async fn a_split_record_counts_line_by_line_until_it_is_reopened() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let (record, approval) = books.record(&app, "ZWK 17", "-100.01").await;
    let input = json!({ "approvalId": approval, "note": "trade fair", "lines": [
        books.line("6410", json!({ "percent": "50", "note": "paper" })),
        books.line("6420", json!({ "percent": "30" })),
        books.line("6040", json!({})),
    ] });
    let split = books.owner.run(SPLIT, json!({ "input": input })).await.ok();
    let approval = split.path("splitRecord.approval");
    assert_eq!(approval.text("status"), "OVERRIDDEN");
    let lines: Vec<(String, String)> = approval
        .list("record.splits")
        .iter()
        .map(|line| (line.text("category.code"), line.text("amount.amount")))
        .collect();
    let expected = [("6410", "-50.01"), ("6420", "-30.00"), ("6040", "-20.00")];
    let expected = expected.map(|(code, amount)| (code.to_owned(), amount.to_owned()));
    assert_eq!(lines, expected);
    assert_eq!(approval.text("record.category.code"), "6410");

    let statement = books.statement(false).await;
    assert_eq!(
        Books::figure(&statement, "6410"),
        Some(("-50.01".to_owned(), 1))
    );
    assert_eq!(
        Books::figure(&statement, "6040"),
        Some(("-20.00".to_owned(), 1))
    );
    assert_eq!(statement.text("result.total.amount"), "-100.01");
    // the log alone tells the whole of it
    let approved = books.events("TX_APPROVED").await;
    let told = approved[0].list("payload.lines");
    assert_eq!(told[1]["amount"], "-30.00");
    assert_eq!(told.len(), 3);

    // found by any of its categories, and written line by line
    let by_category = "query($id: ID!) { records(first: 9, filter: { categoryId: $id }) { totalCount edges { node { id } } } }";
    let found = books
        .owner
        .run(by_category, json!({ "id": books.category("6420") }))
        .await
        .ok();
    assert_eq!(found.text("records.edges[0].node.id"), record);
    assert_eq!(found.number("records.totalCount"), 1);
    let csv = books.owner.get("/api/v1/exports/records.csv").await.text();
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!(rows.len(), 4, "{csv}");
    assert!(
        rows[0].ends_with("createdAt,line,transferWith,refundOf,tags"),
        "{csv}"
    );
    assert!(
        rows[1].contains(",-50.01,EUR,") && rows[1].contains(",6410,"),
        "{csv}"
    );
    assert!(
        rows[1].contains(",paper,") && rows[2].contains(",trade fair,"),
        "{csv}"
    );
    assert!(
        rows[3].contains(",-20.00,EUR,") && rows[3].ends_with(",3,,,"),
        "{csv}"
    );

    let reopened = books
        .owner
        .run(REOPEN, json!({ "id": approval.text("id") }))
        .await
        .ok();
    let again = reopened.text("reopenApproval.approval.id");
    let now = books.owner.run(RECORD, json!({ "id": record })).await.ok();
    assert!(now.list("record.splits").is_empty(), "{now:#}");
    assert!(books.statement(true).await.list("lines").is_empty());
    let payload = &books.events("APPROVAL_REOPENED").await[0]["payload"];
    assert!(
        payload["category"].is_null(),
        "nothing was taught: {payload}"
    );
    // one category takes the place of the lines
    let whole = json!({ "input": { "approvalId": again, "categoryId": books.category("6410") } });
    books.owner.run(OVERRIDE, whole).await.ok();
    let statement = books.statement(false).await;
    assert_eq!(
        Books::figure(&statement, "6410"),
        Some(("-100.01".to_owned(), 1))
    );
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn lines_that_do_not_fit_are_refused_and_change_nothing() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let (_, approval) = books.record(&app, "SHOP", "-10.00").await;
    let amount = |amount: &str| json!({ "amount": amount });
    let of = |first: Value, second: Value| {
        json!([books.line("6410", first), books.line("6420", second)])
    };
    let parent = books.chart.iter().find(|node| node["code"] == "6000");
    let parent = parent.expect("expenses have a head").text("id");
    for (lines, part) in [
        (of(amount("-4"), amount("-5")), "do not add up"),
        (of(amount("-10"), json!({})), "would be 0"),
        (
            of(json!({ "percent": "60" }), json!({ "percent": "30" })),
            "add up to 100",
        ),
        (
            of(json!({ "percent": "60", "amount": "-1" }), json!({})),
            "not both",
        ),
        (json!([books.line("6410", json!({}))]), "2 to 20 lines"),
        (
            json!([{ "categoryId": parent, "percent": "50" }, books.line("6410", json!({}))]),
            "categories below it",
        ),
    ] {
        let input = json!({ "input": { "approvalId": approval, "lines": lines } });
        let refused = books.owner.run(SPLIT, input).await;
        let errors = refused.user_errors();
        assert!(errors[0].text("message").contains(part), "{errors:?}");
        assert_eq!(errors[0]["code"], "BAD_USER_INPUT");
    }
    assert!(books.events("TX_APPROVED").await.is_empty());
    // a fee goes the other way, and the same request again is answered as before
    let lines = of(amount("-12.50"), amount("2.50"));
    let input = json!({ "approvalId": approval, "lines": lines, "idempotencyKey": "one" });
    let first = books
        .owner
        .run(SPLIT, json!({ "input": &input }))
        .await
        .ok();
    let second = books
        .owner
        .run(SPLIT, json!({ "input": &input }))
        .await
        .ok();
    assert_eq!(first, second);
    assert_eq!(books.events("TX_APPROVED").await.len(), 1);
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn a_decision_shows_how_it_split_also_when_another_took_its_place() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let split = json!([
        books.line("6410", json!({ "percent": "75", "note": "office" })),
        books.line("6420", json!({})),
    ]);
    let rule = json!({ "input": { "name": "rent", "conditions": { "text": { "op": "CONTAINS", "value": "LANDLORD" } },
        "actions": { "split": split } } });
    books.owner.run(RULE, rule).await.ok();
    let (rent, approval) = books.record(&app, "LANDLORD MAY", "-1000.00").await;
    let asked = "query($id: ID!) { record(id: $id) { splits { line }
        decision { splits { line amount { amount currency } note category { code } } }
        decisions { source splits { line amount { amount currency } note category { code } } } } }";
    let lines = json!([
        { "line": 1, "amount": { "amount": "-750.00", "currency": "EUR" }, "note": "office", "category": { "code": "6410" } },
        { "line": 2, "amount": { "amount": "-250.00", "currency": "EUR" }, "note": null, "category": { "code": "6420" } },
    ]);
    let shown = books.owner.run(asked, json!({ "id": rent })).await.ok();
    assert_eq!(shown["record"]["decision"]["splits"], lines);
    let queue = "{ approvals(first: 5) { edges { node { decision { splits { line amount { amount currency } note category { code } } } } } } }";
    let queue = books.owner.run(queue, json!({})).await.ok();
    assert_eq!(
        queue["approvals"]["edges"][0]["node"]["decision"]["splits"],
        lines
    );

    let whole =
        json!({ "input": { "approvalId": approval, "categoryId": books.category("6410") } });
    books.owner.run(OVERRIDE, whole).await.ok();
    let shown = books.owner.run(asked, json!({ "id": rent })).await.ok();
    let record = &shown["record"];
    assert_eq!(
        (&record["splits"], &record["decision"]["splits"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(
        record["decisions"],
        json!([{ "source": "RULE", "splits": lines }, { "source": "PERSON", "splits": [] }])
    );
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn a_rule_proposes_a_split_and_whoever_approves_it_books_it() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let rule = |name: &str, split: Value| {
        json!({ "input": { "name": name, "conditions": { "text": { "op": "CONTAINS", "value": name } },
                           "actions": { "split": split } } })
    };
    let shared = json!([
        books.line("6410", json!({ "percent": "33.33333", "note": "office" })),
        books.line("6420", json!({ "percent": "33.33333" })),
        books.line("6040", json!({})),
    ]);
    let made = books.owner.run(RULE, rule("LANDLORD", shared)).await.ok();
    assert_eq!(made.text("createRule.rule.split[0].percent"), "33.33333");
    let net = json!([
        books.line("4010", json!({})),
        books.line("6420", json!({ "amount": "-3" }))
    ]);
    books.owner.run(RULE, rule("PAYOUT", net)).await.ok();
    let no_rest = json!([
        books.line("6410", json!({ "amount": "1" })),
        books.line("6420", json!({ "amount": "2" }))
    ]);
    let refused = books
        .owner
        .run(RULE, rule("X", no_rest))
        .await
        .user_errors();
    assert_eq!(refused[0]["field"], "actions.split");

    let (rent, approval) = books.record(&app, "LANDLORD MAY", "-1000.00").await;
    let shown = books.owner.run(RECORD, json!({ "id": rent })).await.ok();
    assert_eq!(shown.text("record.status"), "PROCESSED");
    assert_eq!(shown.text("record.splits[0].amount.amount"), "-333.33");
    assert_eq!(shown.text("record.splits[2].amount.amount"), "-333.34");
    assert!(
        shown
            .text("record.decision.rationale")
            .contains("splits it: -333.33 under")
    );
    // proposed figures follow the lines, approved ones do not yet
    let proposed = books.statement(true).await;
    assert_eq!(
        Books::figure(&proposed, "6420"),
        Some(("-333.33".to_owned(), 1))
    );
    assert_eq!(books.statement(false).await.number("awaitingApproval"), 1);
    let done = books
        .owner
        .run(APPROVE, json!({ "id": approval }))
        .await
        .ok();
    assert_eq!(done.text("approveRecord.approval.status"), "APPROVED");
    let told = books.events("TX_APPROVED").await[0].clone();
    assert_eq!(told.list("payload.lines").len(), 3);
    assert_eq!(
        Books::figure(&books.statement(false).await, "6040"),
        Some(("-333.34".to_owned(), 1))
    );

    // a payout less its fee: what is left goes the way of the money, or the rule keeps out
    let (sale, approval) = books.record(&app, "PAYOUT 17", "97.00").await;
    let shown = books.owner.run(RECORD, json!({ "id": sale })).await.ok();
    assert_eq!(shown.text("record.splits[0].amount.amount"), "100.00");
    assert_eq!(shown.text("record.splits[1].amount.amount"), "-3.00");
    books
        .owner
        .run(REJECT, json!({ "id": approval }))
        .await
        .ok();
    let shown = books.owner.run(RECORD, json!({ "id": sale })).await.ok();
    assert!(shown.list("record.splits").is_empty());
    assert_eq!(Books::figure(&books.statement(true).await, "4010"), None);
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn above_the_ceiling_a_split_needs_a_second_person() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let set = "mutation($input: UpdateTenantSettingsInput!) { updateTenantSettings(input: $input) { errors { message } } }";
    let ceiling = json!({ "twoPersonCeilings": [{ "amount": "100", "currency": "EUR" }] });
    books.owner.run(set, json!({ "input": ceiling })).await.ok();
    let (record, approval) = books.record(&app, "MACHINE", "-500.00").await;
    let reviewer = books.tenant.reviewer().await;
    let lines = json!([
        books.line("6410", json!({ "amount": "-300" })),
        books.line("6420", json!({ "amount": "-200" })),
    ]);
    let input = json!({ "recordId": record, "lines": lines });
    let proposed = reviewer.run(SPLIT, json!({ "input": input })).await.ok();
    let waiting = proposed.path("splitRecord.approval");
    assert_eq!(waiting["secondPersonNeeded"], true);
    assert_ne!(waiting.text("id"), approval);
    assert_eq!(waiting.list("record.splits").len(), 2);
    assert!(books.statement(false).await.list("lines").is_empty());
    let own = reviewer
        .run(APPROVE, json!({ "id": waiting.text("id") }))
        .await;
    assert_eq!(own.user_errors()[0]["code"], "CONFLICT");
    // the same category for the whole of it is another decision, and needs a second person too
    let whole = json!({ "approvalId": waiting.text("id"), "categoryId": books.category("6410") });
    let other = books
        .owner
        .run(OVERRIDE, json!({ "input": whole }))
        .await
        .ok();
    assert_eq!(
        other["overrideRecord"]["approval"]["secondPersonNeeded"],
        true
    );
    let decline = "mutation($id: ID!) { declineOverride(input: { approvalId: $id }) { approval { id } errors { message } } }";
    let back = other.text("overrideRecord.approval.id");
    let back = books.owner.run(decline, json!({ "id": back })).await.ok();
    let back = back.text("declineOverride.approval.id");
    books.owner.run(APPROVE, json!({ "id": back })).await.ok();
    let statement = books.statement(false).await;
    assert_eq!(
        Books::figure(&statement, "6420"),
        Some(("-200.00".to_owned(), 1))
    );
    // a viewer may not, whatever they send
    let viewer = books.tenant.viewer().await;
    let input = json!({ "recordId": record, "lines": [] });
    let refused = viewer.run(SPLIT, json!({ "input": input })).await;
    assert_eq!(refused.error_code(), "FORBIDDEN");
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn of_two_who_split_at_once_one_does() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let (record, approval) = books.record(&app, "SHOP", "-10.00").await;
    let reviewer = books.tenant.reviewer().await;
    let input = |first: &str| {
        let lines = json!([
            books.line("6410", json!({ "percent": first })),
            books.line("6420", json!({}))
        ]);
        json!({ "input": { "approvalId": approval, "lines": lines } })
    };
    let (one, other) = tokio::join!(
        books.owner.run(SPLIT, input("50")),
        reviewer.run(SPLIT, input("20"))
    );
    let refused = [one.user_errors(), other.user_errors()].concat();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0]["code"], "CONFLICT");
    let shown = books.owner.run(RECORD, json!({ "id": record })).await.ok();
    assert_eq!(shown.list("record.splits").len(), 2);
    let statement = books.statement(false).await;
    assert_eq!(statement.text("result.total.amount"), "-10.00");
    assert_eq!(books.events("TX_APPROVED").await.len(), 1);
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn a_split_teaches_nothing() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    for number in 0..3 {
        let (_, approval) = books
            .record(&app, &format!("ZWK QXJ {number}"), "-10.00")
            .await;
        let lines = json!([
            books.line("6410", json!({ "percent": "60" })),
            books.line("6420", json!({}))
        ]);
        let input = json!({ "input": { "approvalId": approval, "lines": lines } });
        books.owner.run(SPLIT, input).await.ok();
        app.run_background_work().await;
    }
    let (next, _) = books.record(&app, "ZWK QXJ 9", "-10.00").await;
    let shown = books.owner.run(RECORD, json!({ "id": next })).await.ok();
    assert_eq!(shown.text("record.decision.source"), "NONE", "{shown:#}");
    app.finish().await;
}
