//! What the pipeline would decide if …: replays that change nothing.

use std::time::Duration;

use balance::{queue, worker};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Client, Desk, Path, TestApp, contents};

const SIMULATE: &str =
    "mutation($input: SimulatePipelineInput!) { simulatePipeline(input: $input) {
    simulation { id status totalRecords doneRecords progress } errors { field message code }
} }";
const CANCEL: &str = "mutation($input: CancelSimulationInput!) { cancelSimulation(input: $input) {
    simulation { id status finishedAt } errors { field message code }
} }";
/// What a simulation and the log of its own events write to, and nothing else.
const ITS_OWN: [&str; 6] = [
    "simulation",
    "simulated_change",
    "event",
    "event_origin",
    "stream_head",
    "job",
];

#[tokio::test]
async fn a_supposed_rule_shows_what_it_would_change_and_changes_nothing() {
    let app = TestApp::start().await;
    let desk = Desk::history(&app).await;
    let before = contents(&app, &desk.tenant, &ITS_OWN).await;
    let head = desk.owner.run("{ eventCursor }", json!({})).await.ok();

    let made = desk
        .simulate(json!({ "knowledge": "NOW", "rules": [desk.rule("coffee", 3)] }))
        .await;
    // what is approved is the truth, what waits has none
    assert_eq!(made["totalRecords"], 20);
    assert_eq!(made["doneRecords"], 20);
    assert_eq!(made["changedRecords"], 15);
    assert_eq!(
        made["effects"],
        json!({ "fixed": 0, "broken": 10, "different": 5, "passes": 0, "waits": 0 })
    );
    assert_eq!(made.path("before.accuracy"), 1.0);
    assert_eq!(made.path("after.right"), 5);
    assert_eq!(made.path("after.checked"), 15);
    assert_eq!(made.path("after.waiting"), 20, "nothing passes by itself");

    let changes = desk.changes(&made, json!(null)).await;
    assert_eq!(changes.len(), 15);
    let first = &changes[0];
    assert_eq!(first["number"], 1);
    assert_eq!(first["occurredOn"], "2026-01-10");
    assert_eq!(first.text("before.category.id"), desk.expenses[1]);
    assert_eq!(first.text("after.category.id"), desk.expenses[3]);
    assert_eq!(first.text("after.source"), "RULE");
    assert_eq!(first.text("approvedCategory.id"), desk.expenses[1]);
    assert!(first.text("after.reason").contains("coffee"), "{first}");
    let broken = desk.changes(&made, json!({ "effects": ["BROKEN"] })).await;
    assert_eq!(broken.len(), 10);
    let train = json!({ "categoryId": desk.expenses[2] });
    assert!(desk.changes(&made, train).await.is_empty());

    let lines = made["profitAndLossDifference"].as_array().unwrap();
    assert_eq!(lines.len(), 2);
    let of = |category: &str| {
        let mut lines = lines.iter();
        lines
            .find(|line| line.text("category.id") == category)
            .unwrap()
    };
    assert_eq!(of(&desk.expenses[3]).text("total.amount"), "-187.50");
    assert_eq!(of(&desk.expenses[1]).text("total.amount"), "187.50");
    let months = of(&desk.expenses[1]).list("months").iter();
    let months: Vec<&Value> = months.map(|month| &month["month"]).collect();
    assert_eq!(months, ["2026-01", "2026-02", "2026-03"]);

    // the other way of knowing, and the file, write no more
    desk.simulate(json!({ "rules": [desk.rule("coffee", 3)] }))
        .await;
    let file = format!("/api/v1/exports/simulations/{}.csv", made.text("id"));
    let file = desk.owner.get(&file).await.text();
    assert_eq!(file.lines().count(), 16);
    assert!(
        file.contains("COFFEE CORNER 12 UTRECHT,-12.50,EUR,BROKEN,"),
        "{file}"
    );
    let after = contents(&app, &desk.tenant, &ITS_OWN).await;
    for (table, rows) in &before {
        assert_eq!(rows, &after[table], "{table} was changed");
    }
    let since = format!(
        "/api/v1/events?first=100&after={}",
        head.text("eventCursor")
    );
    let since = desk.owner.get(&since).await.json();
    let events = since.list("data.events");
    assert!(!events.is_empty());
    for event in events {
        assert!(event.text("kind").starts_with("SIMULATION_"), "{event}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_past_replayed_is_what_was_really_proposed() {
    let app = TestApp::start().await;
    let desk = Desk::history(&app).await;
    let stored = desk.simulate(json!({ "comparedWith": "STORED" })).await;
    assert_eq!(stored["totalRecords"], 20);
    assert_eq!(stored["changedRecords"], 0, "{stored:#}");
    assert_eq!(stored["before"]["proposed"], stored["after"]["proposed"]);
    // the first coffees and the trains had no precedent
    assert_eq!(stored.path("after.checked"), 15);
    assert_eq!(stored.path("after.right"), 5, "{stored:#}");

    // a rule would have known
    let better = desk
        .simulate(json!({ "comparedWith": "STORED", "rules": [desk.rule("trein", 2)] }))
        .await;
    assert_eq!(better["effects"]["fixed"], 5);
    let changes = desk.changes(&better, json!(null)).await;
    assert_eq!(changes.len(), 5);
    assert_eq!(
        changes[0]["before"]["pipelineVersion"],
        better["pipelineVersion"]
    );
    // and without anything supposed there is no difference, whatever is known
    for knowledge in ["NOW", "HISTORY"] {
        let same = desk.simulate(json!({ "knowledge": knowledge })).await;
        assert_eq!(same["changedRecords"], 0, "{same:#}");
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_asked_about_a_record_does_not_know_its_own_answer() {
    let app = TestApp::start().await;
    let mut desk = Desk::open(&app).await;
    desk.receive("SHELL 0881", 1, "2026-01-10").await;
    desk.file(&desk.expenses[1]).await;
    let counted = json!({ "knowledge": "NOW", "tiers": { "model": false } });
    let alone = desk.simulate(counted.clone()).await;
    assert_eq!(alone.path("after.proposed"), 0, "{alone:#}");
    desk.receive("SHELL 0881", 1, "2026-01-11").await;
    desk.file(&desk.expenses[1]).await;
    let two = desk.simulate(counted).await;
    assert_eq!(two.path("after.right"), 2, "each knows the other");
    let rules_only = json!({ "tiers": { "model": false, "exact": false, "similar": false } });
    let rules_only = desk.simulate(rules_only).await;
    assert_eq!(rules_only.path("after.proposed"), 0);
    app.finish().await;
}

#[tokio::test]
async fn another_target_shows_what_would_pass_and_what_still_waits() {
    let app = TestApp::start().await;
    let mut desk = Desk::open(&app).await;
    for _ in 0..3 {
        desk.receive("COFFEE CORNER 12 UTRECHT", 100, "2026-01-10")
            .await;
        desk.file(&desk.expenses[1]).await;
    }
    let automatic = json!({ "mode": "AUTOMATIC", "targetPrecision": 0.95, "auditShare": 0.01 });
    for knowledge in ["NOW", "HISTORY"] {
        let made = desk
            .simulate(json!({ "knowledge": knowledge, "automation": automatic }))
            .await;
        assert_eq!(made["targetPrecision"], 0.95);
        assert_eq!(made.path("before.automatic"), 0);
        assert_eq!(made.path("before.waiting"), 300);
        let passed = made.path("after.automatic").as_i64().unwrap();
        assert!(passed > 50, "{made:#}");
        assert_eq!(made.path("after.waiting"), 300 - passed);
        assert_eq!(made.path("after.precision"), 1.0);
        assert_eq!(made.path("after.accuracy"), made.path("before.accuracy"));
    }
    let set = desk.owner.run("{ automation { mode } }", json!({})).await;
    assert_eq!(set.ok().text("automation.mode"), "PROPOSE_ONLY");
    app.finish().await;
}

#[tokio::test]
async fn questions_to_a_language_model_are_counted_and_never_asked() {
    let app = TestApp::start().await;
    let mut desk = Desk::open(&app).await;
    for n in 0..3 {
        let name = ["ALPHA STORES", "BRAVO CINEMA", "CHARLIE TOWING"][n];
        desk.receive(name, 4, "2026-01-10").await;
    }
    let made = desk
        .simulate(json!({
            "tiers": { "languageModel": true },
            "languageModelPrices": { "prompt": "0.15", "completion": "0.60" },
        }))
        .await;
    assert_eq!(
        made.path("before.languageModelQuestions"),
        0,
        "none is configured"
    );
    assert_eq!(made.path("before.languageModelCost"), "0.000000");
    assert_eq!(
        made.path("after.languageModelQuestions"),
        3,
        "the same one once"
    );
    assert_eq!(made.path("after.languageModelRequests"), 1);
    let tokens = |name: &str| made["after"][name].as_u64().unwrap();
    let (read, written) = (
        tokens("languageModelPromptTokens"),
        tokens("languageModelCompletionTokens"),
    );
    assert!(read > 200 && written > 0);
    let micros = (read * 150_000 + written * 600_000).div_ceil(1_000_000);
    let cost = format!("0.{micros:06}");
    assert_eq!(made.path("after.languageModelCost"), &json!(cost));
    app.finish().await;
}

#[tokio::test]
async fn what_could_not_be_done_really_is_refused_with_its_place() {
    let app = TestApp::start().await;
    let mut desk = Desk::open(&app).await;
    desk.receive("COFFEE", 1, "2026-01-10").await;
    let rule = "mutation($input: CreateRuleInput!) { createRule(input: $input) { rule { id } errors { message } } }";
    let mut real = desk.rule("coffee", 1)["add"].clone();
    let rule = desk.owner.run(rule, json!({ "input": real })).await.ok();
    let rule = rule.text("createRule.rule.id");
    real["conditions"] = json!({ "all": [] });
    let account = &desk.account;
    for (input, field) in [
        (json!({ "to": "2025-01-01" }), "to"),
        (json!({ "to": "2099-01-01" }), "to"),
        (
            json!({ "rules": [{ "add": real }] }),
            "rules[0].add.conditions.all",
        ),
        (
            json!({ "rules": [{ "disable": rule }, { "move": { "ruleId": rule, "position": 2 } }] }),
            "rules[1].move.position",
        ),
        (
            json!({ "rules": [{ "remove": rule }, { "enable": rule }] }),
            "rules[1].enable",
        ),
        (
            json!({ "rules": [{ "edit": { "ruleId": rule, "actions": {} } }] }),
            "rules[0].edit.actions",
        ),
        (
            json!({ "rules": [{ "enable": account }] }),
            "rules[0].enable",
        ),
        (
            json!({ "automation": { "targetPrecision": 98.0 } }),
            "automation.targetPrecision",
        ),
        (
            json!({ "languageModelPrices": { "prompt": "-1", "completion": "1" } }),
            "languageModelPrices.prompt",
        ),
    ] {
        let refused = desk.ask(input).await;
        assert_eq!(refused.path("errors[0].field"), field, "{refused:#}");
        assert_eq!(refused["simulation"], Value::Null);
    }
    // without the only rule, nobody proposes
    let made = desk.simulate(json!({ "knowledge": "NOW", "rules": [{ "disable": rule }] }));
    let made = made.await;
    assert_eq!(made.path("before.proposed"), 1);
    assert_eq!(made.path("after.proposed"), 0);
    // one that was removed since it was asked for
    let asked = desk.ask(json!({ "rules": [{ "disable": rule }] })).await;
    let gone = "mutation($id: ID!) { deleteRule(input: { ruleId: $id }) { errors { message } } }";
    desk.owner.run(gone, json!({ "id": rule })).await.ok();
    app.run_background_work().await;
    let failed = desk.look(&asked.text("simulation.id")).await;
    assert_eq!(failed["status"], "FAILED");
    assert!(
        failed.text("error").starts_with("rules[0].disable"),
        "{failed}"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_simulation_is_followed_and_can_be_stopped() {
    let app = TestApp::start().await;
    let desk = Desk::history(&app).await;
    let asked = desk.ask(json!({})).await;
    let id = asked.text("simulation.id");
    assert_eq!(asked.path("simulation.status"), "QUEUED");
    let follow = "subscription($id: ID!) { simulationProgress(id: $id) { finished simulation { status doneRecords progress } } }";
    let mut feed = desk.owner.subscribe(follow, json!({ "id": id })).await;
    let first = feed.next().await;
    assert_eq!(first.path("simulationProgress.simulation.status"), "QUEUED");
    app.run_background_work().await;
    let last = feed.last("simulationProgress").await;
    assert_eq!(
        last.path("simulationProgress.simulation"),
        &json!({ "status": "READY", "doneRecords": 20, "progress": 1.0 })
    );
    drop(feed);

    let stop = async |id: &str| {
        let input = json!({ "input": { "simulationId": id } });
        let stopped = desk.owner.run(CANCEL, input).await;
        stopped.body.path("data.cancelSimulation").clone()
    };
    let late = stop(&id).await;
    assert_eq!(late.path("errors[0].code"), "CONFLICT");
    let asked = desk.ask(json!({})).await;
    let id = asked.text("simulation.id");
    for _ in 0..2 {
        let stopped = stop(&id).await;
        assert_eq!(stopped.path("simulation.status"), "CANCELLED");
    }
    app.run_background_work().await;
    let left = desk.look(&id).await;
    assert_eq!(
        (&left["status"], &left["doneRecords"]),
        (&json!("CANCELLED"), &json!(0))
    );
    app.finish().await;
}

#[tokio::test]
async fn a_replay_that_is_cut_off_keeps_nothing_twice() {
    let app = TestApp::start().await;
    let mut desk = Desk::open(&app).await;
    desk.receive("COFFEE CORNER 12 UTRECHT", 2_500, "2026-01-10")
        .await;
    let head = desk.owner.run("{ eventCursor }", json!({})).await.ok();
    for (knowledge, goes_on) in [("NOW", true), ("HISTORY", false)] {
        let supposed = json!({ "knowledge": knowledge, "rules": [desk.rule("coffee", 3)] });
        let id = desk.ask(supposed).await.text("simulation.id");
        let inside = app.app();
        let working = tokio::spawn(async move { worker::drain(&inside).await });
        while desk.look(&id).await["doneRecords"].as_i64().unwrap() < 1_000 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // the worker is gone between two steps, and its lease lapses
        working.abort();
        assert!(
            working.await.is_err(),
            "it was done before it could be cut off"
        );
        app.advance(TimeDelta::seconds(120));
        let now = app.clock.now();
        let db = &app.app().handles.db;
        queue::recover(db, "a survivor", now).await.unwrap();
        // nothing is due at once after a loss
        app.advance(TimeDelta::seconds(120));
        app.run_background_work().await;

        let made = desk.look(&id).await;
        assert_eq!(made["status"], "READY", "{made:#}");
        assert_eq!(made["changedRecords"], 2_500);
        assert_eq!(made.path("after.records"), 2_500);
        let changes = desk.changes(&made, json!(null)).await;
        let numbers: Vec<i64> = changes
            .iter()
            .map(|change| change["number"].as_i64().unwrap())
            .collect();
        assert_eq!(numbers, (1..=2_500).collect::<Vec<i64>>());
        let told = told(&desk.owner, head.text("eventCursor"), &id).await;
        let starts = told.iter().filter(|done| **done == 0).count();
        assert_eq!(starts, if goes_on { 1 } else { 2 }, "{told:?}");
        assert_eq!(told.is_sorted(), goes_on, "{told:?}");
    }
    app.finish().await;
}

/// How far a simulation was each time that it was told.
async fn told(owner: &Client, after: String, id: &str) -> Vec<i64> {
    let since = format!("/api/v1/events?first=500&after={after}");
    let since = owner.get(&since).await.json();
    let events = since.list("data.events").iter();
    let id = balance::graphql::node::split(&id.into()).unwrap().1;
    let own = events.filter(|event| {
        event["kind"] == "SIMULATION_ADVANCED" && event.to_string().contains(&id.to_string())
    });
    own.map(|event| event.path("payload.doneRecords").as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn few_run_at_a_time_and_the_latest_are_kept() {
    let app = TestApp::start().await;
    let desk = Desk::open(&app).await;
    for _ in 0..3 {
        assert_eq!(desk.ask(json!({})).await["errors"], json!([]));
    }
    let refused = desk.ask(json!({})).await;
    assert_eq!(refused.path("errors[0].code"), "CONFLICT");
    app.run_background_work().await;
    let mut latest = String::new();
    for _ in 0..20 {
        latest = desk.simulate(json!({})).await.text("id");
    }
    let all = "{ simulations(first: 100) { edges { node { id } } } }";
    let all = desk.owner.run(all, json!({})).await.ok();
    let all = all.list("simulations.edges");
    assert_eq!(all.len(), 20);
    assert_eq!(all[0].text("node.id"), latest);
    let viewer = desk.tenant.viewer().await;
    let input = json!({ "input": { "from": "2026-01-01", "to": "2026-12-31" } });
    let refused = viewer.run(SIMULATE, input).await;
    assert_eq!(refused.error_code(), "FORBIDDEN");
    app.finish().await;
}
