//! The statistics of rules are rolled up, and equal to a count from scratch whatever happened to the records.

use std::collections::BTreeMap;
use std::sync::Arc;

use balance::ctx::Ctx;
use balance::graphql::node::local;
use balance::rules;
use entity::rule_hit::{self, Standing};
use entity::{RecordId, RuleId, approval, record, rule_tally};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter};
use serde_json::{Value, json};

use crate::imports::account;
use crate::support::{Client, Path, Setup, Tenant, TestApp, decide_again};

const CREATE: &str = "mutation($input: CreateRuleInput!) { createRule(input: $input) { rule { id } errors { message } } }";
const OVERRIDE: &str = "mutation($record: ID!, $category: ID!) {
    overrideRecord(input: { recordId: $record, categoryId: $category }) { approval { id } errors { message } } }";
const REOPEN: &str = "mutation($id: ID!) { reopenApproval(input: { approvalId: $id }) { approval { id } errors { message } } }";
const MONTHS: &str = "query($id: ID!) { rule(id: $id) { monthlyStatistics {
    month live { hits agreed overridden precision } shadow { hits }
} } }";

struct Books {
    tenant: Tenant,
    owner: Client,
    account: String,
    categories: Vec<String>,
}

impl Books {
    async fn open(app: &TestApp) -> Self {
        let tenant = app.tenant("acme").await;
        let owner = tenant.owner();
        let chart = owner
            .run("{ categories { id kind } }", json!({}))
            .await
            .ok();
        let expenses = chart.list("categories").iter();
        let expenses = expenses.filter(|node| node["kind"] == "EXPENSE");
        Self {
            account: account(&owner, "Main").await,
            categories: expenses.map(|node| node.text("id")).skip(1).collect(),
            tenant,
            owner,
        }
    }

    fn ctx(&self, app: &TestApp) -> Ctx {
        Ctx::system(Arc::clone(&app.app().handles), self.tenant.local_id())
    }

    async fn rule(&self, name: &str, word: &str, category: usize, shadow: bool) -> String {
        let actions = json!({ "categoryId": self.categories[category] });
        let conditions = json!({ "text": { "op": "CONTAINS", "value": word } });
        let input =
            json!({ "name": name, "conditions": conditions, "actions": actions, "shadow": shadow });
        let made = self.owner.run(CREATE, json!({ "input": input })).await;
        made.ok().text("createRule.rule.id")
    }

    /// Imports a statement with these texts and has it processed; the import and its records by their text.
    async fn import(&self, app: &TestApp, texts: &[&str]) -> (String, BTreeMap<String, String>) {
        let mut csv = "Date,Description,Amount\n".to_owned();
        for text in texts {
            csv += &format!("2026-03-01,{text},-12.50\n");
        }
        let upload = "mutation($input: CreateUploadInput!) { createUpload(input: $input) { upload { fileId url } } }";
        let named = json!({ "input": { "name": format!("{}.csv", texts[0]) } });
        let made = self.owner.run(upload, named).await.ok();
        let url = made.text("createUpload.upload.url");
        let path = url[url.find("/api/").unwrap()..].to_owned();
        self.owner.put(&path, csv).await;
        let import = "mutation($input: ImportStatementInput!) { importStatement(input: $input) { import { id } errors { message } } }";
        let input =
            json!({ "fileId": made.text("createUpload.upload.fileId"), "accountId": self.account });
        let asked = self.owner.run(import, json!({ "input": input })).await.ok();
        app.run_background_work().await;
        let import = asked.text("importStatement.import.id");
        let read = "query($id: ID!) { import(id: $id) { status error } }";
        let read = self.owner.run(read, json!({ "id": import })).await.ok();
        assert_eq!(read.text("import.status"), "DONE", "{read:#}");
        let records = "{ records(first: 100) { edges { node { id description } } } }";
        let found = self.owner.run(records, json!({})).await.ok();
        let found = found.list("records.edges").iter().map(|edge| {
            let node = &edge["node"];
            (node.text("description"), node.text("id"))
        });
        (import, found.collect())
    }

    async fn file(&self, record: &str, category: usize) -> String {
        let choice = json!({ "record": record, "category": self.categories[category] });
        let done = self.owner.run(OVERRIDE, choice).await.ok();
        done.text("overrideRecord.approval.id")
    }

    /// Accepts what is proposed about the record with this text.
    async fn approve(&self, text: &str) {
        let find = "query($text: String!) { approvals(filter: { text: $text, status: [PENDING] }, first: 2) { edges { node { id } } } }";
        let found = self.owner.run(find, json!({ "text": text })).await.ok();
        let [waiting] = &found.list("approvals.edges")[..] else {
            panic!("one waits: {found:#}");
        };
        let approve = "mutation($id: ID!) { approveRecord(input: { approvalId: $id }) { errors { message } } }";
        let id = waiting.text("node.id");
        let done = self.owner.run(approve, json!({ "id": id })).await.ok();
        assert_eq!(*done.path("approveRecord.errors"), json!([]));
    }

    /// Asserts that the tallies are what the hits and the records say, counted from scratch; hits, agreed and overridden
    /// of a rule while it was live.
    async fn counted(&self, app: &TestApp, rule: &str) -> (i32, i32, i32) {
        let ctx = self.ctx(app);
        let read = ctx.read().await.unwrap();
        let hits = read.select::<rule_hit::Entity>();
        let hits = hits.all(read.on()).await.unwrap();
        let records = read.select::<record::Entity>();
        let records = records.all(read.on()).await.unwrap();
        let records: BTreeMap<RecordId, record::Model> =
            records.into_iter().map(|row| (row.id, row)).collect();
        let mut scratch: BTreeMap<(RuleId, bool), (i32, i32, i32)> = BTreeMap::new();
        for hit in hits {
            let record = &records[&hit.record_id];
            if record.status == record::Status::Voided {
                continue;
            }
            let of = scratch.entry((hit.rule_id, hit.shadow)).or_default();
            of.0 += 1;
            let filed = record.status == record::Status::Approved && !record.automatic;
            if let (true, Some(own), Some(chosen)) = (filed, hit.category_id, record.category_id) {
                of.1 += i32::from(own == chosen);
                of.2 += i32::from(own != chosen);
            }
        }
        let mut rolled: BTreeMap<(RuleId, bool), (i32, i32, i32)> = BTreeMap::new();
        let tallies = read.select::<rule_tally::Entity>();
        for row in tallies.all(read.on()).await.unwrap() {
            if row.hits > 0 {
                let of = rolled.entry((row.rule_id, row.shadow)).or_default();
                *of = (of.0 + row.hits, of.1 + row.agreed, of.2 + row.overridden);
            }
        }
        assert_eq!(rolled, scratch);
        let id: RuleId = local("Rule", "id", &rule.into()).unwrap();
        rolled.get(&(id, false)).copied().unwrap_or_default()
    }
}

#[tokio::test]
async fn the_tally_is_what_a_count_from_scratch_says_after_everything_that_can_happen() {
    let app = TestApp::start().await;
    let books = Books::open(&app).await;
    let uber = books.rule("uber", "uber", 0, false).await;
    books.rule("second", "uber", 1, false).await;
    books.rule("watching", "uber", 1, true).await;
    let texts = ["UBER A", "UBER B", "UBER C", "UBER D", "BAKERY"];
    let (import, records) = books.import(&app, &texts).await;
    assert_eq!(books.counted(&app, &uber).await, (4, 0, 0));

    books.approve("UBER A").await;
    let taken_back = books.file(&records["UBER B"], 1).await;
    books.file(&records["UBER C"], 0).await;
    assert_eq!(books.counted(&app, &uber).await, (4, 2, 1));

    books
        .owner
        .run(REOPEN, json!({ "id": taken_back }))
        .await
        .ok();
    assert_eq!(books.counted(&app, &uber).await, (4, 2, 0));
    books.file(&records["UBER B"], 1).await;

    // decided anew, after another rule was made
    books.rule("third", "uber d", 2, false).await;
    decide_again(&app, &books.tenant, &records["UBER D"]).await;
    assert_eq!(books.counted(&app, &uber).await, (4, 2, 1));

    books.import(&app, &["UBER E"]).await;
    books.approve("UBER E").await;
    assert_eq!(books.counted(&app, &uber).await, (5, 3, 1));
    let void = "mutation($id: ID!) { voidImport(input: { importId: $id }) { import { status } errors { message } } }";
    let voided = books.owner.run(void, json!({ "id": import })).await.ok();
    assert_eq!(voided.text("voidImport.import.status"), "VOIDED");
    assert_eq!(books.counted(&app, &uber).await, (1, 1, 0));
    app.finish().await;
}

#[tokio::test]
async fn what_passed_by_itself_and_what_is_taken_back_of_it_proves_nothing() {
    let app = TestApp::start().await;
    let books = Books::open(&app).await;
    let uber = books.rule("uber", "uber", 0, false).await;
    let (_, records) = books.import(&app, &["UBER A", "UBER B"]).await;
    // as the pipeline would store what passes by itself
    let ctx = books.ctx(&app);
    let id: RecordId = local("Record", "id", &records["UBER A"].as_str().into()).unwrap();
    let tx = ctx.begin().await.unwrap();
    tx.update::<record::Entity>()
        .col_expr(
            record::Column::Status,
            Expr::value(record::Status::Approved),
        )
        .col_expr(record::Column::Automatic, Expr::value(true))
        .filter(record::Column::Id.eq(id))
        .exec(tx.on())
        .await
        .unwrap();
    tx.update::<approval::Entity>()
        .col_expr(
            approval::Column::Status,
            Expr::value(approval::Status::Approved),
        )
        .col_expr(approval::Column::Automatic, Expr::value(true))
        .filter(approval::Column::RecordId.eq(id))
        .exec(tx.on())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(rules::recount(&ctx).await.unwrap(), 2);
    assert_eq!(books.counted(&app, &uber).await, (2, 0, 0));
    let reopen = "mutation { reopenAutomatic(input: {}) { reopened errors { message } } }";
    let reopened = books.owner.run(reopen, json!({})).await;
    assert_eq!(reopened.ok().number("reopenAutomatic.reopened"), 1);
    assert_eq!(books.counted(&app, &uber).await, (2, 0, 0));
    books.approve("UBER A").await;
    assert_eq!(books.counted(&app, &uber).await, (2, 1, 0));
    app.finish().await;
}

#[tokio::test]
async fn months_tell_when_a_rule_began_to_be_wrong_to_whoever_sees_all_records() {
    let app = TestApp::start_with(Setup {
        // a person who stays signed in for two months
        adjust: |config| config.access_token_minutes = 60 * 24 * 60,
        ..Setup::default()
    })
    .await;
    let books = Books::open(&app).await;
    let uber = books.rule("uber", "uber", 0, false).await;
    let (_, march) = books.import(&app, &["UBER A", "UBER B"]).await;
    // into April, and within the life of a session
    app.advance(chrono::TimeDelta::hours(712));
    let (_, april) = books.import(&app, &["UBER C"]).await;
    books.approve("UBER A").await;
    // decided in April, and met in March
    books.file(&march["UBER B"], 0).await;
    books.file(&april["UBER C"], 1).await;
    let told = books.owner.run(MONTHS, json!({ "id": uber })).await.ok();
    let counts = |hits: i32, agreed: i32, overridden: i32, precision: f64| json!({ "hits": hits, "agreed": agreed, "overridden": overridden, "precision": precision });
    assert_eq!(
        *told.path("rule.monthlyStatistics"),
        json!([
            { "month": "2026-03-01", "live": counts(2, 2, 0, 1.0), "shadow": { "hits": 0 } },
            { "month": "2026-04-01", "live": counts(1, 0, 1, 0.0), "shadow": { "hits": 0 } },
        ])
    );
    app.finish().await;
}

/// Whether an older version left it so, or the migration finds it so: counted anew, it is as before.
#[tokio::test]
async fn what_an_older_version_left_is_counted_by_the_migration_and_by_a_recount() {
    let app = TestApp::start().await;
    let books = Books::open(&app).await;
    let uber = books.rule("uber", "uber", 0, false).await;
    let (_, records) = books.import(&app, &["UBER A", "UBER B", "UBER C"]).await;
    books.approve("UBER A").await;
    books.file(&records["UBER B"], 1).await;
    let before = books.counted(&app, &uber).await;
    assert_eq!(before, (3, 1, 1));

    for by_the_migration in [true, false] {
        let ctx = books.ctx(&app);
        let tx = ctx.begin().await.unwrap();
        tx.delete::<rule_tally::Entity>()
            .exec(tx.on())
            .await
            .unwrap();
        tx.update::<rule_hit::Entity>()
            .col_expr(rule_hit::Column::Standing, Expr::value(Standing::Uncounted))
            .exec(tx.on())
            .await
            .unwrap();
        if by_the_migration {
            let sql = migration::count_rule_hits(tx.on().get_database_backend());
            tx.on().execute_unprepared(&sql).await.unwrap();
        }
        tx.commit().await.unwrap();
        if !by_the_migration {
            assert_eq!(rules::recount(&ctx).await.unwrap(), 3);
        }
        assert_eq!(books.counted(&app, &uber).await, before);
        let told = books.owner.run(MONTHS, json!({ "id": uber })).await.ok();
        let live: &Value = &told.list("rule.monthlyStatistics")[0]["live"];
        assert_eq!(live["hits"], 3);
    }
    app.finish().await;
}
