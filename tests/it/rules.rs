//! The tenant's own rules: made, ordered, tried, switched off.

use serde_json::{Value, json};

use crate::support::{Client, Path, TestApp};

const CREATE: &str = "mutation($input: CreateRuleInput!) { createRule(input: $input) {
    rule { id position } errors { field message code }
} }";

async fn create(client: &Client, name: &str, conditions: Value) -> String {
    let input = json!({ "name": name, "conditions": conditions, "actions": { "note": name } });
    let made = client.run(CREATE, json!({ "input": input })).await.ok();
    made.text("createRule.rule.id")
}

async fn order(client: &Client) -> String {
    let rules = client
        .run("{ rules { name position enabled } }", json!({}))
        .await
        .ok();
    let named = rules.list("rules").iter().map(|rule| {
        let mark = if rule["enabled"] == true { "" } else { "-" };
        format!("{}{mark}{}", rule["position"], rule.text("name"))
    });
    named.collect::<Vec<_>>().join(" ")
}

async fn act(client: &Client, verb: &str, id: &str, more: &str) {
    let document = format!(
        "mutation($id: ID!) {{ {verb}(input: {{ ruleId: $id {more} }}) {{ rule {{ id }} errors {{ message }} }} }}"
    );
    client.run(&document, json!({ "id": id })).await.ok();
}

#[tokio::test]
async fn rules_keep_an_order_without_gaps() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(create(&owner, name, json!({ "direction": "OUT" })).await);
    }
    act(&owner, "moveRule", &ids[2], "position: 1").await;
    assert_eq!(order(&owner).await, "1c 2a 3b");
    act(&owner, "moveRule", &ids[2], "position: 3").await;
    act(&owner, "disableRule", &ids[1], "").await;
    assert_eq!(order(&owner).await, "1a 2-b 3c");
    act(&owner, "deleteRule", &ids[0], "").await;
    act(&owner, "enableRule", &ids[1], "").await;
    assert_eq!(order(&owner).await, "1b 2c");
    app.finish().await;
}

#[tokio::test]
async fn a_rule_that_cannot_work_is_refused_with_its_place() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let conditions =
        json!({ "all": [{ "direction": "IN" }, { "amount": { "min": "5", "max": "4" } }] });
    let input = json!({ "name": "x", "conditions": conditions, "actions": { "note": "n" } });
    let refused = owner.run(CREATE, json!({ "input": input })).await;
    assert_eq!(
        refused.user_errors()[0]["field"],
        "conditions.all[1].amount.min"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_viewer_sees_rules_and_changes_none() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let viewer = tenant.viewer().await;
    assert_eq!(order(&viewer).await, "");
    let input =
        json!({ "name": "x", "conditions": { "direction": "IN" }, "actions": { "note": "n" } });
    let refused = viewer.run(CREATE, json!({ "input": input })).await;
    assert_eq!(refused.error_code(), "FORBIDDEN");
    app.finish().await;
}
