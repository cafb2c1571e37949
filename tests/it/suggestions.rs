//! Suggested rules: mined from approvals, tried on the past, decided by people, watched ever after.

mod desk;
mod self_approval;

use chrono::TimeDelta;
use desk::{BAKERY, Desk, FILE, GARAGE};
use serde_json::{Value, json};

use crate::support::{Path, TestApp};

const CHANGES: &str = "query($id: ID!, $first: Int!, $after: String) {
    ruleSuggestionChanges(ruleSuggestionId: $id, first: $first, after: $after) {
        edges { node { id status } } pageInfo { hasNextPage endCursor } } }";

#[tokio::test]
async fn what_is_confirmed_three_times_is_suggested_tried_and_becomes_a_rule() {
    let app = TestApp::start().await;
    let desk = Desk::open(&app.tenant("acme").await).await;
    desk.teach(&app, BAKERY, 2, &desk.meals).await;
    assert!(desk.open_ones().await.is_empty(), "two are too few");
    desk.teach(&app, BAKERY, 1, &desk.meals).await;

    let suggestion = desk.only("OPEN").await;
    assert_eq!(suggestion["kind"], "MERCHANT_ACCOUNT");
    assert_eq!(suggestion["merchant"], "corner bakery utrecht");
    assert_eq!(suggestion.text("account.id"), desk.account);
    assert_eq!(suggestion.text("category.id"), desk.meals);
    assert_eq!(suggestion["confirmationsInARow"], 3);
    let told = desk.events(&["RULE_SUGGESTED"]).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].text("subject.id"), suggestion.text("id"));
    assert!(
        !told[0].to_string().contains("bakery"),
        "no text in the log"
    );

    // one filed elsewhere on this card, one waiting; on another card nothing counts
    desk.receive(&app, &desk.account, BAKERY, 2).await;
    let ids = desk.waiting().await;
    let input = json!({ "approvalIds": [ids[0]["id"]], "categoryId": desk.cars });
    desk.client.run(FILE, json!({ "input": input })).await.ok();
    desk.receive(&app, &desk.other_account, BAKERY, 1).await;
    let found = desk.suggestions(json!({})).await;
    let test = &found[0]["backTest"];
    assert_eq!(
        [
            &test["hits"],
            &test["agreements"],
            &test["contradictions"],
            &test["waiting"],
            &test["changes"]
        ],
        [5, 3, 1, 1, 1].map(|count| json!(count)).each_ref(),
        "{test}"
    );
    let mut moved: Vec<(String, String)> = test
        .list("difference")
        .iter()
        .map(|line| (line.text("category.id"), line.text("amount.amount")))
        .collect();
    moved.sort();
    let mut expected = vec![
        (desk.meals.clone(), "-12.50".to_owned()),
        (desk.cars.clone(), "12.50".to_owned()),
    ];
    expected.sort();
    assert_eq!(moved, expected);
    let asked = json!({ "id": suggestion["id"], "first": 1 });
    let changes = desk.client.run(CHANGES, asked).await.ok();
    let edges = changes.list("ruleSuggestionChanges.edges");
    assert_eq!(edges.len(), 1);
    assert_eq!(edges[0].text("node.id"), ids[0].text("record.id"));
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn a_merchant_that_another_card_files_elsewhere_takes_two_more() {
    let app = TestApp::start().await;
    let desk = Desk::open(&app.tenant("acme").await).await;
    desk.receive(&app, &desk.other_account, BAKERY, 1).await;
    desk.file(&app, &desk.cars).await;
    desk.teach(&app, BAKERY, 4, &desk.meals).await;
    assert!(desk.open_ones().await.is_empty(), "four are too few here");
    desk.teach(&app, BAKERY, 1, &desk.meals).await;
    let suggestion = desk.only("OPEN").await;
    assert_eq!(suggestion["confirmationsInARow"], 5);
    assert_eq!(suggestion.text("account.id"), desk.account);

    // a garage that nobody files elsewhere needs no more than ever
    desk.receive(&app, &desk.other_account, GARAGE, 1).await;
    desk.file(&app, &desk.cars).await;
    desk.teach(&app, GARAGE, 3, &desk.cars).await;
    assert_eq!(desk.open_ones().await.len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn an_accepted_suggestion_decides_and_the_next_one_extends_its_rule() {
    let app = TestApp::start().await;
    let desk = Desk::open(&app.tenant("acme").await).await;
    desk.teach(&app, BAKERY, 3, &desk.meals).await;
    let accepted = desk.accept(&desk.only("OPEN").await, json!({})).await;
    assert_eq!(accepted["errors"], json!([]), "{accepted}");
    assert_eq!(accepted["extended"], false);
    assert_eq!(accepted.text("rule.name"), "corner bakery utrecht");
    assert_eq!(accepted.path("rule.selfApproval.on"), false);
    desk.receive(&app, &desk.account, BAKERY, 1).await;
    assert_eq!(desk.waiting().await[0]["source"], "RULE");
    desk.file(&app, &desk.meals).await;
    assert!(
        desk.open_ones().await.is_empty(),
        "what a rule says is not suggested again"
    );

    desk.teach(&app, "RIVER CAFE AMSTERDAM", 3, &desk.meals)
        .await;
    let second = desk.accept(&desk.only("OPEN").await, json!({})).await;
    assert_eq!(second["extended"], true);
    assert_eq!(second.text("rule.id"), accepted.text("rule.id"));
    let clauses = second["rule"]["conditions"]["any"].as_array().unwrap();
    assert_eq!(clauses.len(), 2, "{second}");
    let kinds = ["RULE_CREATED", "RULE_CHANGED", "RULE_SUGGESTION_ACCEPTED"];
    let told = desk.events(&kinds).await;
    let told: Vec<String> = told.iter().map(|event| event.text("kind")).collect();
    assert_eq!(
        told,
        [
            "RULE_CREATED",
            "RULE_SUGGESTION_ACCEPTED",
            "RULE_CHANGED",
            "RULE_SUGGESTION_ACCEPTED"
        ]
    );

    // edited, it is a rule of its own; and once is enough
    desk.teach(&app, GARAGE, 3, &desk.meals).await;
    let third = desk.only("OPEN").await;
    let edited = json!({ "name": "Garages", "stop": true,
        "conditions": { "text": { "op": "CONTAINS", "value": "garage" } } });
    let edited = desk.accept(&third, edited).await;
    assert_eq!(edited.text("rule.name"), "Garages");
    assert_eq!(
        (&edited["extended"], edited.path("rule.stop")),
        (&json!(false), &json!(true))
    );
    let again = desk.accept(&third, json!({})).await;
    assert_eq!(again["errors"][0]["code"], "CONFLICT");
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn a_merchant_alone_is_suggested_where_nothing_contradicts_it() {
    let app = TestApp::start().await;
    let desk = Desk::open(&app.tenant("acme").await).await;
    desk.teach(&app, BAKERY, 6, &desk.meals).await;
    desk.receive(&app, &desk.other_account, BAKERY, 2).await;
    desk.file(&app, &desk.meals).await;
    let open = desk.open_ones().await;
    let kinds: Vec<String> = open.iter().map(|node| node.text("kind")).collect();
    assert_eq!(kinds, ["MERCHANT", "MERCHANT_ACCOUNT"]);
    assert_eq!(open[0]["account"], Value::Null);
    assert_eq!(open[0]["support"], 8);

    // where it is contradicted it is only suggested on its account
    desk.teach(&app, GARAGE, 6, &desk.cars).await;
    // and only after two more confirmations
    desk.receive(&app, &desk.other_account, GARAGE, 5).await;
    desk.file(&app, &desk.meals).await;
    let garages = desk.open_ones().await;
    let garages = garages
        .iter()
        .filter(|node| node["merchant"] == "city garage leiden");
    for node in garages.clone() {
        assert_eq!(node["kind"], "MERCHANT_ACCOUNT", "{node}");
    }
    assert_eq!(garages.count(), 2);
    app.finish().await;
}

#[tokio::test]
async fn what_names_nobody_is_never_suggested() {
    let app = TestApp::start().await;
    let desk = Desk::open(&app.tenant("acme").await).await;
    for text in ["DIRECT DEBIT", "ATM 00123", "BP 4711", "4711 0815"] {
        desk.teach(&app, text, 4, &desk.meals).await;
    }
    assert!(desk.suggestions(json!({})).await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn dismissed_stays_dismissed_and_snoozed_comes_back() {
    let app = TestApp::start().await;
    let desk = Desk::open(&app.tenant("acme").await).await;
    desk.teach(&app, BAKERY, 3, &desk.meals).await;
    let suggestion = desk.only("OPEN").await;
    assert_eq!(desk.turn("restore", &suggestion, "").await, "CONFLICT");
    assert_eq!(desk.turn("dismiss", &suggestion, "").await, "DISMISSED");
    desk.teach(&app, BAKERY, 3, &desk.meals).await;
    assert!(desk.open_ones().await.is_empty(), "it does not come again");
    assert_eq!(
        desk.only("DISMISSED").await["support"],
        6,
        "and is counted on"
    );
    let refused = desk.accept(&suggestion, json!({})).await;
    assert_eq!(refused["errors"][0]["code"], "CONFLICT");
    assert_eq!(desk.turn("restore", &suggestion, "").await, "OPEN");

    let past = "until: \"2001-01-01T00:00:00Z\"";
    assert_eq!(
        desk.turn("snooze", &suggestion, past).await,
        "BAD_USER_INPUT"
    );
    let until = (app.clock.now() + TimeDelta::minutes(5))
        .to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let soon = format!("until: \"{until}\"");
    assert_eq!(desk.turn("snooze", &suggestion, &soon).await, "SNOOZED");
    assert!(desk.open_ones().await.is_empty());
    desk.only("SNOOZED").await;
    app.advance(TimeDelta::minutes(6));
    assert!(
        desk.suggestions(json!({ "status": ["SNOOZED"] }))
            .await
            .is_empty()
    );
    assert_eq!(desk.only("OPEN").await["id"], suggestion["id"]);
    let told = desk
        .events(&[
            "RULE_SUGGESTION_DISMISSED",
            "RULE_SUGGESTION_RESTORED",
            "RULE_SUGGESTION_SNOOZED",
        ])
        .await;
    assert_eq!(told.len(), 3);
    app.finish().await;
}

#[tokio::test]
async fn a_contradiction_takes_an_open_suggestion_back() {
    let app = TestApp::start().await;
    let desk = Desk::open(&app.tenant("acme").await).await;
    desk.teach(&app, BAKERY, 3, &desk.meals).await;
    desk.teach(&app, BAKERY, 1, &desk.cars).await;
    let gone = desk.only("RETIRED").await;
    assert_eq!(
        (&gone["contradictions"], &gone["rule"]),
        (&json!(1), &Value::Null)
    );
    assert_eq!(desk.events(&["RULE_SUGGESTION_WITHDRAWN"]).await.len(), 1);
    // five in a row make up for it
    desk.teach(&app, BAKERY, 4, &desk.meals).await;
    assert!(desk.open_ones().await.is_empty());
    desk.teach(&app, BAKERY, 3, &desk.meals).await;
    assert_eq!(desk.only("OPEN").await["id"], gone["id"]);
    app.finish().await;
}

#[tokio::test]
async fn a_rule_that_stops_holding_is_retired_with_notice_and_can_come_back() {
    let app = TestApp::start().await;
    let desk = Desk::open(&app.tenant("acme").await).await;
    for text in [BAKERY, "RIVER CAFE AMSTERDAM"] {
        desk.teach(&app, text, 3, &desk.meals).await;
        desk.accept(&desk.only("OPEN").await, json!({})).await;
    }
    // one of two: the rule goes on without it
    desk.teach(&app, BAKERY, 1, &desk.cars).await;
    let retired = desk.only("RETIRED").await;
    assert_eq!(retired["merchant"], "corner bakery utrecht");
    assert_eq!(
        (&retired["checked"], &retired["confirmed"]),
        (&json!(1), &json!(0))
    );
    let rules = desk.rules().await;
    assert_eq!((rules.len(), &rules[0]["enabled"]), (1, &json!(true)));
    let held = |rule: &Value| rule["conditions"].to_string().contains("bakery");
    assert!(!held(&rules[0]), "{}", rules[0]);
    // the last one: nothing is left of the rule
    desk.teach(&app, "RIVER CAFE AMSTERDAM", 1, &desk.cars)
        .await;
    assert_eq!(desk.rules().await[0]["enabled"], false);
    let told = desk.events(&["RULE_RETIRED"]).await;
    let disabled: Vec<&Value> = told
        .iter()
        .map(|event| event.path("payload.disabled"))
        .collect();
    assert_eq!(disabled, [false, true]);
    desk.receive(&app, &desk.account, "RIVER CAFE AMSTERDAM", 1)
        .await;
    assert_ne!(desk.waiting().await[0]["source"], "RULE");

    let retired = desk.suggestions(json!({ "status": ["RETIRED"] })).await;
    let last = retired
        .iter()
        .find(|node| node["merchant"] == "river cafe amsterdam");
    assert_eq!(desk.turn("restore", last.unwrap(), "").await, "ACCEPTED");
    assert_eq!(desk.rules().await[0]["enabled"], true);
    desk.file(&app, &desk.meals).await;
    assert_eq!(desk.only("ACCEPTED").await["checked"], 1, "it starts anew");
    let first = retired
        .iter()
        .find(|node| node["merchant"] == "corner bakery utrecht");
    assert_eq!(desk.turn("restore", first.unwrap(), "").await, "ACCEPTED");
    assert!(held(&desk.rules().await[0]));
    app.run_background_work().await;
    app.finish().await;
}
