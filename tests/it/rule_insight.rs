//! What rules tell about themselves: tags and flags, shadow mode, statistics, conflicts, and trying one on a record.

use serde_json::{Value, json};

use crate::support::{Client, Path, Tenant, TestApp, decide_again};

const CREATE: &str = "mutation($input: CreateRuleInput!) { createRule(input: $input) {
    rule { id tags flag shadow } errors { field message code }
} }";
const IMPORT: &str = "mutation($input: ImportRecordsInput!) { importRecords(input: $input) {
    rows { record { id } } errors { field message }
} }";
const RULE: &str = "query($id: ID!) { rule(id: $id) { shadow statistics {
    live { hits lastHitAt agreed overridden precision } shadow { hits lastHitAt agreed overridden precision }
} } }";
const OVERRIDE: &str = "mutation($record: ID!, $category: ID!) {
    overrideRecord(input: { recordId: $record, categoryId: $category }) { approval { id } errors { message } } }";
const TEST: &str = "mutation($input: TestRuleInput!) { testRule(input: $input) {
    record { matches failingClause record { id } stoppedBy { name } fields { field value takesEffect filledBy { name } } }
    test { sampled matches confirmations contradictions effective } errors { field message code }
} }";

struct Books {
    tenant: Tenant,
    owner: Client,
    account: String,
    categories: Vec<String>,
}

impl Books {
    async fn open(app: &TestApp) -> Self {
        let tenant = app.tenant("acme").await;
        let owner = tenant.owner();
        let chart = "{ categories { id kind } }";
        let chart = owner.run(chart, json!({})).await.ok();
        let expenses = chart.list("categories").iter();
        let expenses = expenses.filter(|node| node["kind"] == "EXPENSE");
        Self {
            account: owner.make_account("Main").await,
            categories: expenses.map(|node| node.text("id")).skip(1).collect(),
            tenant,
            owner,
        }
    }

    /// Stores records with these texts and has them processed; their ids.
    async fn receive(&self, app: &TestApp, texts: &[&str]) -> Vec<String> {
        let row = |text: &&str| json!({ "externalId": text, "occurredOn": "2026-03-01", "amount": "-12.50", "currency": "EUR", "description": text });
        let rows: Vec<Value> = texts.iter().map(row).collect();
        let input = json!({ "input": { "accountId": self.account, "rows": rows } });
        let stored = self.owner.run(IMPORT, input).await.ok();
        app.run_background_work().await;
        let rows = stored.list("importRecords.rows").iter();
        rows.map(|row| row.text("record.id")).collect()
    }

    async fn rule(&self, name: &str, word: &str, more: Value) -> String {
        let mut input =
            json!({ "name": name, "conditions": { "text": { "op": "CONTAINS", "value": word } } });
        for (key, value) in more.as_object().unwrap() {
            input[key] = value.clone();
        }
        let made = self.owner.run(CREATE, json!({ "input": input })).await;
        made.ok().text("createRule.rule.id")
    }

    async fn update(&self, input: Value) {
        let document = "mutation($input: UpdateRuleInput!) { updateRule(input: $input) { rule { id } errors { message } } }";
        self.owner
            .run(document, json!({ "input": input }))
            .await
            .ok();
    }

    /// Hits, agreed, overridden and precision of a rule, live or in shadow.
    async fn counts(&self, rule: &str, mode: &str) -> Value {
        let found = self.owner.run(RULE, json!({ "id": rule })).await.ok();
        let of = found.path(&format!("rule.statistics.{mode}"));
        assert_eq!(of["lastHitAt"].is_null(), of["hits"] == 0, "{of}");
        json!([of["hits"], of["agreed"], of["overridden"], of["precision"]])
    }

    async fn file(&self, record: &str, category: &str) -> String {
        let choice = json!({ "record": record, "category": category });
        let done = self.owner.run(OVERRIDE, choice).await.ok();
        done.text("overrideRecord.approval.id")
    }
}

#[tokio::test]
async fn tags_of_all_matching_rules_are_on_the_record_and_find_it() {
    let app = TestApp::start().await;
    let books = Books::open(&app).await;
    let actions = json!({ "actions": { "tags": ["  Travel ", "TAX", "tax"] } });
    books.rule("trip", "trip", actions).await;
    let more = json!({ "actions": { "tags": ["tax", "100%", "_"] } });
    books.rule("uber", "uber", more).await;
    books
        .receive(&app, &["UBER TRIP", "UBER EATS", "BAKERY"])
        .await;

    let find = async |tags: Value| {
        let records = "query($filter: RecordFilter) { records(filter: $filter, orderBy: CREATED_ASC, first: 9) {
            totalCount edges { node { description tags decision { tags } } } } }";
        let filter = json!({ "filter": { "tags": tags } });
        let found = books.owner.run(records, filter).await.ok();
        let edges = found.list("records.edges").iter();
        let named: Vec<String> = edges
            .map(|edge| {
                assert_eq!(edge["node"]["tags"], edge["node"]["decision"]["tags"]);
                edge.text("node.description")
            })
            .collect();
        assert_eq!(found.number("records.totalCount") as usize, named.len());
        (
            named.join(", "),
            found["records"]["edges"][0]["node"]["tags"].clone(),
        )
    };
    let (all, tags) = find(json!(["TAX"])).await;
    assert_eq!(all, "UBER TRIP, UBER EATS");
    assert_eq!(tags, json!(["travel", "tax", "100%", "_"]));
    assert_eq!(find(json!(["tax", "travel"])).await.0, "UBER TRIP");
    assert_eq!(find(json!(["100%"])).await.0, "UBER TRIP, UBER EATS");
    // a part of a tag, a wildcard, and what stands between two tags are no tags
    for none in ["ta", "%", "t_x", ",", "\",\"", "", "bakery"] {
        assert_eq!(find(json!([none])).await.0, "", "{none}");
    }
    assert_eq!(find(json!([])).await.0, "UBER TRIP, UBER EATS, BAKERY");

    let wrong = json!({ "input": { "name": "x", "conditions": { "direction": "OUT" }, "actions": { "tags": ["a", "a,b"] } } });
    let refused = books.owner.run(CREATE, wrong).await;
    assert_eq!(refused.user_errors()[0]["field"], "actions.tags[1]");
    app.finish().await;
}

#[tokio::test]
async fn a_flag_shows_in_the_approval_with_its_reason() {
    let app = TestApp::start().await;
    let books = Books::open(&app).await;
    let actions = json!({ "actions": { "flag": "Is the receipt there?" } });
    books.rule("check", "uber", actions).await;
    books.receive(&app, &["UBER TRIP", "BAKERY"]).await;
    let queue = "query($flagged: Boolean) { approvals(filter: { flagged: $flagged }, first: 9) { edges { node {
        flag record { description decision { flag } } } } } }";
    for (flagged, description, flag) in [
        (true, "UBER TRIP", json!("Is the receipt there?")),
        (false, "BAKERY", Value::Null),
    ] {
        let found = books.owner.run(queue, json!({ "flagged": flagged })).await;
        let found = found.ok();
        let edges = found.list("approvals.edges");
        assert_eq!(edges.len(), 1);
        assert_eq!(edges[0].text("node.record.description"), description);
        assert_eq!(edges[0]["node"]["flag"], flag);
        assert_eq!(edges[0]["node"]["record"]["decision"]["flag"], flag);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_rule_in_shadow_decides_nothing_and_is_counted_until_it_goes_live() {
    let app = TestApp::start().await;
    let books = Books::open(&app).await;
    let (right, wrong) = (&books.categories[0], &books.categories[1]);
    let more =
        json!({ "actions": { "categoryId": right, "note": "ride" }, "stop": true, "shadow": true });
    let shadow = books.rule("rides", "uber", more).await;
    let records = books.receive(&app, &["UBER ONE", "UBER TWO"]).await;
    let look = "query($id: ID!) { record(id: $id) { note decision { source considered } } }";
    let seen = books
        .owner
        .run(look, json!({ "id": records[0] }))
        .await
        .ok();
    assert_eq!(seen.path("record.note"), &Value::Null);
    assert_ne!(seen.path("record.decision.source"), "RULE");
    let views = seen.list("record.decision.considered");
    let view = views.iter().find(|view| view["verdict"] == "SHADOW");
    let view = view.expect("what it would have done is told");
    assert_eq!(view["category"], *right);
    assert_eq!(view["evidence"]["matched"], json!([shadow]));
    assert_eq!(view["evidence"]["fields"], json!(["CATEGORY", "NOTE"]));

    books.file(&records[0], right).await;
    books.file(&records[1], wrong).await;
    assert_eq!(books.counts(&shadow, "shadow").await, json!([2, 1, 1, 0.5]));
    assert_eq!(books.counts(&shadow, "live").await, json!([0, 0, 0, null]));

    books
        .update(json!({ "ruleId": shadow, "shadow": false }))
        .await;
    let records = books.receive(&app, &["UBER THREE"]).await;
    let seen = books
        .owner
        .run(look, json!({ "id": records[0] }))
        .await
        .ok();
    assert_eq!(seen.text("record.decision.source"), "RULE");
    assert_eq!(seen.text("record.note"), "ride");
    assert_eq!(books.counts(&shadow, "live").await, json!([1, 0, 0, null]));
    assert_eq!(books.counts(&shadow, "shadow").await, json!([2, 1, 1, 0.5]));
    app.finish().await;
}

#[tokio::test]
async fn statistics_follow_what_people_decide_and_take_back() {
    let app = TestApp::start().await;
    let books = Books::open(&app).await;
    let (right, wrong) = (&books.categories[0], &books.categories[1]);
    let first = json!({ "actions": { "categoryId": right } });
    let first = books.rule("first", "uber", first).await;
    let second = json!({ "actions": { "categoryId": wrong, "note": "x" } });
    let second = books.rule("second", "uber", second).await;
    let records = books
        .receive(&app, &["UBER A", "UBER B", "UBER C", "BAKERY"])
        .await;
    assert_eq!(books.counts(&first, "live").await, json!([3, 0, 0, null]));

    books.file(&records[0], right).await;
    let taken_back = books.file(&records[1], wrong).await;
    assert_eq!(books.counts(&first, "live").await, json!([3, 1, 1, 0.5]));
    // it met them as well, and its category was not the one that was proposed
    assert_eq!(books.counts(&second, "live").await, json!([3, 0, 0, null]));
    let reopen = "mutation($id: ID!) { reopenApproval(input: { approvalId: $id }) { approval { id } errors { message } } }";
    books
        .owner
        .run(reopen, json!({ "id": taken_back }))
        .await
        .ok();
    assert_eq!(books.counts(&first, "live").await, json!([3, 1, 0, 1.0]));

    // processed again, it counts once
    books
        .update(json!({ "ruleId": second, "conditions": { "direction": "IN" } }))
        .await;
    decide_again(&app, &books.tenant, &records[2]).await;
    assert_eq!(books.counts(&first, "live").await, json!([3, 1, 0, 1.0]));
    assert_eq!(books.counts(&second, "live").await, json!([2, 0, 0, null]));
    app.finish().await;
}

#[tokio::test]
async fn rules_in_each_others_way_are_shown_with_the_records_they_meet_on() {
    let app = TestApp::start().await;
    let books = Books::open(&app).await;
    let category = |at: usize| json!({ "categoryId": books.categories[at] });
    let trips = json!({ "actions": category(0), "stop": true });
    let trips = books.rule("trips", "trip", trips).await;
    books
        .rule("uber", "uber", json!({ "actions": category(1) }))
        .await;
    let never = json!({ "actions": { "note": "airport" } });
    let never = books.rule("never", "airport", never).await;
    let alone = books
        .rule("alone", "bakery", json!({ "actions": category(2) }))
        .await;
    let records = books
        .receive(
            &app,
            &["UBER TRIP", "UBER TRIP AIRPORT", "UBER EATS", "BAKERY"],
        )
        .await;

    let asked = "{ ruleConflicts { sampled conflicts { kind field records rule { name } earlier { name } exampleIds } } }";
    let found = books.owner.run(asked, json!({})).await.ok();
    assert_eq!(found.number("ruleConflicts.sampled"), 4);
    let told = |conflict: &Value| {
        format!(
            "{} {} {} after {}: {} of {}",
            conflict.text("kind"),
            conflict["field"].as_str().unwrap_or("-"),
            conflict.text("rule.name"),
            conflict.text("earlier.name"),
            conflict.list("exampleIds").len(),
            conflict["records"],
        )
    };
    let all: Vec<String> = found
        .list("ruleConflicts.conflicts")
        .iter()
        .map(told)
        .collect();
    assert_eq!(
        all,
        [
            "CONTRADICTION CATEGORY uber after trips: 2 of 2",
            "UNREACHED - never after trips: 1 of 1",
        ]
    );
    assert_eq!(
        found["ruleConflicts"]["conflicts"][1]["exampleIds"],
        json!([records[1]])
    );
    let asked = "query($id: ID!) { ruleConflicts(ruleId: $id) { conflicts { kind } } }";
    for (rule, conflicts) in [(trips, 2), (never, 1), (alone, 0)] {
        let of = books.owner.run(asked, json!({ "id": rule })).await.ok();
        assert_eq!(of.list("ruleConflicts.conflicts").len(), conflicts);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_rule_is_tried_on_one_record_beside_the_rules_in_force() {
    let app = TestApp::start().await;
    let books = Books::open(&app).await;
    let (one, other) = (&books.categories[0], &books.categories[1]);
    let first = json!({ "actions": { "categoryId": one } });
    books.rule("first", "uber", first).await;
    let records = books.receive(&app, &["UBER TRIP", "BAKERY"]).await;
    let test = async |input: Value| {
        let tried = books.owner.run(TEST, json!({ "input": input })).await;
        tried.ok().path("testRule").clone()
    };
    let rule = |word: &str| {
        json!({ "conditions": { "all": [{ "direction": "OUT" }, { "text": { "op": "CONTAINS", "value": word } }] },
                "actions": { "categoryId": other, "tags": ["Late"] }, "recordId": records[0] })
    };
    let tried = test(rule("trip")).await;
    assert_eq!(tried.path("record.matches"), true);
    assert_eq!(tried.text("record.record.id"), records[0]);
    assert_eq!(
        tried["record"]["fields"],
        json!([
            { "field": "CATEGORY", "value": other, "takesEffect": false, "filledBy": { "name": "first" } },
            { "field": "TAGS", "value": "late", "takesEffect": true, "filledBy": null },
        ])
    );
    let tried = test(rule("bus")).await;
    assert_eq!(tried.path("record.matches"), false);
    assert_eq!(
        tried.text("record.failingClause"),
        "it is not so that the description contains \"bus\""
    );
    assert_eq!(tried["record"]["fields"][1]["takesEffect"], false);

    // a stored one at its place, switched off and in shadow as it is
    let more =
        json!({ "actions": { "note": "ride" }, "shadow": true, "position": 1, "stop": true });
    let stored = books.rule("stored", "uber", more).await;
    let tried = test(json!({ "ruleId": stored, "recordId": records[0] })).await;
    assert_eq!(tried["record"]["fields"][0]["takesEffect"], true);
    books
        .update(json!({ "ruleId": stored, "shadow": false }))
        .await;
    let tried = test(rule("trip")).await;
    assert_eq!(tried.text("record.stoppedBy.name"), "stored");
    assert_eq!(tried["record"]["fields"][1]["takesEffect"], false);

    // on history, a stored one as it is and changed
    let tried = test(json!({ "ruleId": stored })).await;
    assert_eq!(
        tried["test"],
        json!({ "sampled": 2, "matches": 1, "confirmations": 0, "contradictions": 0, "effective": 1 })
    );
    let changed = json!({ "ruleId": stored, "conditions": { "direction": "OUT" } });
    assert_eq!(test(changed).await["test"]["matches"], 2);
    let missing = json!({ "input": { "actions": { "note": "x" } } });
    let missing = books.owner.run(TEST, missing).await;
    assert_eq!(missing.user_errors()[0]["field"], "conditions");
    app.finish().await;
}
