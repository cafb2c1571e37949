//! A tenant whose people hand in texts, file them, and ask what resembles them.

use balance::ctx::Ctx;
use serde_json::{Value, json};

use crate::support::{Client, Path, Tenant, TestApp};

const SIMILAR: &str = "query($text: String!, $first: Int! = 10) {
    records(filter: { text: $text }, first: 15) { edges { node { description similarRecords(first: $first) {
        score model record { id description status } filedUnder { count category { id } }
    } } } } }";

/// Somebody at work in a tenant.
pub struct Desk<'a> {
    app: &'a TestApp,
    pub who: Client,
    account: String,
    pub leaves: Vec<String>,
}

impl<'a> Desk<'a> {
    /// In a tenant that lets its texts be sent to an embedding service, where there is one.
    pub async fn open(app: &'a TestApp, tenant: &Tenant) -> Self {
        let desk = Self::open_closed(app, tenant).await;
        desk.allow(true).await;
        desk
    }

    /// In a tenant that never said so.
    pub async fn open_closed(app: &'a TestApp, tenant: &Tenant) -> Self {
        let who = tenant.owner();
        let chart = who
            .run("{ categories { id kind parent { id } } }", json!({}))
            .await
            .ok();
        let leaves = chart.list("categories").iter();
        let leaves = leaves.filter(|one| one["kind"] == "EXPENSE" && !one["parent"].is_null());
        Self {
            account: who.make_account("Main").await,
            leaves: leaves.map(|one| one.text("id")).collect(),
            app,
            who,
        }
    }

    pub async fn allow(&self, embeddings: bool) {
        let document = "mutation($on: Boolean!) { updateLanguageModel(input: { embeddings: $on }) {
            languageModel { embeddings { enabled } } errors { message } } }";
        let done = self.who.run(document, json!({ "on": embeddings })).await;
        let now =
            done.ok()["updateLanguageModel"]["languageModel"]["embeddings"]["enabled"].clone();
        assert_eq!(now, embeddings);
    }

    /// How the embedding service stands for the tenant.
    pub async fn standing(&self) -> Value {
        let asked = "{ languageModel { embeddings { configured enabled model host progress { total done } } } }";
        let told = self.who.run(asked, json!({})).await.ok();
        told["languageModel"]["embeddings"].clone()
    }

    /// Hands in a record for each text; they are not looked at yet.
    pub async fn hand_in(&self, texts: &[String]) {
        let row = |text: &String| {
            json!({ "externalId": text, "occurredOn": "2026-03-01", "amount": "-12.50", "currency": "EUR",
                    "description": text })
        };
        let rows: Vec<Value> = texts.iter().map(row).collect();
        let document = "mutation($input: ImportRecordsInput!) { importRecords(input: $input) {
            rows { status } errors { field message code } } }";
        let input = json!({ "input": { "accountId": self.account, "rows": rows } });
        self.who.run(document, input).await.ok();
    }

    pub async fn receive(&self, texts: &[&str]) {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        self.hand_in(&texts).await;
        self.app.run_background_work().await;
    }

    /// Files what waits and whose text holds `word` under a category.
    pub async fn file(&self, word: &str, leaf: usize) -> usize {
        let waiting = "{ approvals(filter: { status: [PENDING] }, first: 100) { edges { node {
            id record { description } } } } }";
        let mut filed = 0;
        loop {
            let queue = self.who.run(waiting, json!({})).await.ok();
            let ids: Vec<String> = queue
                .list("approvals.edges")
                .iter()
                .filter(|edge| edge.text("node.record.description").contains(word))
                .map(|edge| edge.text("node.id"))
                .collect();
            if ids.is_empty() {
                return filed;
            }
            filed += ids.len();
            let input = json!({ "input": { "approvalIds": ids, "categoryId": self.leaves[leaf] } });
            let document =
                "mutation($input: OverrideRecordsInput!) { overrideRecords(input: $input) {
                answers { error { code message } } errors { field message code } } }";
            self.who.run(document, input).await.ok();
        }
    }

    /// What the record with a text resembles.
    pub async fn similar(&self, description: &str) -> Vec<Value> {
        let all = self.who.run(SIMILAR, json!({ "text": description })).await;
        let all = all.ok();
        let edges = all.list("records.edges").iter();
        let mut found = edges.filter(|edge| edge["node"]["description"] == description);
        let found = found.next().expect("the record is there");
        found.list("node.similarRecords").clone()
    }

    pub fn ctx(&self, tenant: &Tenant) -> Ctx {
        Ctx::system(self.app.app().handles.clone(), tenant.local_id())
    }
}

pub fn texts(similar: &[Value]) -> Vec<String> {
    let texts = similar.iter().map(|one| one.text("record.description"));
    texts.collect()
}
