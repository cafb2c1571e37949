//! Profit and loss: at once, filed, and as a table.

use balance::cache::Recent;
use balance::ctx::Ctx;
use balance::graphql::node::local;
use balance::reports::ProfitAndLoss;
use entity::record::Status;
use entity::{CategoryId, RecordId, TenantId, record};
use serde_json::{Value, json};

use crate::support::{Client, Path, Tenant, TestApp};

const STATEMENT: &str = "query($from: Date!, $to: Date!, $interval: ReportInterval!, $proposed: Boolean!) {
    profitAndLoss(from: $from, to: $to, interval: $interval, includeProposed: $proposed) {
        currency awaitingApproval
        periods { from to }
        lines {
            code depth side recordCount category { name }
            cells { amount { amount } }
            total { amount { amount currency } records(first: 2) { edges { node { occurredOn amount { amount } } } pageInfo { hasNextPage } } }
        }
        income { total { amount } } expense { total { amount } } result { amounts { amount } total { amount } }
        uncategorised { recordCount total { amount { amount } } }
        otherCurrencies { currency result { amount currency } recordCount }
    }
}";
const GENERATE: &str = "mutation($input: GenerateReportInput!) {
    generateReport(input: $input) { report { id status } errors { field message code } }
}";
const REPORT: &str = "query($id: ID!) { report(id: $id) { status finishedAt profitAndLoss { result { total { amount } } } } }";

struct Books {
    tenant: Tenant,
    owner: Client,
}

/// A tenant whose books hold a little of everything.
async fn books(app: &TestApp) -> Books {
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let chart = owner
        .run("{ categories { id code } }", Value::Null)
        .await
        .ok();
    let category = |code: &str| -> CategoryId {
        let nodes = chart.list("categories");
        let node = nodes
            .iter()
            .find(|node| node["code"] == code)
            .expect("the chart has it");
        local("Category", "id", &node.text("id").into()).expect("it is the id of a category")
    };
    let id: TenantId =
        local("Tenant", "id", &tenant.id.as_str().into()).expect("it is the id of a tenant");
    let ctx = Ctx::system(app.app().handles.clone(), id);
    let row = |code: Option<&str>, on: &str, units: i64, currency: &str, status: Status| {
        let id: RecordId = ctx.id();
        record::Model {
            tenant_id: ctx.tenant(),
            id,
            source_id: id.0,
            external_id: id.to_string(),
            account_id: None,
            connection_id: None,
            import_id: None,
            occurred_on: on.parse().expect("it is a date"),
            amount: units,
            currency: currency.to_owned(),
            description: "Something".to_owned(),
            merchant_key: "something".to_owned(),
            text_key: None,
            raw: "{}".to_owned(),
            status,
            category_id: code.map(category),
            project: None,
            note: None,
            tags: None,
            decision_id: None,
            error: None,
            metadata: None,
            created_by: None,
            created_at: ctx.now(),
            updated_at: ctx.now(),
            automatic: false,
            deleted_at: None,
        }
    };
    let mut rows = vec![
        row(
            Some("4010"),
            "2026-01-31",
            150_000_000,
            "EUR",
            Status::Approved,
        ),
        row(
            Some("6410"),
            "2026-01-01",
            -1_250_001,
            "EUR",
            Status::Approved,
        ),
        row(
            Some("6410"),
            "2026-02-28",
            -2_000_000,
            "EUR",
            Status::Processed,
        ),
        row(
            Some("6420"),
            "2026-02-01",
            -500_000,
            "EUR",
            Status::Approved,
        ),
        row(
            Some("6420"),
            "2026-02-02",
            -700_000,
            "USD",
            Status::Approved,
        ),
        row(Some("6420"), "2026-02-03", -900_000, "EUR", Status::Voided),
        row(
            Some("6420"),
            "2025-12-31",
            -900_000,
            "EUR",
            Status::Approved,
        ),
        row(
            Some("1020"),
            "2026-02-03",
            -900_000,
            "EUR",
            Status::Approved,
        ),
        row(None, "2026-02-04", -300_000, "EUR", Status::Received),
    ];
    // together they pass 64 bits
    let most = 999_999_999_999_999_999;
    rows.extend((0..20).map(|_| row(Some("5010"), "2026-02-05", -most, "GBP", Status::Approved)));
    let tx = ctx.begin().await.unwrap();
    tx.insert_all(rows).await.unwrap();
    tx.commit().await.unwrap();
    Books { tenant, owner }
}

fn first_quarter(interval: &str, proposed: bool) -> Value {
    json!({ "from": "2026-01-01", "to": "2026-02-28", "interval": interval, "proposed": proposed })
}

#[tokio::test]
async fn a_statement_adds_up_by_category_and_month_and_keeps_currencies_apart() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let before = app.app().handles.db.statements();
    let made = books
        .owner
        .run(STATEMENT, first_quarter("MONTH", false))
        .await
        .ok();
    let statements = app.app().handles.db.statements() - before;
    let statement = made.path("profitAndLoss");
    let lines: Vec<_> = statement
        .list("lines")
        .iter()
        .map(|line| {
            let cells = line
                .list("cells")
                .iter()
                .map(|cell| cell.text("amount.amount"));
            (
                line.text("code"),
                line.number("depth"),
                cells.collect::<Vec<_>>(),
                line.text("total.amount.amount"),
            )
        })
        .collect();
    let line = |code: &str, depth, january: &str, february: &str, total: &str| {
        (
            code.to_owned(),
            depth,
            vec![january.to_owned(), february.to_owned()],
            total.to_owned(),
        )
    };
    let expected = [
        line("4000", 0, "1500.00", "0.00", "1500.00"),
        line("4010", 1, "1500.00", "0.00", "1500.00"),
        line("6400", 0, "-12.50001", "-5.00", "-17.50001"),
        line("6410", 1, "-12.50001", "0.00", "-12.50001"),
        line("6420", 1, "0.00", "-5.00", "-5.00"),
    ];
    assert_eq!(lines, expected);
    assert_eq!(statement.text("result.total.amount"), "1482.49999");
    // the parent lists what is filed below it, the latest first
    let behind = statement.path("lines[2].total.records");
    assert_eq!(behind.text("edges[0].node.occurredOn"), "2026-02-01");
    assert_eq!(behind.text("edges[1].node.amount.amount"), "-12.50001");
    assert_eq!(behind.path("pageInfo.hasNextPage"), &Value::Bool(false));
    assert_eq!(statement.number("awaitingApproval"), 1);
    assert_eq!(statement.number("uncategorised.recordCount"), 1);
    let others = json!([
        { "currency": "GBP", "result": { "amount": "-199999999999999.9998", "currency": "GBP" }, "recordCount": 20 },
        { "currency": "USD", "result": { "amount": "-7.00", "currency": "USD" }, "recordCount": 1 },
    ]);
    assert_eq!(statement.path("otherCurrencies"), &others);
    // two for each of the five figures whose records are asked for
    assert!(statements < 24, "a statement cost {statements} statements");

    let proposed = books
        .owner
        .run(STATEMENT, first_quarter("NONE", true))
        .await
        .ok();
    assert_eq!(
        proposed.text("profitAndLoss.result.total.amount"),
        "1462.49999"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_report_is_filed_made_in_the_background_kept_and_exported() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let input = json!({ "from": "2026-01-01", "to": "2026-12-31", "interval": "QUARTER" });
    let asked = books
        .owner
        .run(GENERATE, json!({ "input": input }))
        .await
        .ok();
    assert_eq!(asked.text("generateReport.report.status"), "QUEUED");
    let id = asked.text("generateReport.report.id");
    let export = format!("/api/v1/exports/reports/{id}.csv");
    assert_eq!(books.owner.get(&export).await.status, 409);

    let mut feed = books
        .owner
        .subscribe("subscription { eventFeed(kinds: [\"REPORT_GENERATED\"]) { event { subject { id } } } }", Value::Null)
        .await;
    assert_eq!(app.run_background_work().await, 1);
    assert_eq!(feed.next().await.text("eventFeed.event.subject.id"), id);
    let ready = books.owner.run(REPORT, json!({ "id": id })).await.ok();
    assert_eq!(ready.text("report.status"), "READY");
    assert_eq!(
        ready.text("report.profitAndLoss.result.total.amount"),
        "1482.49999"
    );
    let csv = books.owner.get(&export).await;
    assert_eq!(csv.status, 200);
    assert!(
        csv.text()
            .contains("\nexpense,6410,  Software and Subscriptions,EUR,-12.50001,"),
        "{}",
        csv.text()
    );

    let history = books
        .owner
        .run(
            "{ reports(first: 10) { edges { node { id } } } }",
            Value::Null,
        )
        .await
        .ok();
    assert_eq!(history.text("reports.edges[0].node.id"), id);
    let stranger = app.tenant("other").await.owner();
    let unseen = stranger.run(REPORT, json!({ "id": id })).await.ok();
    assert!(unseen.path("report").is_null());
    assert_eq!(stranger.get(&export).await.status, 404);
    let viewer = books.tenant.viewer().await;
    let refused = viewer
        .run(
            GENERATE,
            json!({ "input": { "from": "2026-01-01", "to": "2026-12-31" } }),
        )
        .await;
    assert_eq!(refused.error_code(), "FORBIDDEN");
    app.finish().await;
}

#[tokio::test]
async fn days_in_the_wrong_order_and_an_unknown_currency_are_refused() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    for (input, field) in [
        (json!({ "from": "2026-02-01", "to": "2026-01-01" }), "to"),
        (
            json!({ "from": "2026-01-01", "to": "2026-02-01", "currency": "XXX" }),
            "currency",
        ),
        (
            json!({ "from": "1990-01-01", "to": "2026-02-01", "interval": "MONTH" }),
            "interval",
        ),
    ] {
        let refused = owner.run(GENERATE, json!({ "input": input })).await;
        assert_eq!(refused.user_errors()[0]["field"], field);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_statement_is_made_once_until_the_books_move() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let asked = || first_quarter("MONTH", false);
    let elsewhere = app.another_node().await;
    let elsewhere = elsewhere.with_token(books.owner.token.as_deref().unwrap());
    let statements = || app.app().handles.db.statements();
    let found = || app.app().handles.kept.of::<Recent<ProfitAndLoss>>().found();

    let made = books.owner.run(STATEMENT, asked()).await.ok();
    let before = statements();
    assert_eq!(books.owner.run(STATEMENT, asked()).await.ok(), made);
    assert_eq!(found(), 1);
    // who asks is looked up, and where the log stands; the records behind totals are read anew
    let again = statements() - before;
    // other questions are others
    let whole = books
        .owner
        .run(STATEMENT, first_quarter("NONE", false))
        .await
        .ok();
    let proposed = books
        .owner
        .run(STATEMENT, first_quarter("MONTH", true))
        .await
        .ok();
    assert!(whole != made && proposed != made && found() == 1);
    let before = statements();
    books
        .owner
        .run(STATEMENT, first_quarter("QUARTER", false))
        .await
        .ok();
    assert!(
        again + 2 <= statements() - before,
        "{again} statements when nothing was kept"
    );

    // a change on another node counts at once, wherever the next question goes
    let chart = elsewhere
        .run("{ categories { id code } }", json!({}))
        .await
        .ok();
    let code = made.text("profitAndLoss.lines[0].code");
    let mut chart = chart.list("categories").iter();
    let category = chart
        .find(|category| category["code"] == code.as_str())
        .unwrap();
    let renumber = "mutation($input: UpdateCategoryInput!) {
        updateCategory(input: $input) { category { code } errors { message } }
    }";
    for code in ["4016", "4017", "4018"] {
        let input = json!({ "categoryId": category.text("id"), "code": code });
        elsewhere
            .run(renumber, json!({ "input": input }))
            .await
            .ok();
        for client in [&books.owner, &elsewhere, &books.owner] {
            let now = client.run(STATEMENT, asked()).await.ok();
            assert_eq!(now.text("profitAndLoss.lines[0].code"), code);
        }
    }
    // and nobody else's statement is anybody's
    let globex = app.tenant("globex").await.owner();
    let theirs = globex.run(STATEMENT, asked()).await.ok();
    assert!(theirs.list("profitAndLoss.lines").is_empty(), "{theirs:#}");
    app.finish().await;
}
