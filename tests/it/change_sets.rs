//! Simulations made real, and taken back.

mod refusals;
mod sets;
mod steps;

use serde_json::{Value, json};

use self::sets::{Applying, applied, filing, make_rule, undone};
use crate::support::{Desk, Path, TestApp};

#[tokio::test]
async fn rules_are_put_in_force_as_simulated_and_stand_as_before_once_undone() {
    let app = TestApp::start().await;
    let desk = Desk::history(&app).await;
    let owner = &desk.owner;
    let group = "mutation { createRuleGroup(input: { name: \"Travel\" }) { ruleGroup { id } } }";
    let group = owner.run(group, Value::Null).await.ok();
    let group = group.text("createRuleGroup.ruleGroup.id");
    let mut ids = Vec::new();
    for (name, at) in [("alpha", 1), ("beta", 2), ("gamma", 3)] {
        ids.push(make_rule(owner, name, &desk.expenses[at], None).await);
    }
    for name in ["delta", "omega"] {
        ids.push(make_rule(owner, name, &desk.expenses[4], Some(&group)).await);
    }
    let before = owner.rules().await;
    let mut added = desk.rule("coffee", 3);
    added["add"]["position"] = json!(1);
    let last = desk.rule("trein", 2);
    let simulated = desk
        .simulate(json!({ "knowledge": "NOW", "rules": [
            added, last,
            { "edit": { "ruleId": ids[0], "actions": { "categoryId": desk.expenses[5] }, "stop": true } },
            { "disable": ids[1] },
            { "move": { "ruleId": ids[4], "position": 1 } },
            { "remove": ids[2] },
        ] }))
        .await;
    let made = owner.apply(&simulated, json!({})).await;
    let set = made.path("changeSet");
    // no record is to follow, so nothing is left to be done
    assert_eq!(set["status"], "APPLIED", "{made:#}");
    assert_eq!(
        (&set["ruleChanges"], &set["applied"]),
        (&json!(6), &json!(6))
    );
    assert_eq!(set["totalRecords"], 0);
    assert_eq!(set["simulation"]["id"], simulated["id"]);
    let rules = owner.rules().await;
    let told = |rules: &Value| -> Vec<(String, bool)> {
        let rules = rules.as_array().unwrap().iter();
        rules
            .map(|rule| (rule.text("name"), rule["enabled"] == true))
            .collect()
    };
    let on = |name: &str| (name.to_owned(), true);
    assert_eq!(
        told(&rules),
        [
            on("coffee"),
            on("alpha"),
            ("beta".to_owned(), false),
            on("trein"),
            on("omega"),
            on("delta")
        ]
    );
    assert_eq!(rules[1].text("category.id"), desk.expenses[5]);
    let items = owner.items(&set.text("id"), Value::Null).await;
    let kinds: Vec<&Value> = items.iter().map(|item| &item["kind"]).collect();
    assert_eq!(
        kinds,
        [
            "RULE_ADDED",
            "RULE_ADDED",
            "RULE_EDITED",
            "RULE_DISABLED",
            "RULE_MOVED",
            "RULE_REMOVED"
        ]
    );
    assert_eq!(items[0].text("rule.name"), "coffee");
    // the same events as when people do it one by one
    for (kind, count) in [
        ("RULE_CREATED", 7),
        ("RULE_MOVED", 1),
        ("RULE_DELETED", 1),
        ("CHANGE_SET_APPLIED", 1),
    ] {
        assert_eq!(owner.kinds(kind).await, count, "{kind}");
    }
    // what is in force is what was simulated: nothing would be decided otherwise
    let after = desk.simulate(json!({ "knowledge": "NOW" })).await;
    assert_eq!(after.path("before.right"), simulated.path("after.right"));

    let set = undone(&app, &desk, set).await;
    assert_eq!(
        (&set["undone"], &set["left"], &set["applied"]),
        (&json!(6), &json!(0), &json!(0))
    );
    assert_eq!(owner.rules().await, before);
    assert_eq!(owner.kinds("RULE_RESTORED").await, 1);
    let twice = owner.undo(&set.text("id")).await;
    assert_eq!(twice.path("errors[0].code"), "CONFLICT");
    app.finish().await;
}

#[tokio::test]
async fn records_that_wait_are_proposed_again_and_wait_as_before_once_undone() {
    let app = TestApp::start().await;
    let desk = Desk::history(&app).await;
    let owner = &desk.owner;
    let (records, statement) = (owner.records().await, owner.statement().await);
    let simulated = desk
        .simulate(json!({ "knowledge": "NOW", "rules": [desk.rule("coffee", 3)] }))
        .await;
    let set = applied(
        &app,
        &desk,
        &simulated,
        json!({ "waiting": "PROPOSE_AGAIN" }),
    )
    .await;
    assert_eq!(
        (&set["totalRecords"], &set["doneRecords"]),
        (&json!(15), &json!(15))
    );
    assert_eq!(
        (&set["applied"], &set["refused"], &set["left"]),
        (&json!(6), &json!(0), &json!(0))
    );
    assert_eq!(set["progress"], 1.0);
    let now = owner.records().await;
    let waiting = |records: &[Value]| -> Vec<Value> {
        let waiting = records
            .iter()
            .filter(|record| record["status"] == "PROCESSED");
        waiting.cloned().collect()
    };
    assert_eq!(waiting(&now).len(), 5);
    for record in waiting(&now) {
        assert_eq!(record.text("category.id"), desk.expenses[3]);
        assert_eq!(record.text("decision.source"), "RULE");
    }
    assert_eq!(
        owner.statement().await,
        statement,
        "the books are as before"
    );
    let hits = "{ rules { statistics { live { hits } } } }";
    let met = owner.run(hits, Value::Null).await.ok();
    assert_eq!(met.number("rules[0].statistics.live.hits"), 5);
    assert_eq!(owner.kinds("PROPOSAL_WITHDRAWN").await, 5);

    let set = undone(&app, &desk, &set).await;
    assert_eq!((&set["undone"], &set["left"]), (&json!(6), &json!(0)));
    assert_eq!(owner.records().await, records, "they wait as before");
    assert_eq!(owner.statement().await, statement);
    assert_eq!(owner.kinds("PROPOSAL_RESTORED").await, 5);
    // and can be decided
    desk.file(&desk.expenses[1]).await;
    app.finish().await;
}

#[tokio::test]
async fn tags_of_people_outlive_an_undo_and_those_of_rules_do_not() {
    const TAG: &str = "mutation($input: TagRecordsInput!) { tagRecords(input: $input) {
        answers { error { message } } errors { message }
    } }";
    let app = TestApp::start().await;
    let desk = Desk::history(&app).await;
    let owner = &desk.owner;
    let waiting = || async {
        let mut records = owner.records().await;
        records.retain(|record| record["status"] == "PROCESSED");
        records
    };
    let tag = |record: String, change: Value| async move {
        let mut input = json!({ "recordIds": [record] });
        input["add"] = change["add"].clone();
        input["remove"] = change["remove"].clone();
        let done = owner.run(TAG, json!({ "input": input })).await.ok();
        assert_eq!(done.path("tagRecords.answers[0].error"), &Value::Null);
    };
    let before = waiting().await;
    let ids: Vec<String> = before.iter().map(|record| record.text("id")).collect();
    tag(
        ids[0].clone(),
        json!({ "add": ["early", "wrong"], "remove": [] }),
    )
    .await;

    let mut rule = desk.rule("coffee", 3);
    rule["add"]["actions"]["tags"] = json!(["cup", "early"]);
    let simulated = desk
        .simulate(json!({ "knowledge": "NOW", "rules": [rule] }))
        .await;
    let choice = json!({ "waiting": "PROPOSE_AGAIN" });
    let set = applied(&app, &desk, &simulated, choice).await;
    for record in waiting().await {
        assert!(record["tags"].to_string().contains("cup"), "{record:#}");
    }
    tag(ids[0].clone(), json!({ "add": [], "remove": ["wrong"] })).await;
    tag(ids[1].clone(), json!({ "add": ["mine"], "remove": [] })).await;

    let set = undone(&app, &desk, &set).await;
    assert_eq!((&set["undone"], &set["left"]), (&json!(6), &json!(0)));
    let after = waiting().await;
    let tags: Vec<&Value> = ids
        .iter()
        .map(|id| &after.iter().find(|it| it["id"] == **id).unwrap()["tags"])
        .collect();
    let none = json!([]);
    assert_eq!(tags[..2], [&json!(["early"]), &json!(["mine"])]);
    assert_eq!(tags[2..], [&none, &none, &none]);
    app.finish().await;
}

#[tokio::test]
async fn records_in_the_books_are_filed_elsewhere_and_back() {
    let app = TestApp::start().await;
    let mut desk = Desk::history(&app).await;
    let owner = desk.owner.with_token(desk.owner.token.as_deref().unwrap());
    let (records, statement) = (owner.records().await, owner.statement().await);
    let learnt = owner.kinds("TX_APPROVED").await;
    let simulated = desk
        .simulate(json!({ "knowledge": "NOW", "rules": [desk.rule("coffee", 3)] }))
        .await;
    let set = applied(&app, &desk, &simulated, json!({ "approved": "REFILE" })).await;
    // the rule and ten coffees; what waits is left as it is and is no item
    assert_eq!(
        (&set["applied"], &set["refused"], &set["left"]),
        (&json!(11), &json!(0), &json!(0))
    );
    let after = owner.statement().await;
    assert_ne!(after, statement);
    assert_eq!(
        after.path("profitAndLoss.result"),
        statement.path("profitAndLoss.result")
    );
    let filed = |records: &[Value], category: &str| -> usize {
        let filed = records
            .iter()
            .filter(|record| record["status"] == "APPROVED");
        filed
            .filter(|record| record.text("category.id") == category)
            .count()
    };
    let now = owner.records().await;
    assert_eq!(filed(&now, &desk.expenses[3]), 10);
    assert_eq!(filed(&now, &desk.expenses[1]), 0);
    // a reopening and a decision each, by the person who applied it
    assert_eq!(owner.kinds("APPROVAL_REOPENED").await, 10);
    assert_eq!(owner.kinds("TX_APPROVED").await, learnt + 10);
    let events = owner.get("/api/v1/events?first=500").await.json();
    let told = events.list("data.events").iter().rev();
    let mut told = told.filter(|event| event["kind"] == "TX_APPROVED");
    let last = told.next().unwrap();
    assert!(last.text("actor").starts_with("user:"), "{last}");

    let set = undone(&app, &desk, &set).await;
    assert_eq!((&set["undone"], &set["left"]), (&json!(11), &json!(0)));
    // what waits has followed the books there and back
    let back = owner.records().await;
    assert!(back.iter().map(filing).eq(records.iter().map(filing)));
    let in_books = |records: &[Value]| -> Vec<Value> {
        let filed = records
            .iter()
            .filter(|record| record["status"] == "APPROVED");
        filed.cloned().collect()
    };
    assert_eq!(in_books(&back), in_books(&records));
    assert_eq!(owner.statement().await, statement);
    // what was learnt meanwhile is forgotten: the next coffee goes where coffees go
    desk.receive("COFFEE CORNER 12 UTRECHT", 1, "2026-04-01")
        .await;
    let next = owner.records().await;
    let next = next
        .iter()
        .find(|record| !records.contains(record))
        .unwrap();
    assert_eq!(next.text("category.id"), desk.expenses[1]);
    app.finish().await;
}

#[tokio::test]
async fn change_sets_are_taken_back_in_turn() {
    let app = TestApp::start().await;
    let desk = Desk::history(&app).await;
    let (records, rules) = (desk.owner.records().await, desk.owner.rules().await);
    let choice = json!({ "waiting": "PROPOSE_AGAIN", "approved": "REFILE" });
    let mut sets = Vec::new();
    let mut between = Vec::new();
    for category in [3, 4] {
        let mut rule = desk.rule("coffee", category);
        rule["add"]["position"] = json!(1);
        let simulated = desk
            .simulate(json!({ "knowledge": "NOW", "rules": [rule] }))
            .await;
        sets.push(applied(&app, &desk, &simulated, choice.clone()).await);
        between.push(desk.owner.records().await);
    }
    assert_ne!(between[0], between[1]);
    undone(&app, &desk, &sets[1]).await;
    assert_eq!(desk.owner.records().await, between[0]);
    let first = undone(&app, &desk, &sets[0]).await;
    assert_eq!(first["left"], 0, "{first:#}");
    assert_eq!(desk.owner.records().await, records);
    assert_eq!(desk.owner.rules().await, rules);
    let all = "{ changeSets(first: 10) { totalCount edges { node { id status } } } }";
    let all = desk.owner.run(all, Value::Null).await.ok();
    assert_eq!(all.number("changeSets.totalCount"), 2);
    assert_eq!(all.path("changeSets.edges[0].node.id"), &sets[1]["id"]);
    let node = "query($id: ID!) { node(id: $id) { ... on ChangeSet { status } } }";
    let node = desk
        .owner
        .run(node, json!({ "id": sets[0]["id"] }))
        .await
        .ok();
    assert_eq!(node.text("node.status"), "UNDONE");
    app.finish().await;
}

#[tokio::test]
async fn what_passes_by_a_new_target_waits_again_once_undone() {
    let app = TestApp::start().await;
    let mut desk = Desk::open(&app).await;
    for _ in 0..3 {
        desk.receive("COFFEE CORNER 12 UTRECHT", 100, "2026-01-10")
            .await;
        desk.file(&desk.expenses[1]).await;
    }
    desk.receive("COFFEE CORNER 12 UTRECHT", 60, "2026-02-10")
        .await;
    let owner = &desk.owner;
    let strict =
        "mutation { updateAutomation(input: { targetPrecision: 0.999 }) { errors { message } } }";
    owner.run(strict, Value::Null).await.ok();
    let (records, statement) = (owner.records().await, owner.statement().await);
    let automatic = json!({ "mode": "AUTOMATIC", "targetPrecision": 0.95, "auditShare": 0.01 });
    let supposed = json!({ "from": "2026-02-01", "knowledge": "NOW", "automation": automatic });
    let simulated = desk.simulate(supposed).await;
    assert_eq!(simulated.number("effects.passes"), 60, "{simulated:#}");
    let set = applied(
        &app,
        &desk,
        &simulated,
        json!({ "waiting": "PROPOSE_AGAIN" }),
    )
    .await;
    assert_eq!(set["automationChanged"], true);
    assert_eq!(set["applied"], 61);
    let policy = "{ automation { mode targetPrecision auditShare } }";
    let policy = async || owner.run(policy, Value::Null).await.ok().clone();
    assert_eq!(policy().await.path("automation"), &automatic);
    let passed = owner.records().await;
    let passed = passed.iter().filter(|record| record["automatic"] == true);
    assert!(passed.count() > 50, "the new target lets them pass");
    assert_ne!(owner.statement().await, statement);

    undone(&app, &desk, &set).await;
    assert_eq!(policy().await.text("automation.mode"), "PROPOSE_ONLY");
    assert_eq!(policy().await.path("automation.targetPrecision"), 0.999);
    assert_eq!(owner.records().await, records);
    assert_eq!(owner.statement().await, statement);
    app.finish().await;
}

#[tokio::test]
async fn a_change_set_is_followed_and_asked_for_once() {
    let app = TestApp::start().await;
    let desk = Desk::history(&app).await;
    let simulated = desk
        .simulate(json!({ "knowledge": "NOW", "rules": [desk.rule("coffee", 3)] }))
        .await;
    let choice = json!({ "approved": "REFILE", "idempotencyKey": "coffee" });
    let set = desk.owner.apply(&simulated, choice.clone()).await;
    let again = desk.owner.apply(&simulated, choice).await;
    assert_eq!(set, again, "the same answer");
    let id = set.text("changeSet.id");
    let waiting = desk.owner.undo(&id).await;
    assert_eq!(
        waiting.path("errors[0].code"),
        "CONFLICT",
        "it is being applied"
    );
    let follow = "subscription($id: ID!) { changeSetProgress(id: $id) { finished changeSet { status doneRecords progress } } }";
    let mut feed = desk.owner.subscribe(follow, json!({ "id": id })).await;
    let first = feed.next().await;
    assert_eq!(first.path("changeSetProgress.changeSet.status"), "QUEUED");
    app.run_background_work().await;
    let last = feed.last("changeSetProgress").await;
    assert_eq!(
        last.path("changeSetProgress.changeSet"),
        &json!({ "status": "APPLIED", "doneRecords": 15, "progress": 1.0 })
    );
    app.finish().await;
}
