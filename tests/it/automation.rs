//! Earned autonomy: what passes without a person, when it stops, and how it is taken back.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::support::{Client, Path, TestApp};

const IMPORT: &str = "mutation($input: ImportRecordsInput!) { importRecords(input: $input) {
    rows { record { id } error { message } } errors { field message }
} }";
const QUEUE: &str = "query($filter: ApprovalFilter) { approvals(filter: $filter, newestFirst: true, first: 100) { edges { node {
    id status passes automatic audit source confidence decidedById record { id status automatic description }
} } } }";
const FILE: &str = "mutation($input: OverrideRecordsInput!) { overrideRecords(input: $input) {
    answers { error { message } } errors { message }
} }";
const SET: &str = "mutation($input: UpdateAutomationInput!) { updateAutomation(input: $input) {
    automation { mode targetPrecision auditShare bars { source confidence checked precision precisionAtLeast } }
    errors { field message code }
} }";
const AUTOMATION: &str =
    "{ automation { mode targetPrecision auditShare bars { source confidence checked } } }";
const REOPEN: &str = "mutation($input: ReopenAutomaticInput!) { reopenAutomatic(input: $input) { reopened errors { message } } }";
const REPORT: &str = "{ automationReport(from: \"2000-01-01\", to: \"2100-01-01\") {
    all { proposed passing automatic takenBack checked coverage precision accuracy }
    bySource { source counts { proposed } } byMonth { month counts { proposed } }
    calibration { from checked confidence right }
} }";

/// A tenant whose people have filed a payee often enough to be believed.
struct Desk {
    client: Client,
    account: String,
    right: String,
    wrong: String,
}

impl Desk {
    async fn open(app: &TestApp, client: Client) -> Self {
        let account = client.make_account("Card").await;
        let chart = client
            .run("{ categories { id kind } }", json!({}))
            .await
            .ok();
        let expenses: Vec<String> = chart
            .list("categories")
            .iter()
            .filter(|node| node["kind"] == "EXPENSE")
            .map(|node| node.text("id"))
            .collect();
        let desk = Self {
            client,
            account,
            right: expenses[1].clone(),
            wrong: expenses[2].clone(),
        };
        for _ in 0..3 {
            desk.receive(app, 100, "-12.50").await;
            desk.file(&desk.right).await;
        }
        desk
    }

    async fn receive(&self, app: &TestApp, count: usize, amount: &str) {
        let row = |_| {
            json!({ "externalId": next(), "occurredOn": "2026-03-01", "amount": amount,
                    "currency": "EUR", "description": "COFFEE CORNER 12 UTRECHT" })
        };
        let rows: Vec<Value> = (0..count).map(row).collect();
        let input = json!({ "input": { "accountId": self.account, "rows": rows } });
        let imported = self.client.run(IMPORT, input).await.ok();
        assert_eq!(imported.list("importRecords.rows").len(), count);
        app.run_background_work().await;
    }

    async fn approvals(&self, filter: Value) -> Vec<Value> {
        let queue = self
            .client
            .run(QUEUE, json!({ "filter": filter }))
            .await
            .ok();
        let edges = queue.list("approvals.edges").iter();
        edges.map(|edge| edge["node"].clone()).collect()
    }

    async fn waiting(&self) -> Vec<Value> {
        self.approvals(json!({ "status": ["PENDING"] })).await
    }

    async fn file(&self, category: &str) {
        let waiting = self.waiting().await;
        let ids: Vec<String> = waiting.iter().map(|node| node.text("id")).collect();
        let input = json!({ "approvalIds": ids, "categoryId": category });
        let done = self.client.run(FILE, json!({ "input": input })).await.ok();
        for answer in done.list("overrideRecords.answers") {
            assert_eq!(answer["error"], Value::Null, "{answer}");
        }
    }

    async fn set(&self, input: Value) -> Value {
        let set = self.client.run(SET, json!({ "input": input })).await.ok();
        set.path("updateAutomation").clone()
    }

    async fn report(&self) -> Value {
        let report = self.client.run(REPORT, json!({})).await.ok();
        report.path("automationReport").clone()
    }
}

/// A name that no other row has.
fn next() -> String {
    static ROWS: AtomicU64 = AtomicU64::new(0);
    format!("row {}", ROWS.fetch_add(1, Ordering::Relaxed))
}

/// What passes at 95 %, and is hardly ever drawn for an audit.
fn on() -> Value {
    json!({ "mode": "AUTOMATIC", "targetPrecision": 0.95, "auditShare": 0.01 })
}

#[tokio::test]
async fn nothing_passes_until_a_tenant_asks_and_then_what_is_sure_does() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let desk = Desk::open(&app, tenant.owner()).await;

    // told, and not done
    let before = desk.client.run(AUTOMATION, json!({})).await.ok();
    assert_eq!(before.text("automation.mode"), "PROPOSE_ONLY");
    desk.set(json!({ "targetPrecision": 0.95 })).await;
    desk.receive(&app, 1, "-12.50").await;
    let waiting = desk.waiting().await;
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0]["passes"], true, "{}", waiting[0]);
    assert_eq!(
        (&waiting[0]["automatic"], &waiting[0]["audit"]),
        (&json!(false), &json!(false))
    );
    desk.file(&desk.right).await;

    let set = desk.set(on()).await;
    assert_eq!(set.path("automation.mode"), "AUTOMATIC");
    let bar = set.path("automation.bars[0]");
    assert!(bar["checked"].as_i64().unwrap() >= 80, "{bar}");
    assert!(bar["precisionAtLeast"].as_f64().unwrap() >= 0.95, "{bar}");

    let mut feed = desk
        .client
        .subscribe(
            "subscription { approvalEvents { kind approval { automatic status } } }",
            json!({}),
        )
        .await;
    desk.receive(&app, 40, "-12.50").await;
    let passed = desk.approvals(json!({ "automatic": true })).await;
    let drawn = desk
        .approvals(json!({ "audit": true, "status": ["PENDING"] }))
        .await;
    assert_eq!(passed.len() + drawn.len(), 40);
    assert!(passed.len() > drawn.len());
    for approval in &passed {
        assert_eq!(approval["status"], "APPROVED");
        assert_eq!(approval["decidedById"], Value::Null);
        assert_eq!(approval.text("record.status"), "APPROVED");
        assert_eq!(approval.path("record.automatic"), true);
    }
    let mut kinds = Vec::new();
    while !kinds.contains(&json!("APPROVED")) {
        kinds.push(feed.next().await.path("approvalEvents.kind").clone());
    }
    drop(feed);

    let report = desk.report().await;
    assert_eq!(report.path("all.automatic"), passed.len());
    assert_eq!(
        report.path("all.proposed"),
        241,
        "the first hundred had no category"
    );
    assert_eq!(report.list("byMonth").len(), 1);
    let checked: i64 = report
        .list("calibration")
        .iter()
        .map(|bin| bin["checked"].as_i64().unwrap())
        .sum();
    assert_eq!(report.path("all.checked"), checked);
    app.finish().await;
}

#[tokio::test]
async fn what_passed_proves_nothing_and_is_taken_back_at_once() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let desk = Desk::open(&app, tenant.owner()).await;
    desk.set(on()).await;
    let checked = desk.report().await.path("all.checked").clone();
    desk.receive(&app, 60, "-12.50").await;
    let passed = desk.approvals(json!({ "automatic": true })).await.len();
    assert!(passed > 40);
    let report = desk.report().await;
    assert_eq!(
        report.path("all.checked"),
        &checked,
        "nobody looked at them"
    );
    assert_eq!(report.path("all.automatic"), passed);

    // one of another source, none of another time, then all
    let reopen = |input: Value| desk.client.run(REOPEN, json!({ "input": input }));
    let none = reopen(json!({ "since": "2100-01-01T00:00:00Z" }))
        .await
        .ok();
    assert_eq!(none.path("reopenAutomatic.reopened"), 0);
    let none = reopen(json!({ "source": "LLM" })).await.ok();
    assert_eq!(none.path("reopenAutomatic.reopened"), 0);
    let all = reopen(json!({})).await.ok();
    assert_eq!(all.path("reopenAutomatic.reopened"), passed);
    let again = reopen(json!({})).await.ok();
    assert_eq!(
        again.path("reopenAutomatic.reopened"),
        0,
        "asking again is safe"
    );
    let waiting = desk.waiting().await;
    assert_eq!(waiting.len(), 60);
    for approval in &waiting {
        assert_eq!(approval.text("record.status"), "PROCESSED");
        assert_eq!(approval.path("record.automatic"), false);
        assert_eq!(
            approval["audit"], true,
            "they count when a person decides them"
        );
    }
    let report = desk.report().await;
    assert_eq!(report.path("all.takenBack"), passed);
    assert_eq!(report.path("all.automatic"), 0);
    assert_eq!(
        report.path("all.proposed"),
        260,
        "one proposal is one, however often it waits"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_bar_falls_when_people_disagree() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let desk = Desk::open(&app, tenant.owner()).await;
    desk.set(json!({ "mode": "AUTOMATIC", "targetPrecision": 0.95, "auditShare": 1.0 }))
        .await;
    desk.receive(&app, 20, "-12.50").await;
    let drawn = desk.waiting().await;
    assert_eq!(drawn.len(), 20, "all are looked at");
    assert!(
        drawn
            .iter()
            .all(|it| it["audit"] == true && it["passes"] == true)
    );
    // the books have moved on
    desk.file(&desk.wrong).await;
    desk.set(json!({ "auditShare": 0.01 })).await;
    desk.receive(&app, 20, "-12.50").await;
    let passed = desk.approvals(json!({ "automatic": true })).await;
    assert!(
        passed.is_empty(),
        "{} passed after twenty were wrong",
        passed.len()
    );
    app.finish().await;
}

#[tokio::test]
async fn an_amount_that_needs_two_people_never_passes_without_one() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let desk = Desk::open(&app, tenant.owner()).await;
    desk.set(on()).await;
    let ceilings = "mutation { updateTenantSettings(input: { twoPersonCeilings: [{ amount: \"10\", currency: \"EUR\" }] }) {
        errors { message } } }";
    desk.client.run(ceilings, json!({})).await.ok();
    desk.receive(&app, 20, "-12.50").await;
    let waiting = desk.waiting().await;
    assert_eq!(waiting.len(), 20);
    assert!(waiting.iter().all(|it| it["passes"] == false));
    app.finish().await;
}

#[tokio::test]
async fn settings_out_of_range_are_named_and_kept_from_others() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    for (input, field) in [
        (json!({ "targetPrecision": 98.0 }), "targetPrecision"),
        (json!({ "auditShare": 0.0 }), "auditShare"),
    ] {
        let refused = owner.run(SET, json!({ "input": input })).await;
        assert_eq!(refused.user_errors()[0]["field"], field);
    }
    let reviewer = tenant.reviewer().await;
    let refused = reviewer.run(SET, json!({ "input": on() })).await;
    assert_eq!(refused.error_code(), "FORBIDDEN");
    let read = reviewer.run(AUTOMATION, json!({})).await.ok();
    assert_eq!(read.text("automation.mode"), "PROPOSE_ONLY");
    app.finish().await;
}

#[tokio::test]
async fn what_a_rule_flags_never_passes_by_itself() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let desk = Desk::open(&app, tenant.owner()).await;
    desk.set(on()).await;
    let rule = "mutation { createRule(input: { name: \"look\", actions: { flag: \"Is the receipt there?\" }
        conditions: { text: { op: CONTAINS, value: \"coffee\" } } }) { rule { id } errors { message } } }";
    let rule = desk.client.run(rule, json!({})).await.ok();
    desk.receive(&app, 20, "-12.50").await;
    let waiting = desk.waiting().await;
    assert_eq!(waiting.len(), 20);
    assert!(waiting.iter().all(|it| it["passes"] == false));

    // without the rule the same ones would
    let off = json!({ "id": rule.text("createRule.rule.id") });
    let disable = "mutation($id: ID!) { disableRule(input: { ruleId: $id }) { rule { id } errors { message } } }";
    desk.client.run(disable, off).await.ok();
    desk.receive(&app, 20, "-12.50").await;
    let passed = desk.approvals(json!({ "automatic": true })).await;
    assert!(passed.len() > 10, "{} passed", passed.len());
    app.finish().await;
}
