//! Tags: added and removed by people, brought along by rows and files, joined with those of rules, and counted.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{Client, Path, Tenant, TestApp, nowhere};

const TAG: &str = "mutation($input: TagRecordsInput!) { tagRecords(input: $input) {
    answers { index recordId outcome added removed record { tags } error { field code message } }
    succeeded failed errors { field code message }
} }";
const IMPORT: &str = "mutation($input: ImportRecordsInput!) { importRecords(input: $input) {
    rows { status record { id } error { field message } } errors { field message }
} }";
const TAGS: &str = "query($text: String, $first: Int, $after: String, $last: Int) {
    tags(text: $text, first: $first, after: $after, last: $last) {
        totalCount pageInfo { hasNextPage endCursor } edges { node { name records } }
} }";
const RULE: &str =
    "mutation($input: CreateRuleInput!) { createRule(input: $input) { errors { message } } }";

struct Books {
    tenant: Tenant,
    owner: Client,
    account: String,
}

impl Books {
    async fn open(app: &TestApp, name: &str) -> Self {
        let tenant = app.tenant(name).await;
        let owner = tenant.owner();
        let account = owner.make_account("Main").await;
        Self {
            tenant,
            owner,
            account,
        }
    }

    async fn import(&self, texts: &[&str], tags: Value) -> Value {
        let row = |text: &&str| {
            json!({ "externalId": text, "occurredOn": "2026-03-01", "amount": "-12.50",
            "currency": "EUR", "description": text, "tags": tags })
        };
        let rows: Vec<Value> = texts.iter().map(row).collect();
        let input = json!({ "input": { "accountId": self.account, "rows": rows } });
        let stored = self.owner.run(IMPORT, input).await.ok();
        stored["importRecords"]["rows"].clone()
    }

    /// Stores records with these texts and tags; their ids.
    async fn receive(&self, texts: &[&str], tags: Value) -> Vec<String> {
        let rows = self.import(texts, tags).await;
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row.text("record.id")).collect()
    }

    async fn tag(&self, input: Value) -> Value {
        let done = self.owner.run(TAG, json!({ "input": input })).await.ok();
        done["tagRecords"].clone()
    }

    async fn tags_of(&self, record: &str) -> Value {
        let asked = "query($id: ID!) { record(id: $id) { tags } }";
        let found = self.owner.run(asked, json!({ "id": record })).await.ok();
        found["record"]["tags"].clone()
    }

    async fn found_by(&self, tags: Value) -> i64 {
        let asked =
            "query($tags: [String!]) { records(first: 1, filter: { tags: $tags }) { totalCount } }";
        let found = self.owner.run(asked, json!({ "tags": tags })).await.ok();
        found.number("records.totalCount")
    }

    async fn events(&self) -> Vec<Value> {
        let feed = self.owner.get("/api/v1/events?first=500").await.json();
        let events = feed.list("data.events").clone().into_iter();
        events
            .filter(|event| event["kind"] == "RECORD_TAGGED")
            .collect()
    }

    /// The tags there are with their counts.
    async fn listed(&self, asked: Value) -> Value {
        let found = self.owner.run(TAGS, asked).await.ok();
        let edges = found.list("tags.edges").iter();
        let named = |edge: &Value| (edge.text("node.name"), edge.number("node.records"));
        let named: Vec<(String, i64)> = edges.map(named).collect();
        json!([named, found.number("tags.totalCount")])
    }
}

#[tokio::test]
async fn people_tag_records_and_the_answer_tells_how_to_take_it_back() {
    let app = TestApp::start().await;
    let books = Books::open(&app, "acme").await;
    let ids = books.receive(&["Train", "Hotel", "Desk"], json!([])).await;
    app.run_background_work().await;

    let both = [&ids[0], &ids[1]];
    let done = books
        .tag(json!({ "recordIds": both, "add": ["  Trip\u{a0}NORTH ", "Tax", "tax"] }))
        .await;
    assert_eq!(
        (&done["succeeded"], &done["failed"]),
        (&json!(2), &json!(0))
    );
    for (at, answer) in done.list("answers").iter().enumerate() {
        assert_eq!(
            (&answer["index"], &answer["recordId"]),
            (&json!(at), &json!(ids[at]))
        );
        assert_eq!(answer["added"], json!(["trip north", "tax"]));
        assert_eq!(answer["record"]["tags"], json!(["trip north", "tax"]));
    }
    assert_eq!(books.found_by(json!(["TRIP north", "tax"])).await, 2);

    // again, with one record more: only what is new is a change
    let again = books
        .tag(json!({ "recordIds": ids, "add": ["tax"], "remove": ["trip north", "never there"] }))
        .await;
    let changes: Vec<Value> = again
        .list("answers")
        .iter()
        .map(|answer| json!([answer["outcome"], answer["added"], answer["removed"]]))
        .collect();
    assert_eq!(
        json!(changes),
        json!([
            ["DONE", [], ["trip north"]],
            ["DONE", [], ["trip north"]],
            ["DONE", ["tax"], []]
        ])
    );
    let events = books.events().await;
    let payloads: Vec<Value> = events
        .iter()
        .map(|event| json!([event["payload"]["added"], event["payload"]["removed"]]))
        .collect();
    assert_eq!(
        json!(payloads),
        json!([[2, 0], [2, 0], [0, 1], [0, 1], [1, 0]])
    );
    assert!(
        !json!(events).to_string().contains("trip"),
        "a tag is a person's text"
    );

    // the inverse of each answer
    for answer in again.list("answers") {
        books
            .tag(json!({ "recordIds": [answer["recordId"]], "add": answer["removed"], "remove": answer["added"] }))
            .await;
    }
    assert_eq!(books.found_by(json!(["trip north", "tax"])).await, 2);
    assert_eq!(books.tags_of(&ids[2]).await, json!([]));
    let told = books.events().await.len();
    let nothing = json!({ "recordIds": both, "add": ["tax"], "remove": ["x"] });
    assert_eq!(books.tag(nothing).await["succeeded"], 2);
    assert_eq!(books.events().await.len(), told, "nothing changed");
    app.finish().await;
}

#[tokio::test]
async fn tags_of_rows_people_and_rules_stand_side_by_side_whoever_comes_first() {
    let app = TestApp::start().await;
    let books = Books::open(&app, "acme").await;
    let rule = json!({ "name": "rail", "conditions": { "text": { "op": "CONTAINS", "value": "rail" } },
        "actions": { "tags": ["travel", "tax"] } });
    books.owner.run(RULE, json!({ "input": rule })).await.ok();
    let ids = books
        .receive(&["Rail 1", "Rail 2", "Desk"], json!(["Q3", "tax"]))
        .await;
    assert_eq!(books.tags_of(&ids[0]).await, json!(["q3", "tax"]));
    // nobody has looked at it yet
    books
        .tag(json!({ "recordIds": [ids[1]], "add": ["mine"], "remove": ["q3"] }))
        .await;
    app.run_background_work().await;
    assert_eq!(books.tags_of(&ids[0]).await, json!(["q3", "tax", "travel"]));
    assert_eq!(
        books.tags_of(&ids[1]).await,
        json!(["tax", "mine", "travel"])
    );
    assert_eq!(books.tags_of(&ids[2]).await, json!(["q3", "tax"]));
    let decided = "query($id: ID!) { record(id: $id) { decision { tags } } }";
    let decided = books.owner.run(decided, json!({ "id": ids[1] })).await.ok();
    assert_eq!(
        decided["record"]["decision"]["tags"],
        json!(["travel", "tax"])
    );
    // a tag of a rule is a tag like any other
    let done = books
        .tag(json!({ "recordIds": [ids[1]], "remove": ["travel"] }))
        .await;
    assert_eq!(done["answers"][0]["record"]["tags"], json!(["tax", "mine"]));

    // a row that is a record already leaves its tags alone, and what is no tag refuses the row
    let again = books.import(&["Rail 1"], json!(["other"])).await;
    assert_eq!(again[0]["status"], "DUPLICATE");
    assert_eq!(books.tags_of(&ids[0]).await, json!(["q3", "tax", "travel"]));
    let refused = books.import(&["New"], json!(["a,b"])).await;
    assert_eq!(refused[0]["error"]["field"], "rows[0].tags");
    app.finish().await;
}

#[tokio::test]
async fn a_tag_that_comes_while_a_record_is_decided_is_not_lost() {
    let app = TestApp::start().await;
    let books = Books::open(&app, "acme").await;
    let rule = json!({ "name": "all", "conditions": { "direction": "OUT" }, "actions": { "tags": ["out"] } });
    books.owner.run(RULE, json!({ "input": rule })).await.ok();
    let ids = books.owner.import_rows(&books.account, 0..60).await;
    let by_hand = async {
        for ids in ids.chunks(6) {
            let input = json!({ "input": { "recordIds": ids, "add": ["mine"] } });
            let done = books.owner.run(TAG, input).await.ok();
            assert_eq!(done["tagRecords"]["succeeded"], 6);
        }
    };
    tokio::join!(by_hand, app.run_background_work());
    app.run_background_work().await;
    assert_eq!(books.found_by(json!(["mine", "out"])).await, 60);

    // and of many who tag one record at once, each is heard
    let each =
        (0..8).map(|n| books.tag(json!({ "recordIds": [ids[0]], "add": [format!("t{n}")] })));
    for done in join_all(each).await {
        assert_eq!(done["succeeded"], 1, "{done}");
    }
    assert_eq!(books.tags_of(&ids[0]).await.as_array().unwrap().len(), 10);
    app.finish().await;
}

#[tokio::test]
async fn one_that_cannot_be_tagged_says_why_and_holds_back_the_others_only_when_asked() {
    let app = TestApp::start().await;
    let books = Books::open(&app, "acme").await;
    let other = Books::open(&app, "globex").await;
    let ids = books.receive(&["A", "B"], json!([])).await;
    let foreign = other.receive(&["C"], json!([])).await;
    app.run_background_work().await;
    let full: Vec<String> = (0..20).map(|n| format!("t{n}")).collect();
    books
        .tag(json!({ "recordIds": [ids[1]], "add": full }))
        .await;

    let nobodys = nowhere("Record");
    let wanted = json!([ids[0], foreign[0], "nonsense", nobodys, ids[1]]);
    let mut input = json!({ "recordIds": wanted, "add": ["new"] });
    let done = books.tag(input.clone()).await;
    let told = |done: &Value| -> Value {
        let answers = done.list("answers").iter();
        answers
            .map(|answer| json!([answer["index"], answer["outcome"], answer["error"]["code"]]))
            .collect()
    };
    // one is no id, so nothing is looked at
    assert_eq!(told(&done)[0], json!([0, "NOT_DONE", null]));
    assert_eq!(told(&done)[2], json!([2, "FAILED", "BAD_USER_INPUT"]));
    input["errorPolicy"] = json!("REJECT_FAILED");
    let done = books.tag(input.clone()).await;
    assert_eq!(
        told(&done),
        json!([
            [0, "DONE", null],
            [1, "FAILED", "NOT_FOUND"],
            [2, "FAILED", "BAD_USER_INPUT"],
            [3, "FAILED", "NOT_FOUND"],
            [4, "FAILED", "BAD_USER_INPUT"],
        ])
    );
    assert_eq!(
        (&done["succeeded"], &done["failed"]),
        (&json!(1), &json!(4))
    );
    input["recordIds"] = json!([ids[1], ids[0]]);
    input["add"] = json!(["newer"]);
    input["errorPolicy"] = json!("IGNORE_FAILED");
    assert_eq!(
        told(&books.tag(input.clone()).await),
        json!([[1, "DONE", null]])
    );
    input["add"] = json!(["newest"]);
    input["errorPolicy"] = json!("REJECT_ALL");
    let done = books.tag(input).await;
    assert_eq!(
        told(&done),
        json!([[0, "FAILED", "BAD_USER_INPUT"], [1, "NOT_DONE", null]])
    );
    assert_eq!(books.tags_of(&ids[0]).await, json!(["new", "newer"]));
    assert_eq!(other.tags_of(&foreign[0]).await, json!([]));

    // the call as a whole
    for (field, wrong) in [
        ("add", json!({ "recordIds": [ids[0]] })),
        (
            "add[1]",
            json!({ "recordIds": [ids[0]], "add": ["a", "a;b"] }),
        ),
        (
            "remove[0]",
            json!({ "recordIds": [ids[0]], "remove": ["\""] }),
        ),
        (
            "remove[0]",
            json!({ "recordIds": [ids[0]], "add": ["a"], "remove": ["A"] }),
        ),
        (
            "add",
            json!({ "recordIds": [ids[0]], "add": (0..21).map(|n| n.to_string()).collect::<Vec<_>>() }),
        ),
        ("recordIds", json!({ "recordIds": [], "add": ["a"] })),
    ] {
        let refused = books.owner.run(TAG, json!({ "input": wrong })).await;
        let refused = refused.body.path("data.tagRecords").clone();
        assert_eq!(refused["errors"][0]["field"], field, "{refused}");
        assert_eq!(refused["answers"], json!([]));
    }
    // who only reads does not tag
    let viewer = books.tenant.viewer().await;
    let refused = viewer
        .run(TAG, json!({ "input": { "recordIds": [], "add": [] } }))
        .await;
    assert_eq!(refused.error_code(), "FORBIDDEN");
    app.finish().await;
}

#[tokio::test]
async fn a_picker_lists_the_tags_of_the_records_that_one_sees() {
    let app = TestApp::start().await;
    let books = Books::open(&app, "acme").await;
    let other = Books::open(&app, "globex").await;
    other.receive(&["Z"], json!(["theirs", "tax"])).await;
    books.receive(&["A", "B"], json!(["trip", "tax"])).await;
    books.receive(&["C"], json!(["tax", "100%"])).await;
    books.receive(&["D"], json!([])).await;
    assert_eq!(
        books.listed(json!({ "first": 10 })).await,
        json!([[["tax", 3], ["trip", 2], ["100%", 1]], 3])
    );
    assert_eq!(
        books.listed(json!({ "first": 10, "text": "T" })).await,
        json!([[["tax", 3], ["trip", 2]], 2])
    );
    assert_eq!(
        books.listed(json!({ "first": 10, "text": "100%" })).await,
        json!([[["100%", 1]], 1])
    );
    assert_eq!(
        books.listed(json!({ "last": 1 })).await,
        json!([[["100%", 1]], 3])
    );
    let first = books.owner.run(TAGS, json!({ "first": 1 })).await.ok();
    assert_eq!(first["tags"]["pageInfo"]["hasNextPage"], true);
    let after = json!({ "first": 5, "after": first["tags"]["pageInfo"]["endCursor"] });
    assert_eq!(
        books.listed(after).await,
        json!([[["trip", 2], ["100%", 1]], 3])
    );

    // who sees the records that they brought in counts those
    let buyer = books.tenant.join("BUYER").await;
    let seen = buyer.run(TAGS, json!({ "first": 10 })).await.ok();
    assert_eq!(seen["tags"]["totalCount"], 0);
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn tags_come_with_a_file_and_leave_with_the_export() {
    let app = TestApp::start().await;
    let books = Books::open(&app, "acme").await;
    let csv = "Date,Description,Amount,Tags\n2026-01-01,Train,-10.00,\"Trip, Tax\"\n2026-01-02,Desk,-20.00,\n2026-01-03,Chair,-30.00,office; tax\n";
    let preview = "mutation($input: PreviewStatementInput!) { previewStatement(input: $input) {
        preview { mapping rows { tags } } errors { field message } } }";
    let file = upload(&books.owner, csv).await;
    let input = json!({ "input": { "fileId": file, "accountId": books.account, "defaultCurrency": "EUR" } });
    let shown = books.owner.run(preview, input).await.ok();
    assert_eq!(
        shown["previewStatement"]["preview"]["mapping"]["tags"],
        "Tags"
    );
    assert_eq!(
        shown["previewStatement"]["preview"]["rows"],
        json!([{ "tags": ["trip", "tax"] }, { "tags": [] }, { "tags": ["office", "tax"] }])
    );
    let import = "mutation($input: ImportStatementInput!) { importStatement(input: $input) { import { id } errors { field message } } }";
    let input = json!({ "input": { "fileId": file, "accountId": books.account, "defaultCurrency": "EUR" } });
    books.owner.run(import, input).await.ok();
    app.run_background_work().await;
    assert_eq!(books.found_by(json!(["tax"])).await, 2);
    let exported = books.owner.get("/api/v1/exports/records.csv").await.text();
    let ends: Vec<&str> = exported
        .lines()
        .map(|line| line.rsplit(",,").next().unwrap())
        .collect();
    assert!(ends[0].ends_with("refundOf,tags"), "{exported}");
    assert_eq!(
        ends[1..],
        ["\"trip, tax\"", "", "\"office, tax\""],
        "{exported}"
    );

    // a cell that holds no tags refuses its row, once the column is mapped
    let mut mapping = shown["previewStatement"]["preview"]["mapping"].clone();
    mapping["tags"] = json!("Description");
    let long = csv.replace("Train", &"x".repeat(60));
    let file = upload(&books.owner, &long).await;
    let input = json!({ "input": { "fileId": file, "accountId": books.account, "defaultCurrency": "EUR", "mapping": mapping } });
    let refused = "mutation($input: PreviewStatementInput!) { previewStatement(input: $input) {
        preview { refused { line field } } errors { field message } } }";
    let refused = books.owner.run(refused, input).await.ok();
    assert_eq!(
        refused["previewStatement"]["preview"]["refused"],
        json!([{ "line": 2, "field": "tags" }])
    );
    app.finish().await;
}

/// Sends a file; its id.
async fn upload(client: &Client, bytes: &str) -> String {
    let make = "mutation { createUpload(input: { name: \"a.csv\" }) { upload { fileId url } errors { field } } }";
    let made = client.run(make, json!({})).await.ok();
    let url = made.text("createUpload.upload.url");
    let path = url[url.find("/api/").expect("it is on the REST edge")..].to_owned();
    assert_eq!(client.put(&path, bytes.to_owned()).await.status, 201);
    made.text("createUpload.upload.fileId")
}
