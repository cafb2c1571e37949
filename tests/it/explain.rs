//! Why a record was decided as it was, and why not otherwise.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::roles::{member_as, role};
use crate::support::{Client, Path, TestApp};

const IMPORT: &str = "mutation($input: ImportRecordsInput!) { importRecords(input: $input) {
    rows { record { id } error { message } } errors { message } } }";
const FILE: &str = "mutation($input: OverrideRecordsInput!) { overrideRecords(input: $input) {
    answers { error { message } } errors { message } } }";
const QUEUE: &str =
    "{ approvals(filter: { status: [PENDING] }, first: 100) { edges { node { id } } } }";
const RULE: &str = "mutation($input: CreateRuleInput!) { createRule(input: $input) {
    rule { id } errors { field message } } }";
const EXPLAIN: &str = "query($id: ID!) { node(id: $id) { ... on Decision { id source explain {
    summary pipelineVersion modelFormat lessons modelAsOf rulesAsOf cost latencyUs
    tiers { tier verdict confidence reason latencyUs ruleCount category { name }
        rules { matched failedClause ruleId rule { name } }
        precedents { support contradictions accountSupport }
        neighbours { text score filedUnder { count category { name } } }
        features { feature weight } classes { probability category { name } }
        languageModel { model } } } } } }";
const WHY_NOT: &str = "query($record: ID, $decision: ID, $category: ID!) {
    whyNot(recordId: $record, decisionId: $decision, categoryId: $category) {
    chosen summary category { name } decision { id }
    tiers { tier asOf reason wouldChange approved probability probabilityThen rank
        rules { reason rule { name } } featuresAgainst { feature weight } nearest { text score } } } }";

struct Desk {
    client: Client,
    account: String,
    chart: Value,
}

impl Desk {
    async fn open(client: Client) -> Self {
        let account = client.make_account("Card").await;
        let chart = client
            .run("{ categories { id name } }", json!({}))
            .await
            .ok();
        Self {
            client,
            account,
            chart,
        }
    }

    fn category(&self, name: &str) -> String {
        let mut chart = self.chart.list("categories").iter();
        let found = chart.find(|it| it["name"] == name);
        found.expect("the chart has it").text("id")
    }

    /// Imports this text and has it decided; its global id.
    async fn receive(&self, app: &TestApp, text: &str) -> String {
        static LAST: AtomicUsize = AtomicUsize::new(0);
        let id = LAST.fetch_add(1, Ordering::Relaxed).to_string();
        let row = json!({ "externalId": id, "occurredOn": "2026-03-01", "amount": "-12.50", "currency": "EUR",
                          "description": text });
        let input = json!({ "input": { "accountId": self.account, "rows": [row] } });
        let imported = self.client.run(IMPORT, input).await.ok();
        app.run_background_work().await;
        imported.text("importRecords.rows[0].record.id")
    }

    /// Files everything that waits.
    async fn file(&self, category: &str) {
        let queue = self.client.run(QUEUE, json!({})).await.ok();
        let ids = queue.list("approvals.edges").iter();
        let ids: Vec<String> = ids.map(|edge| edge.text("node.id")).collect();
        let input = json!({ "approvalIds": ids, "categoryId": self.category(category) });
        let done = self.client.run(FILE, json!({ "input": input })).await.ok();
        for answer in done.list("overrideRecords.answers") {
            assert_eq!(answer["error"], Value::Null);
        }
    }

    async fn teach(&self, app: &TestApp, text: &str, category: &str, times: usize) {
        for _ in 0..times {
            self.receive(app, text).await;
        }
        self.file(category).await;
    }

    async fn rule(&self, name: &str, value: &str, category: &str) {
        let input = json!({ "name": name, "actions": { "categoryId": self.category(category) },
                            "conditions": { "text": { "op": "CONTAINS", "value": value } } });
        self.client.run(RULE, json!({ "input": input })).await.ok();
    }

    /// What the pipeline decided about it, whatever people decided since.
    async fn explain(&self, record: &str) -> Value {
        let first = "query($id: ID!) { record(id: $id) { decisions { id } } }";
        let first = self.client.run(first, json!({ "id": record })).await.ok();
        let id = first.text("record.decisions[0].id");
        let found = self.client.run(EXPLAIN, json!({ "id": id })).await.ok();
        found["node"].clone()
    }

    async fn why_not(&self, record: &str, category: &str) -> Value {
        let input = json!({ "record": record, "category": self.category(category) });
        self.client.run(WHY_NOT, input).await.ok()["whyNot"].clone()
    }
}

/// What one tier says, of an explanation or of a refusal.
fn tier<'a>(of: &'a Value, name: &str) -> &'a Value {
    let mut tiers = of.list("tiers").iter();
    tiers
        .find(|it| it["tier"] == name)
        .expect("every tier speaks")
}

/// Two payees that no list knows, so that what is told comes from approvals.
async fn taught(app: &TestApp) -> Desk {
    let desk = Desk::open(app.tenant("acme").await.owner()).await;
    desk.teach(app, "DUNMORE CENTRAL", "Travel", 4).await;
    desk.teach(app, "PAPER AND PENS SHOP", "Office Supplies", 4)
        .await;
    desk
}

#[tokio::test]
async fn a_decision_tells_what_every_tier_saw_then() {
    let app = TestApp::start().await;
    let desk = taught(&app).await;
    desk.rule("Ferries", "ferry", "Travel").await;
    let record = desk.receive(&app, "DUNMORE CENTRAL").await;
    let decision = desk.explain(&record).await;
    let told = &decision["explain"];
    assert_eq!(told["pipelineVersion"], json!(balance::processing::VERSION));
    assert_eq!(told["lessons"], json!(8));
    assert!(told.number("modelFormat") > 0 && told.number("latencyUs") >= 0);
    assert!(told.number("rulesAsOf") == told.number("modelAsOf") && told.number("modelAsOf") > 8);
    assert_eq!(told["cost"], json!("0.000000"));
    let summary = told.text("summary");
    assert!(
        summary.contains("% sure") && summary.contains("Travel"),
        "{summary}"
    );

    let rules = tier(told, "RULE");
    assert_eq!(
        (&rules["verdict"], &rules["ruleCount"]),
        (&json!("SILENT"), &json!(1))
    );
    let rule = rules.path("rules[0]");
    assert_eq!(rule["matched"], json!(false));
    assert_eq!(
        rule["failedClause"],
        "it is not so that the description contains \"ferry\""
    );
    assert_eq!(rule["rule"]["name"], "Ferries");
    let exact = tier(told, "EXACT");
    assert_eq!(exact["category"]["name"], "Travel");
    assert_eq!(
        exact["precedents"],
        json!({ "support": 4, "contradictions": 0, "accountSupport": 4 })
    );
    let model = tier(told, "MODEL");
    assert_eq!(model.list("classes").len(), 5);
    assert_eq!(model.path("classes[0].category.name"), "Travel");
    assert!(!model.list("features").is_empty());
    assert!(tier(told, "LLM")["verdict"] == "NOT_ASKED");
    assert!(
        told.list("tiers")
            .iter()
            .all(|it| !it.text("reason").is_empty())
    );

    // what is learnt and changed since does not change what was the case then
    desk.rule("Dunmore", "dunmore", "Office Supplies").await;
    desk.teach(&app, "DUNMORE CENTRAL", "Office Supplies", 3)
        .await;
    assert_eq!(desk.explain(&record).await["explain"]["lessons"], json!(8));
    app.finish().await;
}

#[tokio::test]
async fn texts_that_look_alike_are_told_with_their_scores() {
    let app = TestApp::start().await;
    let desk = Desk::open(app.tenant("acme").await.owner()).await;
    desk.teach(&app, "DUNMORE CENTRAL", "Travel", 1).await;
    let record = desk.receive(&app, "DUNMORE CENTURION LTD").await;
    let decision = desk.explain(&record).await;
    let similar = tier(&decision["explain"], "SIMILAR");
    assert_eq!(
        similar.path("neighbours[0].text"),
        "dunmore central",
        "{similar:#}"
    );
    assert!(similar.path("neighbours[0].score").as_f64().unwrap() > 0.35);
    assert_eq!(similar.path("neighbours[0].filedUnder[0].count"), 1);
    assert_eq!(
        similar.path("neighbours[0].filedUnder[0].category.name"),
        "Travel"
    );
    app.finish().await;
}

#[tokio::test]
async fn each_tier_says_why_not_and_what_would_change_it() {
    let app = TestApp::start().await;
    let desk = taught(&app).await;
    let record = desk.receive(&app, "DUNMORE CENTRAL").await;

    let told = desk.why_not(&record, "Office Supplies").await;
    assert_eq!(
        (&told["chosen"], &told["category"]["name"]),
        (&json!(false), &json!("Office Supplies"))
    );
    let rules = tier(&told, "RULE");
    assert_eq!(rules["reason"], "No rule names Office Supplies.");
    assert!(rules.text("wouldChange").contains("A rule that matches"));
    let exact = tier(&told, "EXACT");
    assert_eq!(exact["approved"], json!(0));
    assert_eq!(
        exact["reason"],
        "\"dunmore central\" was never filed under Office Supplies, and under Travel 4 times."
    );
    assert!(exact.text("wouldChange").starts_with("5 more approvals"));
    let model = tier(&told, "MODEL");
    let rank = model.number("rank");
    assert!(
        rank > 1 && model.text("reason").contains(&format!("rank {rank} of 5")),
        "{model:#}"
    );
    let probability = model["probability"].as_f64().unwrap();
    assert!(probability > 0.0 && probability < 0.5);
    assert_eq!(model["probabilityThen"].as_f64().unwrap(), probability);
    assert!(!model.list("featuresAgainst").is_empty());
    let similar = tier(&told, "SIMILAR");
    assert_eq!(similar["asOf"], "NOW");
    assert_eq!(tier(&told, "LLM")["asOf"], "THEN");
    assert!(
        told.text("summary")
            .contains("Office Supplies was not chosen"),
        "{told:#}"
    );

    // the same, asked about the decision
    let decision = told.text("decision.id");
    let input = json!({ "decision": decision, "category": desk.category("Travel") });
    let chosen = desk.client.run(WHY_NOT, input).await.ok();
    assert_eq!(chosen["whyNot"]["chosen"], json!(true));
    assert_eq!(chosen["whyNot"]["summary"], "Travel is what was chosen.");

    // exactly one of the two
    let category = desk.category("Travel");
    for input in [
        json!({ "category": category }),
        json!({ "record": record, "decision": decision, "category": category }),
    ] {
        assert_eq!(
            desk.client.run(WHY_NOT, input).await.error_code(),
            "BAD_USER_INPUT"
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn a_rule_that_would_have_led_there_names_its_first_failing_clause() {
    let app = TestApp::start().await;
    let desk = taught(&app).await;
    desk.rule("Ferries", "ferry", "Office Supplies").await;
    let record = desk.receive(&app, "DUNMORE CENTRAL").await;
    let told = desk.why_not(&record, "Office Supplies").await;
    let rules = tier(&told, "RULE");
    let clause = "it is not so that the description contains \"ferry\"";
    assert_eq!(rules.path("rules[0].reason"), clause);
    assert_eq!(rules.path("rules[0].rule.name"), "Ferries");
    assert_eq!(
        rules["reason"],
        format!("The rule \"Ferries\" names Office Supplies: {clause}.")
    );

    // one that comes before it, and one that came after the decision
    desk.rule("Dunmore", "dunmore", "Travel").await;
    desk.rule("Later", "central", "Office Supplies").await;
    let told = desk.why_not(&record, "Office Supplies").await;
    let later = tier(&told, "RULE").path("rules[1].reason").clone();
    assert_eq!(later, "it matches, and \"Dunmore\" comes before it");
    let told = desk.why_not(&record, "Travel").await;
    let first = tier(&told, "RULE").path("rules[0].reason").clone();
    assert_eq!(
        first,
        "it matches now: it was made or changed after the decision"
    );
    app.finish().await;
}

#[tokio::test]
async fn what_it_would_take_is_what_it_takes() {
    let app = TestApp::start().await;
    let desk = taught(&app).await;
    let record = desk.receive(&app, "DUNMORE CENTRAL").await;
    let before = desk.why_not(&record, "Office Supplies").await;
    let was = tier(&before, "MODEL")["probability"].as_f64().unwrap();
    // nobody has decided about it, so others of its kind teach
    let waiting = desk.client.run(QUEUE, json!({})).await.ok();
    let spared = waiting.text("approvals.edges[0].node.id");
    for _ in 0..5 {
        desk.receive(&app, "DUNMORE CENTRAL").await;
    }
    let queue = desk.client.run(QUEUE, json!({})).await.ok();
    let ids = queue
        .list("approvals.edges")
        .iter()
        .map(|edge| edge.text("node.id"));
    let ids: Vec<String> = ids.filter(|id| *id != spared).collect();
    let input = json!({ "approvalIds": ids, "categoryId": desk.category("Office Supplies") });
    desk.client.run(FILE, json!({ "input": input })).await.ok();
    let after = desk.why_not(&record, "Office Supplies").await;
    assert_eq!(tier(&after, "EXACT")["approved"], json!(5));
    assert_eq!(tier(&after, "EXACT")["wouldChange"], Value::Null);
    let model = tier(&after, "MODEL");
    assert!(model["probability"].as_f64().unwrap() > was);
    assert!(
        model["probabilityThen"].as_f64().unwrap() <= was + 0.001,
        "then stays then"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_trace_stays_small_however_many_rules_there_are() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let desk = Desk::open(tenant.owner()).await;
    desk.teach(&app, "DUNMORE CENTRAL", "Travel", 2).await;
    desk.receive(&app, "DUNMORE CENTURION LTD").await;
    let usual = longest(&app, tenant.local_id()).await;
    assert!(usual < 2_000, "{usual} bytes");
    for n in 0..20 {
        let value = format!("{} {n}", "a needle that is long ".repeat(8));
        desk.rule(&format!("Rule {n}"), &value, "Travel").await;
    }
    let record = desk.receive(&app, "DUNMORE CENTAUR LTD").await;
    let decision = desk.explain(&record).await;
    let rules = tier(&decision["explain"], "RULE");
    assert_eq!(
        (rules.list("rules").len(), &rules["ruleCount"]),
        (8, &json!(20))
    );
    let longest = longest(&app, tenant.local_id()).await;
    assert!(
        longest < usual + 2_500,
        "{longest} bytes, {usual} without rules"
    );
    app.finish().await;
}

/// The bytes of the longest trace.
async fn longest(app: &TestApp, tenant: entity::TenantId) -> usize {
    let ctx = balance::ctx::Ctx::system(app.app().handles.clone(), tenant);
    let read = ctx.read().await.unwrap();
    let rows = read.select::<entity::decision::Entity>();
    let rows = rows.all(read.on()).await.unwrap();
    let lengths = rows.iter().map(|row| row.considered.len());
    lengths.max().unwrap()
}

#[tokio::test]
async fn who_may_not_read_rules_is_told_of_none() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = Desk::open(tenant.owner()).await;
    owner.rule("Ferries", "ferry", "Office Supplies").await;
    let record = owner.receive(&app, "DUNMORE CENTRAL").await;
    let told = owner.explain(&record).await;
    assert_eq!(tier(&told["explain"], "RULE").list("rules").len(), 1);
    let clerk = role(
        &tenant.owner(),
        "Clerk",
        &["records:read", "accounts:read", "approvals:read"],
    )
    .await;
    let clerk = Desk {
        client: member_as(&tenant, &clerk).await,
        account: owner.account.clone(),
        chart: owner.chart.clone(),
    };
    let told = clerk.explain(&record).await;
    let rules = tier(&told["explain"], "RULE");
    assert_eq!(
        (rules.list("rules").len(), &rules["ruleCount"]),
        (0, &json!(1))
    );
    let refused = clerk.why_not(&record, "Office Supplies").await;
    let reason = tier(&refused, "RULE").text("reason");
    assert!(reason.contains("for those who may read rules"), "{reason}");
    let seen = format!("{told} {refused}").to_lowercase();
    assert!(!seen.contains("ferr"), "{seen}");
    app.finish().await;
}
