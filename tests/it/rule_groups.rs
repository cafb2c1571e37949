//! Groups of rules: their order, what switching one off does, and what is left when one goes.

use serde_json::{Value, json};

use crate::support::{Client, Path, TestApp};

const CREATE: &str = "mutation($input: CreateRuleInput!) { createRule(input: $input) {
    rule { id group { name } } errors { field message code }
} }";
const GROUP: &str = "mutation($input: CreateRuleGroupInput!) { createRuleGroup(input: $input) {
    ruleGroup { id position enabled } errors { field message code }
} }";
const MOVE: &str = "mutation($input: MoveRuleInput!) { moveRule(input: $input) {
    rule { id position group { id } } errors { field message code }
} }";

async fn group(client: &Client, name: &str) -> String {
    let made = client
        .run(GROUP, json!({ "input": { "name": name } }))
        .await
        .ok();
    made.text("createRuleGroup.ruleGroup.id")
}

/// Makes a rule that matches everything that goes out and leaves its name as the note.
async fn rule(client: &Client, name: &str, group: Option<&str>) -> String {
    let input = json!({ "name": name, "conditions": { "direction": "OUT" }, "actions": { "note": name }, "groupId": group });
    let made = client.run(CREATE, json!({ "input": input })).await.ok();
    made.text("createRule.rule.id")
}

/// The rules as they are tried: group, position and name of each, `-` where it is switched off.
async fn order(client: &Client) -> String {
    let rules = "{ rules { name position enabled group { name } } }";
    let rules = client.run(rules, json!({})).await.ok();
    let named = rules.list("rules").iter().map(|rule| {
        let group = rule["group"]["name"].as_str().unwrap_or_default();
        let mark = if rule["enabled"] == true { "" } else { "-" };
        format!("{group}{}{mark}{}", rule["position"], rule.text("name"))
    });
    named.collect::<Vec<_>>().join(" ")
}

async fn act(client: &Client, verb: &str, id: &str, more: &str) -> Value {
    let document = format!(
        "mutation($id: ID!) {{ {verb}(input: {{ ruleGroupId: $id {more} }}) {{ ruleGroup {{ id enabled position }} errors {{ field message code }} }} }}"
    );
    let done = client.run(&document, json!({ "id": id })).await.ok();
    done.path(verb).clone()
}

#[tokio::test]
async fn rules_without_a_group_come_first_then_each_group_in_its_order() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let (first, second) = (group(&owner, "A").await, group(&owner, "B").await);
    rule(&owner, "b", Some(&second)).await;
    let a = rule(&owner, "a", Some(&first)).await;
    rule(&owner, "c", Some(&first)).await;
    rule(&owner, "u", None).await;
    assert_eq!(order(&owner).await, "1u A1a A2c B1b");

    act(&owner, "moveRuleGroup", &second, "position: 1").await;
    assert_eq!(order(&owner).await, "1u B1b A1a A2c");

    // to another group, at its end or at a place; out of any; and within
    let moves = async |input: Value| owner.run(MOVE, json!({ "input": input })).await.ok();
    moves(json!({ "ruleId": a, "groupId": second, "position": 1 })).await;
    assert_eq!(order(&owner).await, "1u B1a B2b A1c");
    moves(json!({ "ruleId": a })).await;
    assert_eq!(order(&owner).await, "1u B1b B2a A1c");
    moves(json!({ "ruleId": a, "groupId": null, "position": 1 })).await;
    assert_eq!(order(&owner).await, "1a 2u B1b A1c");
    let wrong = json!({ "input": { "ruleId": a, "groupId": first, "position": 3 } });
    let wrong = owner.run(MOVE, wrong).await;
    assert_eq!(wrong.user_errors()[0]["field"], "position");
    assert_eq!(order(&owner).await, "1a 2u B1b A1c", "nothing was moved");

    let feed = "{ eventFeed(after: \"START\", kinds: [\"RULE_GROUP_CREATED\", \"RULE_GROUP_MOVED\", \"RULE_MOVED\"], first: 20) {
        events { kind } } }";
    let feed = owner.run(feed, json!({})).await.ok();
    let kinds = feed.list("eventFeed.events").iter();
    let kinds: Vec<String> = kinds.map(|event| event.text("kind")).collect();
    let moved = ["RULE_MOVED"; 3];
    let made = [
        "RULE_GROUP_CREATED",
        "RULE_GROUP_CREATED",
        "RULE_GROUP_MOVED",
    ];
    assert_eq!(kinds, [&made[..], &moved[..]].concat());
    app.finish().await;
}

#[tokio::test]
async fn a_group_is_switched_off_as_a_whole_and_nothing_begins_to_decide_when_it_goes() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let account = owner.make_account("Main").await;
    let note = async |number: usize| {
        let ids = owner.import_rows(&account, number..number + 1).await;
        app.run_background_work().await;
        let record = "query($id: ID!) { record(id: $id) { note } }";
        let record = owner.run(record, json!({ "id": ids[0] })).await.ok();
        record["record"]["note"].clone()
    };
    let travel = group(&owner, "Travel").await;
    rule(&owner, "trip", Some(&travel)).await;
    assert_eq!(note(1).await, "trip");

    let off = act(&owner, "updateRuleGroup", &travel, "enabled: false").await;
    assert_eq!(off.path("ruleGroup.enabled"), false);
    assert_eq!(order(&owner).await, "Travel1trip", "the rule keeps its own");
    assert_eq!(note(2).await, Value::Null);
    act(
        &owner,
        "updateRuleGroup",
        &travel,
        "enabled: true, name: \"Trips\"",
    )
    .await;
    assert_eq!(order(&owner).await, "Trips1trip");
    assert_eq!(note(3).await, "trip");

    rule(&owner, "own", None).await;
    act(&owner, "updateRuleGroup", &travel, "enabled: false").await;
    act(&owner, "deleteRuleGroup", &travel, "").await;
    assert_eq!(order(&owner).await, "1own 2-trip");
    assert_eq!(note(4).await, "own");
    let again =
        "mutation($id: ID!) { deleteRuleGroup(input: { ruleGroupId: $id }) { errors { code } } }";
    let again = owner.run(again, json!({ "id": travel })).await;
    assert_eq!(again.user_errors()[0]["code"], "NOT_FOUND");
    app.finish().await;
}

#[tokio::test]
async fn a_rule_is_not_put_into_a_group_of_somebody_else() {
    let app = TestApp::start().await;
    let theirs = app.tenant("globex").await.owner();
    let owner = app.tenant("acme").await.owner();
    let group = group(&theirs, "Theirs").await;
    let input = json!({ "name": "x", "conditions": { "direction": "OUT" }, "actions": { "note": "x" }, "groupId": group });
    let refused = owner.run(CREATE, json!({ "input": input })).await;
    assert_eq!(refused.user_errors()[0]["code"], "NOT_FOUND");
    assert_eq!(order(&owner).await, "");
    app.finish().await;
}
