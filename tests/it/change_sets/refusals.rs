//! What is refused, as a whole or one by one, and what is left alone.

use serde_json::{Value, json};

use super::sets::{APPLY, Applying, OVERRIDE, applied, filing, make_rule, reopen, undone};
use crate::support::{Desk, Path, TestApp};

#[tokio::test]
async fn what_is_not_allowed_or_no_longer_so_is_listed_with_its_reason() {
    let app = TestApp::start().await;
    let desk = Desk::history(&app).await;
    let owner = &desk.owner;
    let simulated = desk
        .simulate(json!({ "knowledge": "NOW", "rules": [desk.rule("coffee", 3)] }))
        .await;
    let changes = desk.changes(&simulated, Value::Null).await;
    let of = |approved: bool| -> Vec<String> {
        let found = changes.iter();
        let found = found.filter(|change| change["approvedCategory"].is_null() != approved);
        found.map(|change| change.text("record.id")).collect()
    };
    let (filed, waiting) = (of(true), of(false));
    assert_eq!((filed.len(), waiting.len()), (10, 5));
    let reopen = async |record: &str| reopen(owner, record).await;
    let choose = async |record: &str, category: &str| {
        let input = json!({ "input": { "recordId": record, "categoryId": category } });
        let done = owner.run(OVERRIDE, input).await.ok();
        assert_eq!(done.path("overrideRecord.errors"), &json!([]));
    };
    // one is split, one is decided anew, one is taken back
    reopen(&filed[0]).await;
    let split =
        "mutation($input: SplitRecordInput!) { splitRecord(input: $input) { errors { message } } }";
    let lines = json!([{ "categoryId": desk.expenses[1], "percent": "60" }, { "categoryId": desk.expenses[2], "percent": "40" }]);
    let split = owner
        .run(
            split,
            json!({ "input": { "recordId": filed[0], "lines": lines } }),
        )
        .await
        .ok();
    assert_eq!(split.path("splitRecord.errors"), &json!([]));
    reopen(&filed[1]).await;
    choose(&filed[1], &desk.expenses[2]).await;
    reopen(&filed[2]).await;
    // one that waited is decided
    choose(&waiting[0], &desk.expenses[1]).await;
    let (records, statement) = (owner.records().await, owner.statement().await);

    let choice = json!({ "waiting": "PROPOSE_AGAIN", "approved": "REFILE" });
    let set = applied(&app, &desk, &simulated, choice).await;
    let items = owner.items(&set.text("id"), Value::Null).await;
    let about = |record: &str| {
        let found = items.iter().find(|item| item["record"]["id"] == record);
        let found = found.unwrap_or_else(|| panic!("{record} is not listed"));
        (
            found.text("kind"),
            found.text("outcome"),
            found["reason"].clone(),
        )
    };
    let told = |kind: &str, outcome: &str, reason: &str| {
        (kind.to_owned(), outcome.to_owned(), json!(reason))
    };
    assert_eq!(about(&filed[0]), told("REFILED", "REFUSED", "SPLIT"));
    assert_eq!(about(&filed[1]), told("REFILED", "LEFT", "CHANGED_SINCE"));
    assert_eq!(about(&filed[2]), told("REFILED", "LEFT", "CHANGED_SINCE"));
    assert_eq!(
        about(&waiting[0]),
        told("PROPOSED_AGAIN", "LEFT", "CHANGED_SINCE")
    );
    assert_eq!((&set["refused"], &set["left"]), (&json!(1), &json!(3)));
    assert_eq!(set["applied"], 1 + 7 + 4);
    assert_eq!(
        items.len(),
        16,
        "the rule and all that the simulation lists"
    );
    let refused = json!({ "outcomes": ["REFUSED"], "kinds": ["REFILED"], "reasons": ["SPLIT"] });
    assert_eq!(owner.items(&set.text("id"), refused).await.len(), 1);
    undone(&app, &desk, &set).await;
    assert_eq!(owner.records().await, records);
    assert_eq!(owner.statement().await, statement);

    // an amount that needs two people is filed elsewhere by nobody alone
    let ceiling = "mutation { updateTenantSettings(input: { twoPersonCeilings: [{ amount: \"10\", currency: \"EUR\" }] }) { errors { message } } }";
    owner.run(ceiling, Value::Null).await.ok();
    let again = desk
        .simulate(json!({ "knowledge": "NOW", "rules": [desk.rule("coffee", 3)] }))
        .await;
    let set = applied(&app, &desk, &again, json!({ "approved": "REFILE" })).await;
    let reasons = json!({ "reasons": ["SECOND_PERSON_NEEDED"] });
    let refused = owner.items(&set.text("id"), reasons).await;
    assert_eq!(refused.len(), 9, "{set:#}");
    assert_eq!(set["refused"], 10, "and the split");
    assert_eq!(owner.statement().await, statement);
    undone(&app, &desk, &set).await;
    assert_eq!(owner.records().await, records);
    app.finish().await;
}

#[tokio::test]
async fn what_was_changed_since_is_left_alone_by_an_undo() {
    let app = TestApp::start().await;
    let desk = Desk::history(&app).await;
    let owner = &desk.owner;
    let records = owner.records().await;
    let rules = [desk.rule("coffee", 3), desk.rule("trein", 2)];
    let simulated = desk
        .simulate(json!({ "knowledge": "NOW", "rules": rules }))
        .await;
    let choice = json!({ "waiting": "PROPOSE_AGAIN", "approved": "REFILE" });
    let set = applied(&app, &desk, &simulated, choice).await;
    let items = owner.items(&set.text("id"), Value::Null).await;
    let of = |kind: &str| -> Vec<String> {
        let found = items.iter().filter(|item| item["kind"] == kind);
        found.map(|item| item.text("record.id")).collect()
    };
    let (filed, waiting) = (of("REFILED"), of("PROPOSED_AGAIN"));
    assert_eq!((filed.len(), waiting.len()), (10, 5));
    // people go on: one is filed elsewhere, one that waited is decided, a rule is renamed
    reopen(owner, &filed[0]).await;
    for (record, category) in [(&filed[0], 4), (&waiting[0], 3)] {
        let input =
            json!({ "input": { "recordId": record, "categoryId": desk.expenses[category] } });
        owner.run(OVERRIDE, input).await.ok();
    }
    let rule = items[0].text("rule.id");
    let rename =
        "mutation($input: UpdateRuleInput!) { updateRule(input: $input) { errors { message } } }";
    let rename = owner
        .run(
            rename,
            json!({ "input": { "ruleId": rule, "name": "Ours" } }),
        )
        .await
        .ok();
    assert_eq!(rename.path("updateRule.errors"), &json!([]));

    let set = undone(&app, &desk, &set).await;
    assert_eq!((&set["left"], &set["applied"]), (&json!(3), &json!(0)));
    assert_eq!(set["undone"], 1 + 9 + 4);
    let left = owner
        .items(&set.text("id"), json!({ "outcomes": ["LEFT"] }))
        .await;
    for item in &left {
        assert_eq!(item["reason"], "CHANGED_SINCE", "{item}");
    }
    assert_eq!(left[0].text("rule.name"), "Ours");
    let rules = owner.rules().await;
    let names: Vec<&Value> = rules
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| &rule["name"])
        .collect();
    assert_eq!(names, ["Ours"], "the other one is gone");
    let now = owner.records().await;
    let touched = [&filed[0], &waiting[0]];
    for (then, now) in records.iter().zip(&now) {
        let by_people = touched.iter().any(|id| then["id"] == json!(id));
        assert_eq!(filing(then) == filing(now), !by_people, "{then} {now}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_simulation_that_is_no_longer_true_is_refused_as_a_whole() {
    let app = TestApp::start().await;
    let desk = Desk::history(&app).await;
    let owner = &desk.owner;
    let trains = make_rule(owner, "Trains", &desk.expenses[2], None).await;
    let supposed = json!({ "knowledge": "NOW", "rules": [desk.rule("coffee", 3)],
                           "automation": { "targetPrecision": 0.97 } });
    let simulated = desk.simulate(supposed.clone()).await;
    let refused = async |simulated: &Value| {
        let before = owner.rules().await;
        let refused = owner
            .apply(simulated, json!({ "waiting": "PROPOSE_AGAIN" }))
            .await;
        assert_eq!(refused["changeSet"], Value::Null);
        assert_eq!(owner.rules().await, before, "nothing was changed");
        refused.path("errors[0]").clone()
    };
    let switch = |on: bool| {
        let verb = if on { "enableRule" } else { "disableRule" };
        format!(
            "mutation($id: ID!) {{ {verb}(input: {{ ruleId: $id }}) {{ errors {{ message }} }} }}"
        )
    };
    owner
        .run(&switch(false), json!({ "id": trains }))
        .await
        .ok();
    let why = refused(&simulated).await;
    assert_eq!(why["code"], "CONFLICT", "{why}");
    assert!(why.text("message").contains("Trains"), "{why}");
    owner.run(&switch(true), json!({ "id": trains })).await.ok();
    // as it was again: what counts is what there is
    let other = make_rule(owner, "Another", &desk.expenses[2], None).await;
    let why = refused(&simulated).await;
    assert!(
        why.text("message").contains("Another") && !why.text("message").contains("Trains"),
        "{why}"
    );
    let gone = "mutation($id: ID!) { deleteRule(input: { ruleId: $id }) { errors { message } } }";
    owner.run(gone, json!({ "id": other })).await.ok();
    let automation =
        "mutation { updateAutomation(input: { targetPrecision: 0.99 }) { errors { message } } }";
    owner.run(automation, Value::Null).await.ok();
    let why = refused(&simulated).await;
    assert!(
        why.text("message").contains("pass without a person"),
        "{why}"
    );

    // a category that was archived since
    let simulated = desk.simulate(supposed).await;
    let archive =
        "mutation($id: ID!) { archiveCategory(input: { categoryId: $id }) { errors { message } } }";
    owner
        .run(archive, json!({ "id": desk.expenses[3] }))
        .await
        .ok();
    let why = refused(&simulated).await;
    assert!(
        why.text("field")
            .starts_with("rules[0].add.actions.category"),
        "{why}"
    );

    // tiers cannot be switched, and nothing is not applied
    let tiers = desk.simulate(json!({ "tiers": { "model": false } })).await;
    let why = refused(&tiers).await;
    assert_eq!(
        (&why["field"], &why["code"]),
        (&json!("simulationId"), &json!("BAD_USER_INPUT"))
    );
    assert!(why.text("message").contains("tiers"), "{why}");
    let nothing = desk.simulate(json!({})).await;
    let why = owner.apply(&nothing, json!({})).await;
    assert_eq!(why.path("errors[0].field"), "simulationId", "{why}");
    // one that is not made yet
    let asked = desk.ask(json!({ "rules": [{ "remove": trains }] })).await;
    let why = owner.apply(asked.path("simulation"), json!({})).await;
    assert_eq!(why.path("errors[0].code"), "CONFLICT", "{why}");
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn who_applies_needs_what_each_change_needs_also_when_the_worker_comes_to_it() {
    let app = TestApp::start().await;
    let desk = Desk::history(&app).await;
    let owner = &desk.owner;
    let (admin, reviewer) = (
        desk.tenant.join("ADMIN").await,
        desk.tenant.reviewer().await,
    );
    let simulated = desk
        .simulate(
            json!({ "knowledge": "NOW", "rules": [desk.rule("coffee", 3)],
                          "automation": { "targetPrecision": 0.97 } }),
        )
        .await;
    let input = json!({ "input": { "simulationId": simulated["id"] } });
    for somebody in [&admin, &reviewer] {
        let refused = somebody.run(APPLY, input.clone()).await;
        assert_eq!(refused.error_code(), "FORBIDDEN");
    }
    assert_eq!(owner.rules().await, json!([]), "nothing was changed");

    // an admin may change rules; by the time the records come, they are a viewer
    let simulated = desk
        .simulate(json!({ "knowledge": "NOW", "rules": [desk.rule("coffee", 3)] }))
        .await;
    let records = owner.records().await;
    let choice = json!({ "waiting": "PROPOSE_AGAIN", "approved": "REFILE" });
    let set = admin.apply(&simulated, choice).await;
    assert_eq!(set.path("changeSet.status"), "QUEUED", "{set:#}");
    let members = "{ members(first: 10) { edges { node { role user { id } } } } }";
    let members = owner.run(members, Value::Null).await.ok();
    let mut members = members.list("members.edges").iter();
    let member = members
        .find(|edge| edge.path("node.role") == "ADMIN")
        .unwrap();
    let role = "mutation($input: ChangeMemberRoleInput!) { changeMemberRole(input: $input) { errors { message } } }";
    let input = json!({ "input": { "userId": member.text("node.user.id"), "role": "VIEWER" } });
    owner.run(role, input).await.ok();
    app.run_background_work().await;
    let set = owner.set(&set.text("changeSet.id")).await;
    assert_eq!(
        (&set["applied"], &set["refused"]),
        (&json!(1), &json!(15)),
        "{set:#}"
    );
    let reasons = json!({ "reasons": ["OUT_OF_REACH"] });
    assert_eq!(owner.items(&set.text("id"), reasons).await.len(), 15);
    assert_eq!(owner.records().await, records);
    app.finish().await;
}
