//! A tenant whose people file payees until rules are suggested.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::support::{Client, Path, Tenant, TestApp};

const IMPORT: &str = "mutation($input: ImportRecordsInput!) { importRecords(input: $input) {
    rows { record { id } error { message } } errors { field message }
} }";
const QUEUE: &str = "query($filter: ApprovalFilter) { approvals(filter: $filter, newestFirst: true, first: 100) { edges { node {
    id status passes automatic source proposedCategory { id } record { id status }
} } } }";
/// Files many under one category.
pub const FILE: &str = "mutation($input: OverrideRecordsInput!) { overrideRecords(input: $input) {
    answers { error { message } } errors { message }
} }";
const SUGGESTIONS: &str = "query($filter: RuleSuggestionFilter) { ruleSuggestions(filter: $filter, first: 50) { totalCount edges { node {
    id kind status merchant support confirmationsInARow contradictions checked confirmed snoozedUntil
    conditions category { id } account { id } rule { id enabled }
    backTest { hits agreements contradictions waiting changes
        difference { category { id } amount { amount currency } records } }
    selfApproval { on allowed reason class lowerBound outcomes }
} } } }";
/// Accepts a suggestion.
pub const ACCEPT: &str = "mutation($input: AcceptRuleSuggestionInput!) { acceptRuleSuggestion(input: $input) {
    suggestion { id status } rule { id name position conditions stop selfApproval { on allowed reason class outcomes } }
    extended errors { field message code }
} }";
const EVENTS: &str = "query($kinds: [String!]) { eventFeed(kinds: $kinds, first: 100) { events { kind subject { kind id } payload } } }";
/// A payee.
pub const BAKERY: &str = "CORNER BAKERY 12 UTRECHT";
/// Another.
pub const GARAGE: &str = "CITY GARAGE 7 LEIDEN";

/// A tenant whose people file payees.
pub struct Desk {
    pub client: Client,
    pub account: String,
    pub other_account: String,
    pub meals: String,
    pub cars: String,
}

impl Desk {
    pub async fn open(tenant: &Tenant) -> Self {
        let client = tenant.owner();
        let chart = client
            .run("{ categories { id kind } }", json!({}))
            .await
            .ok();
        let expenses: Vec<String> = chart
            .list("categories")
            .iter()
            .filter(|node| node["kind"] == "EXPENSE")
            .map(|node| node.text("id"))
            .collect();
        Self {
            account: client.make_account("Card").await,
            other_account: client.make_account("Other card").await,
            meals: expenses[1].clone(),
            cars: expenses[2].clone(),
            client,
        }
    }

    pub async fn receive(&self, app: &TestApp, account: &str, text: &str, count: usize) {
        static ROWS: AtomicU64 = AtomicU64::new(0);
        let row = |_| {
            let number = ROWS.fetch_add(1, Ordering::Relaxed);
            json!({ "externalId": format!("suggested {number}"), "occurredOn": "2026-03-01", "amount": "-12.50",
                    "currency": "EUR", "description": text })
        };
        let rows: Vec<Value> = (0..count).map(row).collect();
        let input = json!({ "input": { "accountId": account, "rows": rows } });
        self.client.run(IMPORT, input).await.ok();
        app.run_background_work().await;
    }

    pub async fn approvals(&self, filter: Value) -> Vec<Value> {
        let queue = self.client.run(QUEUE, json!({ "filter": filter })).await;
        let edges = queue.ok();
        let edges = edges.list("approvals.edges").iter();
        edges.map(|edge| edge["node"].clone()).collect()
    }

    pub async fn waiting(&self) -> Vec<Value> {
        self.approvals(json!({ "status": ["PENDING"] })).await
    }

    /// Files everything that waits.
    pub async fn file(&self, app: &TestApp, category: &str) {
        let waiting = self.waiting().await;
        let ids: Vec<String> = waiting.iter().map(|node| node.text("id")).collect();
        let input = json!({ "approvalIds": ids, "categoryId": category });
        let done = self.client.run(FILE, json!({ "input": input })).await.ok();
        for answer in done.list("overrideRecords.answers") {
            assert_eq!(answer["error"], Value::Null, "{answer}");
        }
        app.run_background_work().await;
    }

    pub async fn teach(&self, app: &TestApp, text: &str, count: usize, category: &str) {
        self.receive(app, &self.account, text, count).await;
        self.file(app, category).await;
    }

    pub async fn suggestions(&self, filter: Value) -> Vec<Value> {
        let found = self
            .client
            .run(SUGGESTIONS, json!({ "filter": filter }))
            .await;
        let found = found.ok();
        let edges = found.list("ruleSuggestions.edges").iter();
        edges.map(|edge| edge["node"].clone()).collect()
    }

    pub async fn open_ones(&self) -> Vec<Value> {
        self.suggestions(json!({ "status": ["OPEN"] })).await
    }

    /// The one that is in this state.
    pub async fn only(&self, status: &str) -> Value {
        let mut found = self.suggestions(json!({ "status": [status] })).await;
        assert_eq!(found.len(), 1, "{status}: {found:#?}");
        found.remove(0)
    }

    pub async fn accept(&self, suggestion: &Value, mut more: Value) -> Value {
        more["ruleSuggestionId"] = suggestion["id"].clone();
        let accepted = self.client.run(ACCEPT, json!({ "input": more })).await;
        accepted.body["data"]["acceptRuleSuggestion"].clone()
    }

    /// Runs `dismiss`, `snooze` or `restore` on a suggestion; its state after, or the code of the refusal.
    pub async fn turn(&self, verb: &str, suggestion: &Value, more: &str) -> String {
        let document = format!(
            "mutation($id: ID!) {{ {verb}RuleSuggestion(input: {{ ruleSuggestionId: $id {more} }}) {{
                suggestion {{ status }} errors {{ field code message }} }} }}"
        );
        let turned = self
            .client
            .run(&document, json!({ "id": suggestion["id"] }))
            .await;
        let payload = &turned.body["data"][format!("{verb}RuleSuggestion")];
        match payload["errors"].get(0) {
            Some(error) => error.text("code"),
            None => payload["suggestion"].text("status"),
        }
    }

    pub async fn events(&self, kinds: &[&str]) -> Vec<Value> {
        let page = self
            .client
            .run(EVENTS, json!({ "kinds": kinds }))
            .await
            .ok();
        page.list("eventFeed.events").clone()
    }

    pub async fn automation(&self, mode: &str, audit: f64) {
        let set = "mutation($input: UpdateAutomationInput!) { updateAutomation(input: $input) { errors { message } } }";
        let input = json!({ "mode": mode, "targetPrecision": 0.95, "auditShare": audit });
        self.client.run(set, json!({ "input": input })).await.ok();
    }

    pub async fn let_approve(&self, rule: &str, on: bool) -> Value {
        let set =
            "mutation($input: SetRuleSelfApprovalInput!) { setRuleSelfApproval(input: $input) {
            rule { selfApproval { on allowed reason } } errors { field message code } } }";
        let input = json!({ "ruleId": rule, "on": on });
        let done = self.client.run(set, json!({ "input": input })).await;
        done.body["data"]["setRuleSelfApproval"].clone()
    }

    pub async fn rules(&self) -> Vec<Value> {
        let rules =
            "{ rules { id name position enabled conditions selfApproval { on allowed reason } } }";
        self.client
            .run(rules, json!({}))
            .await
            .ok()
            .list("rules")
            .clone()
    }
}
