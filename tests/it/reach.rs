//! Somebody who reaches some records only: what they are shown, in lists, counts, sums, exports and streams, and what
//! they may decide.

use serde_json::{Value, json};

use crate::projects::project;
use crate::roles::{make, member_as};
use crate::support::{Client, Path, Tenant, TestApp};

const IMPORT: &str = "mutation($input: ImportRecordsInput!) { importRecords(input: $input) {
    rows { record { id } } errors { field message code }
} }";
const QUEUE: &str = "{ approvals(filter: { status: [PENDING] }, first: 50) {
    edges { node { id record { id description } } } totalCount
} }";
const OVERRIDE: &str = "mutation($input: OverrideRecordsInput!) { overrideRecords(input: $input) {
    answers { approvalId approval { id status } error { code message } } errors { field message code }
} }";
const ONE: &str = "mutation($input: OverrideRecordInput!) { overrideRecord(input: $input) {
    approval { id status } errors { field message code }
} }";

/// A tenant with records of two projects and of none; the first three belong to the fair, the next two to the house.
struct Books {
    tenant: Tenant,
    owner: Client,
    records: Vec<String>,
    category: String,
}

async fn books(app: &TestApp) -> Books {
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let account = owner.make_account("Main").await;
    project(&owner, "fair").await;
    project(&owner, "house").await;
    for (word, project) in [("FAIR", "fair"), ("HOUSE", "house")] {
        let input = json!({ "input": {
            "name": word, "actions": { "project": project },
            "conditions": { "text": { "op": "CONTAINS", "value": word } },
        } });
        let rule = "mutation($input: CreateRuleInput!) { createRule(input: $input) { errors { message } } }";
        owner.run(rule, input).await.ok();
    }
    let words = ["FAIR", "FAIR", "FAIR", "HOUSE", "HOUSE", "OTHER"];
    let row = |(at, word): (usize, &&str)| {
        json!({ "externalId": format!("r{at}"), "occurredOn": "2026-02-27", "currency": "EUR",
                "amount": format!("-{}.00", 10 * (at + 1)), "description": format!("{word} BILL {at}") })
    };
    let rows: Vec<Value> = words.iter().enumerate().map(row).collect();
    let input = json!({ "input": { "accountId": account, "rows": rows } });
    let imported = owner.run(IMPORT, input).await.ok();
    app.run_background_work().await;
    let chart = owner
        .run("{ categories { id code } }", json!({}))
        .await
        .ok();
    let category = chart.list("categories").iter();
    let mut category = category
        .filter(|it| it["code"] == "6410")
        .map(|it| it.text("id"));
    Books {
        records: imported
            .list("importRecords.rows")
            .iter()
            .map(|row| row.text("record.id"))
            .collect(),
        category: category.next_back().expect("the chart has it"),
        tenant,
        owner,
    }
}

/// Somebody who sees and decides what belongs to the fair, up to 20 EUR.
async fn of_the_fair(books: &Books) -> Client {
    let fair = |permission: &str| json!({ "permission": permission, "scope": "PROJECT", "projects": ["fair"] });
    let mut decide = fair("approvals:decide");
    decide["amountCeiling"] = json!({ "amount": "20", "currency": "EUR" });
    let plain = |permission: &str| json!({ "permission": permission });
    let grants = json!([
        fair("records:read"),
        decide,
        plain("approvals:read"),
        plain("reports:read"),
        plain("reports:create"),
        plain("events:read"),
        plain("rules:read"),
        plain("accounts:read"),
        plain("records:void"),
        plain("members:manage"),
    ]);
    member_as(&books.tenant, &make(&books.owner, "Fair", grants).await).await
}

async fn queue(of: &Client) -> Vec<(String, String)> {
    let queue = of.run(QUEUE, json!({})).await.ok();
    let edges = queue.list("approvals.edges").iter();
    let one = |edge: &Value| (edge.text("node.id"), edge.text("node.record.id"));
    edges.map(one).collect()
}

#[tokio::test]
async fn lists_counts_and_exports_hold_what_they_reach_only() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let limited = of_the_fair(&books).await;
    let all = "{ records(first: 50) { edges { node { id project } } totalCount } }";
    let seen = limited.run(all, json!({})).await.ok();
    assert_eq!(seen.number("records.totalCount"), 3);
    let edges = seen.list("records.edges").iter();
    assert!(edges.clone().all(|edge| edge["node"]["project"] == "fair"));
    assert_eq!(edges.count(), 3);
    let queue = limited.run(QUEUE, json!({})).await.ok();
    assert_eq!(queue.number("approvals.totalCount"), 3);

    let csv = limited.get("/api/v1/exports/records.csv").await.text();
    assert_eq!(csv.matches("FAIR BILL").count(), 3);
    assert!(!csv.contains("HOUSE") && !csv.contains("OTHER"), "{csv}");

    // by id, what is out of reach does not exist
    let hidden = &books.records[3];
    let by_id = "query($id: ID!) { record(id: $id) { id } }";
    let one = limited.run(by_id, json!({ "id": hidden })).await;
    assert_eq!(one.error_code(), "NOT_FOUND");
    let theirs = "query($id: ID!) { record(id: $id) { decision { id } decisions { id } } }";
    let decision = books.owner.run(theirs, json!({ "id": hidden })).await.ok();
    let decision = decision.text("record.decision.id");
    let nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let nodes = limited
        .run(nodes, json!({ "ids": [hidden, decision] }))
        .await
        .ok();
    assert!(nodes.list("nodes").iter().all(Value::is_null), "{nodes}");

    // trying a rule out tells nothing either
    let test = "mutation { testRule(input: {
        conditions: { text: { op: CONTAINS, value: \"bill\" } }, actions: { note: \"x\" }
    }) { test { sampled } errors { message } } }";
    let tested = limited.run(test, json!({})).await.ok();
    assert_eq!(tested.number("testRule.test.sampled"), 3);
    let rules = "{ rules { name statistics { live { hits } } } ruleConflicts { sampled } }";
    let rules = limited.run(rules, json!({})).await.ok();
    assert_eq!(rules.number("ruleConflicts.sampled"), 3);
    let hits = rules.list("rules").iter();
    let hits: Vec<_> = hits.map(|it| it.number("statistics.live.hits")).collect();
    assert_eq!(hits, [3, 0]);
    let imports = limited
        .run("{ imports(first: 5) { totalCount } }", json!({}))
        .await
        .ok();
    assert_eq!(imports.number("imports.totalCount"), 0);
    app.finish().await;
}

#[tokio::test]
async fn each_of_many_is_decided_or_answered_why_not() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let limited = of_the_fair(&books).await;
    let queue = queue(&books.owner).await;
    let of = |record: &String| {
        let found = queue.iter().find(|(_, of)| of == record);
        found.expect("it waits").0.clone()
    };
    // within reach, above the ceiling, of another project
    let ids = [&books.records[0], &books.records[2], &books.records[3]].map(of);
    let input = json!({ "approvalIds": ids, "categoryId": books.category });
    let answered = limited.run(OVERRIDE, json!({ "input": input })).await.ok();
    let answers = answered.list("overrideRecords.answers");
    assert_eq!(answers[0].text("approval.status"), "OVERRIDDEN");
    assert_eq!(answers[1].text("error.code"), "FORBIDDEN");
    assert_eq!(answers[1].text("approval.status"), "PENDING");
    assert_eq!(answers[2].text("error.code"), "NOT_FOUND");
    assert!(answers[2]["approval"].is_null());

    // one by one it is an error of the request, with its path
    let one = json!({ "input": { "approvalId": ids[1], "categoryId": books.category } });
    let one = limited.run(ONE, one).await;
    assert_eq!(one.error_code(), "FORBIDDEN");
    assert_eq!(one.body["errors"][0]["path"], json!(["overrideRecord"]));
    let reject =
        "mutation($id: ID!) { rejectRecord(input: { approvalId: $id }) { errors { code } } }";
    let rejected = limited.run(reject, json!({ "id": ids[1] })).await;
    assert_eq!(rejected.error_code(), "FORBIDDEN");
    let reopen = "mutation($id: ID!) { reopenApproval(input: { approvalId: $id }) { approval { id } errors { code } } }";
    let theirs = json!({ "input": { "approvalId": ids[2], "categoryId": books.category } });
    books.owner.run(ONE, theirs).await.ok();
    let reopened = limited.run(reopen, json!({ "id": ids[2] })).await;
    assert_eq!(reopened.user_errors()[0]["code"], "NOT_FOUND");

    // nor is a record moved out of their reach
    let waiting = of(&books.records[1]);
    let away = json!({ "input": { "approvalId": waiting, "categoryId": books.category, "project": "house" } });
    assert_eq!(limited.run(ONE, away).await.error_code(), "FORBIDDEN");

    // the same that a button asks before
    let can = "query($a: ID!, $b: ID!, $c: ID!) { viewer {
        one: can(action: \"approvals:decide\", subjectId: $a) two: can(action: \"approvals:decide\", subjectId: $b)
        three: can(action: \"approvals:decide\", subjectId: $c) any: can(action: \"approvals:decide\")
        none: can(action: \"rules:write\")
    } }";
    let asked = json!({ "a": waiting, "b": ids[1], "c": books.records[3] });
    let can = limited.run(can, asked).await.ok();
    assert_eq!(
        can["viewer"],
        json!({ "one": true, "two": false, "three": false, "any": true, "none": false })
    );
    app.finish().await;
}

#[tokio::test]
async fn tags_are_given_and_counted_within_reach() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let limited = of_the_fair(&books).await;
    let tag = "mutation($input: TagRecordsInput!) { tagRecords(input: $input) {
        answers { outcome error { code } } errors { message } } }";
    // theirs and small, theirs and above the ceiling, and one that they do not see
    let asked =
        "{ records(first: 50, orderBy: AMOUNT_ASC) { edges { node { id amount { amount } } } } }";
    let seen = limited.run(asked, json!({})).await.ok();
    let edges = seen.list("records.edges");
    let (large, small) = (&edges[0]["node"], &edges[edges.len() - 1]["node"]);
    let ids = json!([small["id"], large["id"], books.records[3]]);
    let input =
        json!({ "input": { "recordIds": ids, "add": ["mine"], "errorPolicy": "REJECT_FAILED" } });
    let done = limited.run(tag, input).await.ok();
    let answers = done.list("tagRecords.answers").iter();
    let told: Value = answers
        .map(|answer| json!([answer["outcome"], answer["error"]["code"]]))
        .collect();
    assert_eq!(
        told,
        json!([
            ["DONE", null],
            ["FAILED", "FORBIDDEN"],
            ["FAILED", "NOT_FOUND"]
        ]),
        "{seen:#}"
    );

    let everywhere = json!({ "input": { "recordIds": books.records, "add": ["all"] } });
    books.owner.run(tag, everywhere).await.ok();
    let tags = "{ tags(first: 10) { edges { node { name records } } } }";
    let counted = limited.run(tags, json!({})).await.ok();
    assert_eq!(
        counted["tags"]["edges"],
        json!([{ "node": { "name": "all", "records": 3 } }, { "node": { "name": "mine", "records": 1 } }])
    );
    app.finish().await;
}

#[tokio::test]
async fn figures_are_of_what_they_reach() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let ids: Vec<String> = queue(&books.owner)
        .await
        .into_iter()
        .map(|it| it.0)
        .collect();
    let input = json!({ "approvalIds": ids, "categoryId": books.category });
    books
        .owner
        .run(OVERRIDE, json!({ "input": input }))
        .await
        .ok();
    let limited = of_the_fair(&books).await;
    let statement = "{ profitAndLoss(from: \"2026-01-01\", to: \"2026-12-31\") {
        result { total { amount } } lines { recordCount total { records(first: 10) { edges { node { id } } } } }
    } }";
    let whole = books.owner.run(statement, json!({})).await.ok();
    assert_eq!(whole.text("profitAndLoss.result.total.amount"), "-210.00");
    let part = limited.run(statement, json!({})).await.ok();
    assert_eq!(part.text("profitAndLoss.result.total.amount"), "-60.00");
    let lines = part.list("profitAndLoss.lines");
    assert!(lines.iter().all(|line| line["recordCount"] == 3));
    assert!(
        lines
            .iter()
            .all(|line| line.list("total.records.edges").len() == 3)
    );

    // filed by a worker, which reaches everything
    let generate =
        "mutation { generateReport(input: { from: \"2026-01-01\", to: \"2026-12-31\" }) {
        report { id } errors { message } } }";
    let theirs = books.owner.run(generate, json!({})).await.ok();
    let theirs = theirs.text("generateReport.report.id");
    let mine = limited.run(generate, json!({})).await.ok();
    let mine = mine.text("generateReport.report.id");
    app.run_background_work().await;
    let read = "query($id: ID!) { report(id: $id) { limited profitAndLoss { result { total { amount } } } } }";
    let read_mine = limited.run(read, json!({ "id": mine })).await.ok();
    assert_eq!(
        read_mine.text("report.profitAndLoss.result.total.amount"),
        "-60.00"
    );
    assert_eq!(read_mine["report"]["limited"], true);
    let read_theirs = limited.run(read, json!({ "id": theirs })).await.ok();
    assert!(read_theirs["report"].is_null(), "{read_theirs}");
    let reports = limited
        .run("{ reports(first: 9) { edges { node { id } } } }", json!({}))
        .await
        .ok();
    assert_eq!(reports.list("reports.edges").len(), 1);
    let file = limited
        .get(&format!("/api/v1/exports/reports/{theirs}.csv"))
        .await;
    assert_eq!(file.status, 404);
    app.finish().await;
}

#[tokio::test]
async fn streams_tell_of_what_they_reach() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let limited = of_the_fair(&books).await;
    let mut processed = limited
        .subscribe(
            "subscription { recordProcessed(after: \"START\") { record { project } } }",
            json!({}),
        )
        .await;
    for _ in 0..3 {
        let told = processed.next().await;
        assert_eq!(told.text("recordProcessed.record.project"), "fair");
    }
    let mut moved = limited
        .subscribe(
            "subscription { approvalEvents(after: \"START\") { kind record { project } } }",
            json!({}),
        )
        .await;
    let queue = queue(&books.owner).await;
    for _ in 0..3 {
        assert_eq!(moved.next().await.text("approvalEvents.kind"), "OPENED");
    }
    // the house first, then the fair: only the fair is told of
    for record in [&books.records[3], &books.records[1]] {
        let (id, _) = queue.iter().find(|(_, of)| of == record).expect("it waits");
        let input = json!({ "approvalId": id, "categoryId": books.category });
        books.owner.run(ONE, json!({ "input": input })).await.ok();
    }
    let told = moved.next().await;
    assert_eq!(told.text("approvalEvents.record.project"), "fair");
    assert_eq!(told.text("approvalEvents.kind"), "OVERRIDDEN");

    // the log itself tells of every record
    let log = limited
        .run("{ eventFeed(first: 5) { events { id } } }", json!({}))
        .await;
    assert_eq!(log.error_code(), "FORBIDDEN");
    assert_eq!(limited.get("/api/v1/events").await.status, 403);
    drop((processed, moved));
    app.finish().await;
}

#[tokio::test]
async fn people_of_a_team_reach_its_projects_while_they_are_in_it() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let grants = json!([{ "permission": "records:read", "scope": "TEAM" }, { "permission": "members:manage" }]);
    let somebody = member_as(&books.tenant, &make(&books.owner, "Team", grants).await).await;
    let count = "{ records(first: 1) { totalCount } }";
    let seen = async || {
        let seen = somebody.run(count, json!({})).await.ok();
        seen.number("records.totalCount")
    };
    assert_eq!(seen().await, 0);
    let me = somebody
        .run("{ viewer { user { id } } }", json!({}))
        .await
        .ok();
    let me = me.text("viewer.user.id");
    let projects = books
        .owner
        .run(
            "{ projects(first: 5) { edges { node { id key } } } }",
            json!({}),
        )
        .await
        .ok();
    let house = projects.text("projects.edges[1].node.id");
    let create = "mutation($input: CreateTeamInput!) { createTeam(input: $input) { team { id } errors { message } } }";
    let input = json!({ "input": { "name": "House", "userIds": [me], "projectIds": [house] } });
    // whoever has conditions on their own permissions could lift them this way
    assert_eq!(
        somebody.run(create, input.clone()).await.error_code(),
        "FORBIDDEN"
    );
    let made = books.owner.run(create, input).await.ok();
    assert_eq!(seen().await, 2);
    let mine = somebody
        .run("{ myPermissions { permission scope projects } }", json!({}))
        .await
        .ok();
    assert_eq!(
        mine.path("myPermissions[0]"),
        &json!({ "permission": "records:read", "scope": "TEAM", "projects": ["house"] })
    );
    let leave = json!({ "input": { "teamId": made.text("createTeam.team.id"), "remove": { "userIds": [me] } } });
    let update = "mutation($input: UpdateTeamInput!) { updateTeam(input: $input) { team { id } errors { message } } }";
    books.owner.run(update, leave).await.ok();
    assert_eq!(seen().await, 0);
    app.finish().await;
}

#[tokio::test]
async fn own_records_are_those_one_brought_in() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let seller = books.tenant.join("SELLER").await;
    let count = "{ records(first: 1) { totalCount } }";
    let before = seller.run(count, json!({})).await.ok();
    assert_eq!(before.number("records.totalCount"), 0);
    let account = books
        .owner
        .run(
            "{ accounts(first: 1) { edges { node { id } } } }",
            json!({}),
        )
        .await
        .ok();
    let account = account.text("accounts.edges[0].node.id");
    let row = json!({ "externalId": "mine", "occurredOn": "2026-03-01", "amount": "5.00", "currency": "EUR", "description": "Sold" });
    let input = json!({ "input": { "accountId": account, "rows": [row] } });
    seller.run(IMPORT, input).await.ok();
    app.run_background_work().await;
    let after = seller.run(count, json!({})).await.ok();
    assert_eq!(after.number("records.totalCount"), 1);
    let all = books.owner.run(count, json!({})).await.ok();
    assert_eq!(all.number("records.totalCount"), 7);
    app.finish().await;
}

#[tokio::test]
async fn a_decision_does_not_quote_records_out_of_reach() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let limited = of_the_fair(&books).await;
    let decided =
        json!({ "input": { "recordId": books.records[5], "categoryId": books.category } });
    books.owner.run(ONE, decided).await.ok();
    app.run_background_work().await;
    // a record of the fair that looks like one that they do not see
    let account = books.owner.make_account("Second").await;
    let row = json!({ "externalId": "r9", "occurredOn": "2026-02-28", "currency": "EUR", "amount": "-15.00",
                      "description": "OTHER BILL 5 FAIR" });
    let input = json!({ "input": { "accountId": account, "rows": [row] } });
    let imported = books.owner.run(IMPORT, input).await.ok();
    app.run_background_work().await;
    let id = imported.text("importRecords.rows[0].record.id");
    let ask = "query($id: ID!) { record(id: $id) {
        reasoningTrace decision { rationale considered } decisions { rationale considered }
    } }";
    let whole = books.owner.run(ask, json!({ "id": id })).await.ok();
    let evidence = |answer: &Value| {
        let views = answer.list("record.decision.considered").clone();
        let similar = views.into_iter().find(|view| view["tier"] == "SIMILAR");
        similar.expect("similar records were asked")["evidence"].clone()
    };
    assert_eq!(evidence(&whole)["neighbours"][0]["text"], "other bill 5");
    let told = limited.run(ask, json!({ "id": id })).await.ok();
    assert_eq!(evidence(&told)["support"], evidence(&whole)["support"]);
    let text = told.to_string().to_lowercase();
    assert!(!text.contains("\"other bill 5\\\""), "{told:#}");
    assert!(!text.contains("neighbours"), "{told:#}");
    app.finish().await;
}
