//! The model that learns from approvals: what it generalises, tells, keeps, forgets and shares with nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use balance::ctx::Ctx;
use balance::worker;
use entity::{TenantId, model_snapshot};
use sea_orm::sea_query::Expr;
use serde_json::{Value, json};

use crate::support::{Client, Path, TestApp};

const IMPORT: &str = "mutation($input: ImportRecordsInput!) { importRecords(input: $input) {
    rows { status record { id amount { amount } account { number name } } } errors { field message code } } }";
const PENDING: &str =
    "query($first: Int!) { approvals(filter: { status: [PENDING] }, first: $first) {
    edges { node { id source confidence proposedCategory { name } record { id description }
        decision { rationale considered model version } } } } }";
const OVERRIDE: &str = "mutation($input: OverrideRecordsInput!) { overrideRecords(input: $input) {
    answers { approval { status } error { message } } errors { message } } }";

/// A client with an account and the categories it files under.
struct Desk {
    client: Client,
    account: String,
    chart: Vec<(String, String)>,
}

impl Desk {
    async fn open(client: Client) -> Self {
        let account = client.make_account("Card").await;
        let chart = client
            .run("{ categories { id name } }", json!({}))
            .await
            .ok();
        let listed = chart.list("categories").iter();
        let chart = listed
            .map(|node| (node.text("name"), node.text("id")))
            .collect();
        Self {
            client,
            account,
            chart,
        }
    }

    fn category(&self, name: &str) -> &str {
        let found = self.chart.iter().find(|(known, _)| known == name);
        &found.expect("the chart has it").1
    }

    /// Imports these texts and has them decided; what waits under these texts.
    async fn receive(&self, app: &TestApp, texts: &[String]) -> Vec<Value> {
        self.import(texts).await;
        app.run_background_work().await;
        self.pending(texts).await
    }

    async fn import(&self, texts: &[String]) {
        let row = |text: &String| {
            json!({ "externalId": next(), "occurredOn": "2026-03-01", "amount": "-12.50",
                    "currency": "EUR", "description": text })
        };
        let rows: Vec<Value> = texts.iter().map(row).collect();
        let input = json!({ "input": { "accountId": self.account, "rows": rows } });
        self.client.run(IMPORT, input).await.ok();
    }

    async fn pending(&self, texts: &[String]) -> Vec<Value> {
        let queue = self.client.run(PENDING, json!({ "first": 100 })).await.ok();
        let nodes = queue
            .list("approvals.edges")
            .iter()
            .map(|edge| edge["node"].clone());
        nodes
            .filter(|node| texts.contains(&node.text("record.description")))
            .collect()
    }

    async fn file(&self, approvals: &[Value], category: &str) {
        let ids: Vec<String> = approvals.iter().map(|node| node.text("id")).collect();
        let input = json!({ "approvalIds": ids, "categoryId": self.category(category) });
        let done = self
            .client
            .run(OVERRIDE, json!({ "input": input }))
            .await
            .ok();
        for answer in done.list("overrideRecords.answers") {
            assert_eq!(answer["error"], Value::Null, "{answer}");
        }
    }

    /// Teaches that payees of this kind are filed under the category.
    async fn teach(&self, app: &TestApp, kind: &str, category: &str, count: usize) {
        let texts: Vec<String> = (0..count).map(|n| format!("{} {kind}", name(n))).collect();
        let waiting = self.receive(app, &texts).await;
        assert_eq!(waiting.len(), count);
        self.file(&waiting, category).await;
    }
}

/// An id that no other row has.
fn next() -> String {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    LAST.fetch_add(1, Ordering::Relaxed).to_string()
}

/// A made-up name, another for each number.
fn name(mut number: usize) -> String {
    let mut name = String::from("q");
    for _ in 0..4 {
        name.push(['a', 'e', 'i', 'o', 'u'][number % 5]);
        name.push(['b', 'd', 'k', 'l', 'm', 'n', 'r'][number % 7]);
        number /= 3;
    }
    name
}

fn text(words: &str) -> Vec<String> {
    vec![words.to_owned()]
}

/// What the model said about a decision; not when, nor how long that took.
fn view(node: &Value) -> Value {
    let tiers = node.list("decision.considered");
    let model = tiers.iter().find(|view| view["tier"] == "MODEL");
    let mut view = model.expect("the model was asked").clone();
    view["latencyUs"].take();
    view["evidence"]["asOf"].take();
    view
}

#[tokio::test]
async fn a_payee_never_seen_is_filed_like_others_of_its_kind_and_says_why() {
    let app = TestApp::start().await;
    let desk = Desk::open(app.tenant("acme").await.owner()).await;
    desk.teach(&app, "bakery", "Staff Meals and Welfare", 12)
        .await;
    desk.teach(&app, "garage", "Travel", 12).await;

    let found = desk.receive(&app, &text("Zwolle Bakery")).await;
    let node = &found[0];
    assert_eq!(node["source"], "MODEL");
    assert_eq!(
        node.text("proposedCategory.name"),
        "Staff Meals and Welfare"
    );
    let confidence = node["confidence"].as_f64().unwrap();
    assert!((0.3..1.0).contains(&confidence), "{confidence}");
    assert_eq!(node.text("decision.version"), "2");
    assert!(node.text("decision.model").starts_with("learned/"));

    let view = view(node);
    assert_eq!(view["verdict"], "DECIDED");
    let evidence = &view["evidence"];
    assert_eq!(evidence["lessons"], 24);
    let features = evidence["features"].as_array().unwrap();
    let speaks = |feature: &Value| feature["feature"].as_str().unwrap().contains("baker");
    assert!(features.iter().any(speaks), "{features:?}");
    let top = evidence["top"].as_array().unwrap();
    assert_eq!(top.len(), 5);
    assert_eq!(top[0]["category"], desk.category("Staff Meals and Welfare"));
    let p = |at: usize| top[at]["probability"].as_f64().unwrap();
    assert!(p(0) > p(1) && p(1) >= p(2), "{top:?}");
    app.finish().await;
}

#[tokio::test]
async fn an_approval_taken_back_is_forgotten() {
    let app = TestApp::start().await;
    let desk = Desk::open(app.tenant("acme").await.owner()).await;
    desk.teach(&app, "garage", "Travel", 8).await;
    let before = desk.receive(&app, &text("Zwolle Bakery One")).await;
    let before = before[0]["confidence"].as_f64().unwrap();

    let kin: Vec<String> = ["Quirky", "Antwerp", "Harbour"]
        .map(|own| format!("{own} Bakery"))
        .into();
    let waiting = desk.receive(&app, &kin).await;
    desk.file(&waiting, "Training").await;
    let taught = desk.receive(&app, &text("Zwolle Bakery Two")).await;
    assert_eq!(taught[0].text("proposedCategory.name"), "Training");

    for approval in &waiting {
        let document = "mutation($id: ID!) { reopenApproval(input: { approvalId: $id }) {
            approval { id } errors { message } } }";
        let id = json!({ "id": approval.text("id") });
        desk.client.run(document, id).await.ok();
    }
    let after = desk.receive(&app, &text("Zwolle Bakery Three")).await;
    assert_ne!(after[0]["proposedCategory"]["name"], "Training");
    let top = view(&after[0])["evidence"]["top"].clone();
    let training = desk.category("Training");
    let named = top
        .as_array()
        .unwrap()
        .iter()
        .find(|line| line["category"] == training);
    let left = named.map_or(0.0, |line| line["probability"].as_f64().unwrap());
    assert!(left < 0.05, "{top}");
    let after = after[0]["confidence"].as_f64().unwrap();
    assert!((after - before).abs() < 0.25, "{before} became {after}");
    app.finish().await;
}

#[tokio::test]
async fn what_one_tenant_teaches_no_other_learns() {
    let app = TestApp::start().await;
    let acme = Desk::open(app.tenant("acme").await.owner()).await;
    acme.teach(&app, "bakery", "Training", 12).await;
    let other = Desk::open(app.tenant("umbrella").await.owner()).await;
    let found = other.receive(&app, &text("Zwolle Bakery")).await;
    assert_eq!(found[0]["source"], "NONE");
    assert_eq!(found[0]["proposedCategory"], Value::Null);
    app.finish().await;
}

async fn snapshots(app: &TestApp, tenant: TenantId) -> Vec<model_snapshot::Model> {
    let ctx = Ctx::system(Arc::clone(&app.app().handles), tenant);
    let read = ctx.read().await.unwrap();
    let found = read.select::<model_snapshot::Entity>().all(read.on()).await;
    found.unwrap()
}

#[tokio::test]
async fn another_process_goes_on_from_the_snapshot_and_decides_the_same() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let desk = Desk::open(tenant.owner()).await;
    for kind in ["bakery", "garage", "florist"] {
        desk.teach(
            &app,
            kind,
            if kind == "garage" {
                "Travel"
            } else {
                "Training"
            },
            75,
        )
        .await;
    }
    assert!(
        snapshots(&app, tenant.local_id()).await.is_empty(),
        "none is due yet"
    );
    // a snapshot is stored when the next record is decided
    let first = desk.receive(&app, &text("Zwolle Bakery")).await;
    let stored = snapshots(&app, tenant.local_id()).await;
    assert_eq!(stored.len(), 1);
    assert!(stored[0].sequence > 0);

    // a process that starts now loads it
    app.another_node().await;
    desk.import(&text("Zwolle Bakery")).await;
    worker::drain(&app.last_app()).await.unwrap();

    // one that finds it damaged learns everything again
    let ctx = Ctx::system(Arc::clone(&app.app().handles), tenant.local_id());
    let tx = ctx.begin().await.unwrap();
    let damaged = tx
        .update::<model_snapshot::Entity>()
        .col_expr(model_snapshot::Column::Bytes, Expr::value(vec![1_u8, 2, 3]))
        .exec(tx.on())
        .await
        .unwrap();
    assert_eq!(damaged.rows_affected, 1);
    tx.commit().await.unwrap();
    app.another_node().await;
    desk.import(&text("Zwolle Bakery")).await;
    worker::drain(&app.last_app()).await.unwrap();

    let all = desk.pending(&text("Zwolle Bakery")).await;
    assert_eq!(all.len(), 3);
    for node in &all {
        assert_eq!(view(node), view(&first[0]), "the same to the last digit");
        assert_eq!(node["confidence"], first[0]["confidence"]);
    }
    app.finish().await;
}

#[tokio::test]
async fn rows_name_their_account_by_its_number_and_may_count_spent_as_positive() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let row = json!({ "externalId": "1", "occurredOn": "2026-03-01", "amount": "12.50",
                      "currency": "EUR", "description": "Coffee" });
    let refund = json!({ "externalId": "2", "occurredOn": "2026-03-01", "amount": "-3.00",
                         "currency": "EUR", "description": "Coffee back" });
    let input = json!({ "accountNumber": "card 77", "spentPositive": true, "rows": [row, refund] });
    let stored = owner.run(IMPORT, json!({ "input": input })).await.ok();
    let rows = stored.list("importRecords.rows");
    assert_eq!(rows[0].text("record.amount.amount"), "-12.50");
    assert_eq!(rows[1].text("record.amount.amount"), "3.00");
    assert_eq!(rows[0].text("record.account.number"), "card 77");

    let again = json!({ "accountNumber": "card  77", "spentPositive": true, "rows": [row] });
    let again = owner.run(IMPORT, json!({ "input": again })).await.ok();
    assert_eq!(again.list("importRecords.rows")[0]["status"], "DUPLICATE");
    for input in [
        json!({ "rows": [row] }),
        json!({ "rows": [row], "accountNumber": " " }),
        json!({ "rows": [row], "accountNumber": "x", "accountId": owner.make_account("Y").await }),
    ] {
        let refused = owner.run(IMPORT, json!({ "input": input })).await;
        assert_eq!(refused.user_errors()[0]["code"], "BAD_USER_INPUT");
    }
    app.run_background_work().await;
    app.finish().await;
}
