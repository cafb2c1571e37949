//! Applying and undoing, and looking at what that did.

use serde_json::{Value, json};

use crate::support::{Client, Desk, Path, TestApp};

pub const APPLY: &str = "mutation($input: ApplySimulationInput!) { applySimulation(input: $input) {
    changeSet { ...set } errors { field message code }
} }
fragment set on ChangeSet {
    id status waiting approved ruleChanges automationChanged totalRecords doneRecords unlistedRecords progress
    applied refused left undone error appliedAt undoneAt simulation { id }
}";
pub const UNDO: &str = "mutation($input: UndoChangeSetInput!) { undoChangeSet(input: $input) {
    changeSet { id status } errors { field message code }
} }";
pub const SET: &str = "query($id: ID!) { changeSet(id: $id) {
    id status waiting approved ruleChanges automationChanged totalRecords doneRecords unlistedRecords progress
    applied refused left undone error appliedAt undoneAt simulation { id }
} }";
pub const ITEMS: &str = "query($id: ID!, $filter: ChangeSetItemFilter, $after: String) {
    changeSetItems(changeSetId: $id, filter: $filter, first: 100, after: $after) {
        totalCount pageInfo { hasNextPage endCursor }
        edges { node {
            number kind outcome reason rule { id name deletedAt } record { id status }
            beforeCategory { id } afterCategory { id }
        } }
    }
}";
pub const RULES: &str = "{ rules { id name position conditions tags stop shadow enabled category { id } group { id } } }";
pub const RECORDS: &str = "query($after: String) { records(first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    edges { node { id status project note tags automatic category { id } decision { id source confidence } } }
} }";
pub const STATEMENT: &str =
    "{ profitAndLoss(from: \"2026-01-01\", to: \"2026-12-31\", includeProposed: false) {
    lines { code recordCount total { amount { amount } } } result { total { amount } }
} }";
pub const OVERRIDE: &str =
    "mutation($input: OverrideRecordInput!) { overrideRecord(input: $input) {
    approval { id status } errors { message }
} }";
pub const REOPEN: &str = "mutation($input: ReopenApprovalInput!) { reopenApproval(input: $input) {
    approval { id } errors { message }
} }";

/// Where a record stands, whoever said so.
pub fn filing(record: &Value) -> [&Value; 3] {
    [&record["id"], &record["status"], &record["category"]["id"]]
}

/// What is done with change sets of a tenant.
pub trait Applying {
    async fn apply(&self, simulation: &Value, choice: Value) -> Value;
    async fn undo(&self, id: &str) -> Value;
    async fn set(&self, id: &str) -> Value;
    async fn items(&self, id: &str, filter: Value) -> Vec<Value>;
    async fn rules(&self) -> Value;
    async fn records(&self) -> Vec<Value>;
    async fn statement(&self) -> Value;
    async fn kinds(&self, kind: &str) -> usize;
}

impl Applying for Client {
    /// The payload.
    async fn apply(&self, simulation: &Value, choice: Value) -> Value {
        let mut input = json!({ "simulationId": simulation["id"] });
        for (key, value) in choice.as_object().expect("it is an object") {
            input[key] = value.clone();
        }
        let applied = self.run(APPLY, json!({ "input": input })).await;
        applied.body.path("data.applySimulation").clone()
    }

    /// The payload.
    async fn undo(&self, id: &str) -> Value {
        let input = json!({ "input": { "changeSetId": id } });
        let undone = self.run(UNDO, input).await;
        undone.body.path("data.undoChangeSet").clone()
    }

    async fn set(&self, id: &str) -> Value {
        let found = self.run(SET, json!({ "id": id })).await.ok();
        found.path("changeSet").clone()
    }

    async fn items(&self, id: &str, filter: Value) -> Vec<Value> {
        let (mut items, mut after) = (Vec::new(), Value::Null);
        loop {
            let asked = json!({ "id": id, "filter": filter, "after": after });
            let page = self.run(ITEMS, asked).await.ok();
            let page = page.path("changeSetItems");
            items.extend(page.list("edges").iter().map(|edge| edge["node"].clone()));
            if page.path("pageInfo.hasNextPage") == false {
                assert_eq!(page.number("totalCount"), items.len() as i64);
                return items;
            }
            after = page.path("pageInfo.endCursor").clone();
        }
    }

    async fn rules(&self) -> Value {
        let rules = self.run(RULES, Value::Null).await.ok();
        rules.path("rules").clone()
    }

    /// Every record in the order of the list, as far as it can be put back.
    async fn records(&self) -> Vec<Value> {
        let (mut records, mut after) = (Vec::new(), Value::Null);
        loop {
            let page = self.run(RECORDS, json!({ "after": after })).await.ok();
            let page = page.path("records");
            records.extend(page.list("edges").iter().map(|edge| edge["node"].clone()));
            if page.path("pageInfo.hasNextPage") == false {
                return records;
            }
            after = page.path("pageInfo.endCursor").clone();
        }
    }

    async fn statement(&self) -> Value {
        self.run(STATEMENT, Value::Null).await.ok().clone()
    }

    /// How many events of a kind there are.
    async fn kinds(&self, kind: &str) -> usize {
        let events = format!("/api/v1/events?first=500&kinds={kind}");
        let events = self.get(&events).await.json();
        let events = events.list("data.events").iter();
        events.filter(|event| event["kind"] == kind).count()
    }
}

pub async fn make_rule(owner: &Client, name: &str, category: &str, group: Option<&str>) -> String {
    let rule = "mutation($input: CreateRuleInput!) { createRule(input: $input) { rule { id } errors { message } } }";
    let input = json!({ "name": name, "groupId": group, "actions": { "categoryId": category },
                        "conditions": { "text": { "op": "CONTAINS", "value": name } } });
    let made = owner.run(rule, json!({ "input": input })).await.ok();
    made.text("createRule.rule.id")
}

/// Takes the decision back by which a record is in the books.
pub async fn reopen(owner: &Client, record: &str) {
    let decided = "{ approvals(filter: { status: [APPROVED, OVERRIDDEN] }, first: 100) { edges { node { id record { id } } } } }";
    let decided = owner.run(decided, Value::Null).await.ok();
    let mut decided = decided.list("approvals.edges").iter();
    let of_record = decided.find(|edge| edge.path("node.record.id") == record);
    let approval = of_record.expect("it is in the books").text("node.id");
    let input = json!({ "input": { "approvalId": approval } });
    let done = owner.run(REOPEN, input).await.ok();
    assert_eq!(done.path("reopenApproval.errors"), &json!([]));
}

/// Everything that could be done, done; the change set.
pub async fn applied(app: &TestApp, desk: &Desk<'_>, simulation: &Value, choice: Value) -> Value {
    let made = desk.owner.apply(simulation, choice).await;
    assert_eq!(made.path("errors"), &json!([]), "{made:#}");
    app.run_background_work().await;
    let set = desk.owner.set(&made.text("changeSet.id")).await;
    assert_eq!(set["status"], "APPLIED", "{set:#}");
    set
}

/// A change set, undone.
pub async fn undone(app: &TestApp, desk: &Desk<'_>, set: &Value) -> Value {
    let made = desk.owner.undo(&set.text("id")).await;
    assert_eq!(made.path("errors"), &json!([]), "{made:#}");
    app.run_background_work().await;
    let set = desk.owner.set(&set.text("id")).await;
    assert_eq!(set["status"], "UNDONE", "{set:#}");
    set
}
