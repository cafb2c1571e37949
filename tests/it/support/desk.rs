//! A tenant with records that were filed and records that wait, for tests of what would be otherwise.

use serde_json::{Value, json};

use super::{Client, Path, Tenant, TestApp};

const IMPORT: &str = "mutation($input: ImportRecordsInput!) { importRecords(input: $input) {
    rows { record { id } error { message } } errors { field message }
} }";
const SIMULATE: &str =
    "mutation($input: SimulatePipelineInput!) { simulatePipeline(input: $input) {
    simulation { id status totalRecords doneRecords progress } errors { field message code }
} }";
const SIMULATION: &str = "query($id: ID!) { simulation(id: $id) {
    id status from to knowledge comparedWith ruleChanges targetPrecision totalRecords doneRecords changedRecords
    keptChanges progress pipelineVersion error finishedAt
    effects { fixed broken different passes waits }
    before { ...figures } after { ...figures }
    profitAndLossDifference { category { id } total { amount currency } months { month amount { amount } } }
} }
fragment figures on SimulationFigures {
    records proposed checked right accuracy passing precision automatic waiting
    languageModelQuestions languageModelRequests languageModelPromptTokens languageModelCompletionTokens languageModelCost
}";
const CHANGES: &str = "query($id: ID!, $filter: SimulatedChangeFilter, $after: String) {
    simulatedChanges(simulationId: $id, filter: $filter, first: 100, after: $after) {
        edges { node {
            number effect occurredOn amount { amount } record { id description } approvedCategory { id }
            before { source confidence passes reason pipelineVersion category { id } }
            after { source confidence passes reason category { id } }
        } }
        pageInfo { hasNextPage endCursor }
    }
}";
const FILE: &str = "mutation($input: OverrideRecordsInput!) { overrideRecords(input: $input) {
    answers { error { message } } errors { message }
} }";

/// A tenant with some history.
pub struct Desk<'a> {
    app: &'a TestApp,
    /// The tenant.
    pub tenant: Tenant,
    /// Its owner.
    pub owner: Client,
    /// The account that money moves on.
    pub account: String,
    /// Its expense categories.
    pub expenses: Vec<String>,
    rows: usize,
}

impl<'a> Desk<'a> {
    /// A tenant that nothing happened in.
    pub async fn open(app: &'a TestApp) -> Self {
        let tenant = app.tenant("acme").await;
        let owner = tenant.owner();
        let account = owner.make_account("Card").await;
        let chart = owner.run("{ categories { id kind } }", json!({})).await;
        let chart = chart.ok();
        let expenses = chart.list("categories").iter();
        let expenses = expenses.filter(|node| node["kind"] == "EXPENSE");
        Self {
            app,
            account,
            expenses: expenses.map(|node| node.text("id")).collect(),
            tenant,
            owner,
            rows: 0,
        }
    }

    /// Records that the pipeline has decided about.
    pub async fn receive(&mut self, description: &str, count: usize, on: &str) {
        self.hand_in(description, count, on).await;
        self.app.run_background_work().await;
    }

    /// Records that nobody has looked at.
    pub async fn hand_in(&mut self, description: &str, count: usize, on: &str) {
        for start in (0..count).step_by(1_000) {
            let rows: Vec<Value> = (start..count.min(start + 1_000))
                .map(|_| {
                    self.rows += 1;
                    json!({ "externalId": format!("row {}", self.rows), "occurredOn": on, "amount": "-12.50",
                            "currency": "EUR", "description": description })
                })
                .collect();
            let input = json!({ "input": { "accountId": self.account, "rows": rows } });
            let imported = self.owner.run(IMPORT, input).await.ok();
            assert_eq!(imported.path("importRecords.errors"), &json!([]));
        }
    }

    /// Files everything that waits.
    pub async fn file(&self, category: &str) {
        let waiting =
            "{ approvals(filter: { status: [PENDING] }, first: 100) { edges { node { id } } } }";
        let waiting = self.owner.run(waiting, json!({})).await.ok();
        let edges = waiting.list("approvals.edges").iter();
        let ids: Vec<String> = edges.map(|edge| edge.text("node.id")).collect();
        let input = json!({ "approvalIds": ids, "categoryId": category });
        let done = self.owner.run(FILE, json!({ "input": input })).await.ok();
        for answer in done.list("overrideRecords.answers") {
            assert_eq!(answer["error"], Value::Null, "{answer}");
        }
        self.app.run_background_work().await;
    }

    /// Three kinds of records, filed and not: ten coffees that are filed, five that wait, five trains that are filed.
    pub async fn history(app: &'a TestApp) -> Self {
        let mut desk = Self::open(app).await;
        desk.receive("COFFEE CORNER 12 UTRECHT", 5, "2026-01-10")
            .await;
        desk.file(&desk.expenses[1]).await;
        desk.receive("COFFEE CORNER 12 UTRECHT", 5, "2026-02-10")
            .await;
        desk.file(&desk.expenses[1]).await;
        desk.receive("NS GROEP TREIN", 5, "2026-02-11").await;
        desk.file(&desk.expenses[2]).await;
        desk.receive("COFFEE CORNER 12 UTRECHT", 5, "2026-03-10")
            .await;
        desk
    }

    /// Asks for a simulation of the year; the payload.
    pub async fn ask(&self, what: Value) -> Value {
        let mut input = json!({ "from": "2026-01-01", "to": "2026-12-31" });
        for (key, value) in what.as_object().expect("it is an object") {
            input[key] = value.clone();
        }
        let asked = self.owner.run(SIMULATE, json!({ "input": input })).await;
        // what is refused is data of the payload
        asked.body.path("data.simulatePipeline").clone()
    }

    /// Makes a simulation of the year.
    pub async fn simulate(&self, what: Value) -> Value {
        let asked = self.ask(what).await;
        assert_eq!(asked.path("errors"), &json!([]));
        self.app.run_background_work().await;
        let made = self.look(&asked.text("simulation.id")).await;
        assert_eq!(made["status"], "READY", "{made:#}");
        made
    }

    /// A simulation as it is now.
    pub async fn look(&self, id: &str) -> Value {
        let found = self.owner.run(SIMULATION, json!({ "id": id })).await.ok();
        found.path("simulation").clone()
    }

    /// Every change that a simulation lists.
    pub async fn changes(&self, simulation: &Value, filter: Value) -> Vec<Value> {
        let mut changes = Vec::new();
        let mut after = Value::Null;
        loop {
            let asked = json!({ "id": simulation["id"], "filter": filter, "after": after });
            let page = self.owner.run(CHANGES, asked).await.ok();
            let edges = page.list("simulatedChanges.edges").iter();
            changes.extend(edges.map(|edge| edge["node"].clone()));
            let info = page.path("simulatedChanges.pageInfo");
            if info["hasNextPage"] == false {
                return changes;
            }
            after = info["endCursor"].clone();
        }
    }

    /// A supposed rule more, by a text.
    pub fn rule(&self, text: &str, category: usize) -> Value {
        json!({ "add": {
            "name": text, "conditions": { "text": { "op": "CONTAINS", "value": text } },
            "actions": { "categoryId": self.expenses[category] },
        } })
    }
}
