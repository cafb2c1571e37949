//! Above the tenant's ceiling an override needs a second person.

use serde_json::{Value, json};

use crate::support::{Client, Path, Tenant, TestApp};

const SET: &str =
    "mutation($input: UpdateTenantSettingsInput!) { updateTenantSettings(input: $input) {
    settings { twoPersonCeilings { amount currency } } errors { field message code }
} }";
const QUEUE: &str = "query($filter: ApprovalFilter) { approvals(filter: $filter, first: 50) { edges { node {
    id status secondPersonNeeded proposedBy proposedCategory { id } decision { source rationale } reopenedFromId
    record { id status category { id } }
} } } }";
const OVERRIDE: &str = "mutation($input: OverrideRecordInput!) { overrideRecord(input: $input) {
    approval { id status secondPersonNeeded reopenedFromId record { status } } errors { field message code }
} }";
const MANY: &str = "mutation($input: OverrideRecordsInput!) { overrideRecords(input: $input) {
    answers { approvalId approval { id status secondPersonNeeded } error { code } } errors { field message code }
} }";
const APPROVE: &str = "mutation($id: ID!) { approveRecord(input: { approvalId: $id }) {
    approval { id status record { status category { id } } } errors { field message code }
} }";
const DECLINE: &str = "mutation($id: ID!) { declineOverride(input: { approvalId: $id, comment: \"No.\" }) {
    approval { id status secondPersonNeeded reopenedFromId record { status category { id } } } errors { field message code }
} }";

struct Books {
    tenant: Tenant,
    owner: Client,
    reviewer: Client,
    chart: Vec<String>,
}

/// A tenant with a ceiling of 100 EUR and waiting records of 50, 500, 600 and 700 EUR and of 1 USD.
async fn books(app: &TestApp) -> (Books, Vec<String>) {
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let ceiling = json!({ "twoPersonCeilings": [{ "amount": "100", "currency": "EUR" }] });
    let set = owner.run(SET, json!({ "input": ceiling })).await.ok();
    assert_eq!(
        set.text("updateTenantSettings.settings.twoPersonCeilings[0].amount"),
        "100.00"
    );
    let account = owner.make_account("Main").await;
    let amounts = [
        ("-50", "EUR"),
        ("-500", "EUR"),
        ("600", "EUR"),
        ("-700", "EUR"),
        ("1", "USD"),
    ];
    let row = |(at, (amount, currency)): (usize, &(&str, &str))| {
        json!({ "externalId": format!("r{at}"), "occurredOn": "2026-02-27", "currency": currency,
                "amount": amount, "description": format!("BILL {at}") })
    };
    let rows: Vec<Value> = amounts.iter().enumerate().map(row).collect();
    let import = "mutation($input: ImportRecordsInput!) { importRecords(input: $input) { rows { record { id } } errors { message } } }";
    let input = json!({ "input": { "accountId": account, "rows": rows } });
    let imported = owner.run(import, input).await.ok();
    app.run_background_work().await;
    let queue = waiting(&owner, json!({ "status": ["PENDING"] })).await;
    let of = |row: &Value| {
        let found = queue
            .iter()
            .find(|it| it.text("record.id") == row.text("record.id"));
        found.expect("it waits").text("id")
    };
    let ids = imported.list("importRecords.rows").iter().map(of).collect();
    let chart = owner.run("{ categories { id } }", json!({})).await.ok();
    let chart = chart.list("categories").iter();
    let books = Books {
        chart: chart.map(|it| it.text("id")).collect(),
        reviewer: tenant.reviewer().await,
        tenant,
        owner,
    };
    (books, ids)
}

async fn waiting(of: &Client, filter: Value) -> Vec<Value> {
    let queue = of.run(QUEUE, json!({ "filter": filter })).await.ok();
    let edges = queue.list("approvals.edges").iter();
    edges.map(|edge| edge["node"].clone()).collect()
}

async fn propose(books: &Books, id: &str) -> String {
    let input = json!({ "approvalId": id, "categoryId": books.chart[3], "note": "as agreed" });
    let proposed = books
        .reviewer
        .run(OVERRIDE, json!({ "input": input }))
        .await
        .ok();
    let approval = proposed.path("overrideRecord.approval");
    assert_eq!(approval["status"], "PENDING");
    assert_eq!(approval["secondPersonNeeded"], true);
    assert_eq!(approval.text("record.status"), "PROCESSED");
    assert_eq!(approval.text("reopenedFromId"), id);
    approval.text("id")
}

#[tokio::test]
async fn who_proposed_an_override_does_not_approve_it() {
    let app = TestApp::start().await;
    let (books, ids) = books(&app).await;
    let proposed = propose(&books, &ids[1]).await;
    let shown = waiting(&books.owner, json!({ "secondPersonNeeded": true })).await;
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].text("id"), proposed);
    assert_eq!(shown[0].text("proposedCategory.id"), books.chart[3]);
    assert_eq!(shown[0].text("decision.source"), "PERSON");

    // neither by approving nor by choosing the same again
    let own = books.reviewer.run(APPROVE, json!({ "id": proposed })).await;
    assert_eq!(own.user_errors()[0]["code"], "CONFLICT");
    assert!(
        own.user_errors()[0]
            .text("message")
            .contains("second person")
    );
    let input = json!({ "approvalId": proposed, "categoryId": books.chart[3] });
    let again = books
        .reviewer
        .run(OVERRIDE, json!({ "input": input }))
        .await
        .ok();
    let proposed = again.text("overrideRecord.approval.id");
    assert_eq!(
        again["overrideRecord"]["approval"]["secondPersonNeeded"],
        true
    );
    let can = "query($id: ID!) { viewer { can(action: \"approvals:decide\", subjectId: $id) } }";
    let mine = books
        .reviewer
        .run(can, json!({ "id": proposed }))
        .await
        .ok();
    let theirs = books.owner.run(can, json!({ "id": proposed })).await.ok();
    assert_eq!(
        (&mine["viewer"]["can"], &theirs["viewer"]["can"]),
        (&json!(false), &json!(true))
    );

    let agreed = books
        .owner
        .run(APPROVE, json!({ "id": proposed }))
        .await
        .ok();
    let approval = agreed.path("approveRecord.approval");
    assert_eq!(approval.text("record.status"), "APPROVED");
    assert_eq!(approval.text("record.category.id"), books.chart[3]);

    let log = "{ eventFeed(kinds: [\"OVERRIDE_PROPOSED\", \"TX_APPROVED\"], first: 9) { events { kind actor payload } } }";
    let log = books.owner.run(log, json!({})).await.ok();
    let events = log.list("eventFeed.events");
    assert_eq!(events.len(), 3);
    assert_ne!(events[1]["actor"], events[2]["actor"]);
    assert_eq!(events[2].text("payload.approval"), proposed);
    app.finish().await;
}

#[tokio::test]
async fn one_person_decides_alone_up_to_the_ceiling_and_what_was_proposed() {
    let app = TestApp::start().await;
    let (books, ids) = books(&app).await;
    let input = json!({ "approvalIds": ids, "categoryId": books.chart[3] });
    let answered = books
        .reviewer
        .run(MANY, json!({ "input": input }))
        .await
        .ok();
    let answers = answered.list("overrideRecords.answers");
    let needed: Vec<&Value> = answers
        .iter()
        .map(|it| &it["approval"]["secondPersonNeeded"])
        .collect();
    // 50 EUR alone; above, whichever way, and in a currency without a ceiling not
    assert_eq!(needed, [false, true, true, true, true]);
    assert_eq!(answers[0].text("approval.status"), "OVERRIDDEN");
    assert!(answers.iter().all(|it| it["error"].is_null()));

    // no rule comes of what nobody has agreed to
    books
        .owner
        .run(SET, json!({ "input": { "twoPersonCeilings": [] } }))
        .await
        .ok();
    let still = books
        .reviewer
        .run(APPROVE, json!({ "id": answers[1].text("approval.id") }))
        .await;
    assert_eq!(
        still.user_errors()[0]["code"],
        "CONFLICT",
        "what was proposed before still needs one"
    );
    let free =
        json!({ "approvalId": answers[1].text("approval.id"), "categoryId": books.chart[4] });
    let free = books
        .owner
        .run(OVERRIDE, json!({ "input": free }))
        .await
        .ok();
    assert_eq!(free.text("overrideRecord.approval.status"), "OVERRIDDEN");
    app.finish().await;
}

#[tokio::test]
async fn no_rule_comes_of_an_override_that_waits() {
    let app = TestApp::start().await;
    let (books, ids) = books(&app).await;
    let input = json!({ "approvalId": ids[1], "categoryId": books.chart[3], "makeRule": {} });
    let refused = books
        .reviewer
        .run(OVERRIDE, json!({ "input": input }))
        .await;
    assert_eq!(refused.user_errors()[0]["field"], "makeRule");
    let queue = waiting(&books.owner, json!({ "status": ["PENDING"] })).await;
    assert!(
        queue.iter().any(|it| it.text("id") == ids[1]),
        "nothing was done"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_declined_override_lets_the_record_wait_again() {
    let app = TestApp::start().await;
    let (books, ids) = books(&app).await;
    let mut feed = books
        .owner
        .subscribe(
            "subscription { approvalEvents { kind approval { id } } }",
            json!({}),
        )
        .await;
    let proposed = propose(&books, &ids[1]).await;
    let told = feed.next().await;
    assert_eq!(told.text("approvalEvents.kind"), "PROPOSED");
    assert_eq!(told.text("approvalEvents.approval.id"), proposed);
    let declined = books
        .owner
        .run(DECLINE, json!({ "id": proposed }))
        .await
        .ok();
    let waiting = declined.path("declineOverride.approval");
    assert_eq!(waiting["status"], "PENDING");
    assert_eq!(waiting["secondPersonNeeded"], false);
    assert_eq!(waiting.text("record.status"), "PROCESSED");
    assert!(
        waiting["record"]["category"].is_null(),
        "nothing was proposed before"
    );
    let told = feed.next().await;
    assert_eq!(told.text("approvalEvents.kind"), "DECLINED");
    assert_eq!(told.text("approvalEvents.approval.id"), waiting.text("id"));

    let again = books.owner.run(DECLINE, json!({ "id": proposed })).await;
    assert_eq!(again.user_errors()[0]["code"], "CONFLICT");
    let nothing = books.owner.run(DECLINE, json!({ "id": ids[2] })).await;
    assert_eq!(nothing.user_errors()[0]["code"], "CONFLICT");
    drop(feed);
    app.finish().await;
}

#[tokio::test]
async fn of_two_who_answer_at_once_one_does() {
    let app = TestApp::start().await;
    let (books, ids) = books(&app).await;
    let third = books.tenant.join("MANAGER").await;
    for id in &ids[1..4] {
        let proposed = propose(&books, id).await;
        let variables = json!({ "id": proposed });
        let (a, b) = tokio::join!(
            books.owner.run(APPROVE, variables.clone()),
            third.run(DECLINE, variables),
        );
        let refused = [a.user_errors(), b.user_errors()].concat();
        assert_eq!(refused.len(), 1, "one of the two decided");
        assert_eq!(refused[0]["code"], "CONFLICT");
    }
    app.finish().await;
}

#[tokio::test]
async fn only_an_owner_sets_the_ceiling_once_for_each_currency() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let twice = json!({ "twoPersonCeilings": [
        { "amount": "1", "currency": "EUR" }, { "amount": "2", "currency": "EUR" }] });
    let refused = tenant.owner().run(SET, json!({ "input": twice })).await;
    assert_eq!(refused.user_errors()[0]["field"], "twoPersonCeilings");
    let wrong = json!({ "twoPersonCeilings": [{ "amount": "1", "currency": "XXX1" }] });
    let refused = tenant.owner().run(SET, json!({ "input": wrong })).await;
    assert_eq!(
        refused.user_errors()[0]["field"],
        "twoPersonCeilings[0].currency"
    );
    let admin = tenant.join("ADMIN").await;
    let admin = admin
        .run(SET, json!({ "input": { "twoPersonCeilings": [] } }))
        .await;
    assert_eq!(admin.error_code(), "FORBIDDEN");
    app.finish().await;
}
