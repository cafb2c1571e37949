//! Rules that approve by themselves: when a person lets them, as long as they have earned it.

use serde_json::{Value, json};

use super::desk::{ACCEPT, BAKERY, Desk};
use crate::support::{Path, TestApp};

#[tokio::test]
async fn a_rule_approves_by_itself_when_let_and_earned_and_stops_at_a_contradiction() {
    let app = TestApp::start().await;
    let desk = Desk::open(&app.tenant("acme").await).await;
    desk.teach(&app, BAKERY, 3, &desk.meals).await;
    let accepted = desk.accept(&desk.only("OPEN").await, json!({})).await;
    let rule = accepted.text("rule.id");
    desk.automation("AUTOMATIC", 0.01).await;
    desk.teach(&app, BAKERY, 60, &desk.meals).await;
    desk.teach(&app, BAKERY, 60, &desk.meals).await;

    // earned, and not let: a bar that its source has does not help it
    desk.receive(&app, &desk.account, BAKERY, 1).await;
    let waiting = desk.waiting().await;
    assert_eq!(
        (&waiting[0]["source"], &waiting[0]["passes"]),
        (&json!("RULE"), &json!(false))
    );
    desk.file(&app, &desk.meals).await;
    let own = desk.only("ACCEPTED").await["selfApproval"].clone();
    assert_eq!(
        (&own["on"], &own["allowed"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(own["class"], "MERCHANT_ACCOUNT_20");
    assert!(own["outcomes"].as_i64().unwrap() >= 80, "{own}");
    assert!(own["lowerBound"].as_f64().unwrap() >= 0.95, "{own}");

    let done = desk.let_approve(&rule, true).await;
    assert_eq!(done.path("rule.selfApproval.allowed"), true, "{done}");
    desk.receive(&app, &desk.account, BAKERY, 20).await;
    let passed = desk.approvals(json!({ "automatic": true })).await;
    let drawn = desk.waiting().await;
    assert_eq!(passed.len() + drawn.len(), 20);
    assert!(passed.len() > drawn.len());
    assert!(passed.iter().all(|it| it["source"] == "RULE"));
    // another payee of the same category has earned nothing
    desk.receive(&app, &desk.other_account, BAKERY, 1).await;
    let newest = desk.waiting().await.remove(0);
    assert_eq!(newest["passes"], false, "{newest}");
    desk.file(&app, &desk.meals).await;

    // one is taken back and filed elsewhere: it stops at once
    let reopen =
        "mutation($id: ID!) { reopenApproval(input: { approvalId: $id }) { errors { message } } }";
    desk.client
        .run(reopen, json!({ "id": passed[0]["id"] }))
        .await
        .ok();
    desk.file(&app, &desk.cars).await;
    desk.receive(&app, &desk.account, BAKERY, 3).await;
    let waiting = desk.waiting().await;
    assert_eq!(waiting.len(), 3);
    assert!(
        waiting
            .iter()
            .all(|it| it["source"] == "RULE" && it["passes"] == false)
    );
    assert_eq!(desk.events(&["RULE_SELF_APPROVAL_STOPPED"]).await.len(), 1);
    let own = desk.rules().await[0]["selfApproval"].clone();
    assert_eq!(
        (&own["on"], &own["allowed"]),
        (&json!(false), &json!(false))
    );
    assert!(own.text("reason").contains("contradiction"), "{own}");
    // letting it again is not enough: it has to be confirmed again
    let again = desk.let_approve(&rule, true).await;
    let own = again.path("rule.selfApproval");
    assert_eq!(
        (&own["on"], &own["allowed"]),
        (&json!(true), &json!(false)),
        "{own}"
    );
    let off = desk.let_approve(&rule, false).await;
    assert_eq!(off.path("rule.selfApproval.on"), false);
    app.finish().await;
}

#[tokio::test]
async fn nothing_passes_while_the_tenant_only_wants_proposals() {
    let app = TestApp::start().await;
    let desk = Desk::open(&app.tenant("acme").await).await;
    desk.teach(&app, BAKERY, 3, &desk.meals).await;
    let accepted = desk
        .accept(&desk.only("OPEN").await, json!({ "selfApproval": true }))
        .await;
    assert_eq!(accepted.path("rule.selfApproval.on"), true, "{accepted}");
    desk.automation("PROPOSE_ONLY", 0.01).await;
    desk.teach(&app, BAKERY, 100, &desk.meals).await;
    desk.receive(&app, &desk.account, BAKERY, 5).await;
    let waiting = desk.waiting().await;
    assert_eq!(waiting.len(), 5, "none entered the books");
    assert!(
        waiting.iter().all(|it| it["passes"] == true),
        "what would is told"
    );
    // and with an audit of everything a person still sees all of them
    desk.automation("AUTOMATIC", 1.0).await;
    desk.receive(&app, &desk.account, BAKERY, 5).await;
    let drawn = desk
        .approvals(json!({ "audit": true, "status": ["PENDING"] }))
        .await;
    assert_eq!(drawn.len(), 5);
    app.finish().await;
}

#[tokio::test]
async fn only_people_who_may_let_a_rule_approve_do_so() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let desk = Desk::open(&tenant).await;
    desk.teach(&app, BAKERY, 3, &desk.meals).await;
    let suggestion = desk.only("OPEN").await;
    let input = json!({ "input": { "ruleSuggestionId": suggestion["id"] } });
    let refused = tenant.viewer().await.run(ACCEPT, input).await;
    assert_eq!(refused.error_code(), "FORBIDDEN");

    let account = "mutation { createServiceAccount(input: { name: \"Robot\", permissions: [\"rules:read\", \"rules:write\", \"approvals:decide\"] }) { serviceAccount { id } } }";
    let account = desk.client.run(account, json!({})).await.ok();
    let key = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { key errors { message } } }";
    let input = json!({ "serviceAccountId": account.text("createServiceAccount.serviceAccount.id"), "name": "k",
        "scopes": ["rules:read", "rules:write", "approvals:decide"] });
    let key = desk.client.run(key, json!({ "input": input })).await.ok();
    let robot = desk.client.with_token(&key.text("createApiKey.key"));
    let input = json!({ "ruleSuggestionId": suggestion["id"], "selfApproval": true });
    let refused = robot.run(ACCEPT, json!({ "input": input })).await;
    assert_eq!(refused.error_code(), "FORBIDDEN");
    let input = json!({ "input": { "ruleSuggestionId": suggestion["id"] } });
    let accepted = robot.run(ACCEPT, input).await.ok();
    assert_eq!(
        accepted["acceptRuleSuggestion"]["errors"],
        json!([]),
        "to propose it may"
    );

    // a rule that nobody suggested has nothing to earn it by
    let made = "mutation($input: CreateRuleInput!) { createRule(input: $input) { rule { id } errors { message } } }";
    let input =
        json!({ "name": "own", "conditions": { "direction": "OUT" }, "actions": { "note": "n" } });
    let made = desk.client.run(made, json!({ "input": input })).await.ok();
    let refused = desk
        .let_approve(&made.text("createRule.rule.id"), true)
        .await;
    assert_eq!(refused["errors"][0]["field"], "ruleId");
    let own = desk.rules().await;
    assert_eq!(own.last().unwrap()["selfApproval"], Value::Null);
    app.run_background_work().await;
    app.finish().await;
}
