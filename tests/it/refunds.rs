//! Refunds of purchases: found, judged by people, and put where the purchase counts.

use serde_json::{Value, json};

use crate::links::{REFUNDS, act, books, figure};
use crate::support::{Path, TestApp};

#[tokio::test]
async fn refunds_lessen_the_expense_and_never_exceed_the_purchase() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let bought = books
        .import(
            &app,
            &books.main,
            &[("2026-03-02", "-90.00", "EUR", "BOOKSHOP")],
        )
        .await;
    books.file(&bought[0], "6410").await;
    let back = books
        .import(
            &app,
            &books.main,
            &[("2026-03-10", "30.00", "EUR", "BOOKSHOP")],
        )
        .await;
    books.file(&back[0], "4010").await;
    let found = books.suggested(REFUNDS).await;
    assert_eq!(found[0].text("purchase.id"), bought[0]);
    assert_eq!(found[0].text("record.id"), back[0]);
    assert_eq!(
        figure(&books.statement().await, "4010").as_deref(),
        Some("30.00")
    );

    let id = found[0].text("id");
    act(&books.owner, "confirmRefund", json!({ "refundId": id }))
        .await
        .ok();
    let statement = books.statement().await;
    assert_eq!(figure(&statement, "4010"), None);
    assert_eq!(figure(&statement, "6410").as_deref(), Some("-60.00"));
    assert_eq!(statement.text("income.total.amount"), "0.00");
    assert_eq!(
        books.record(&back[0]).await.text("refundOf.purchase.id"),
        bought[0]
    );

    // a second one of all that is left, and none beyond it
    let more = books
        .import(
            &app,
            &books.main,
            &[
                ("2026-03-11", "60.00", "EUR", "BOOKSHOP"),
                ("2026-03-12", "61.00", "EUR", "BOOKSHOP"),
            ],
        )
        .await;
    let found = books.suggested(REFUNDS).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].text("record.id"), more[0]);
    let pair = |back: &str| json!({ "purchaseRecordId": bought[0], "refundRecordId": back });
    let refused = act(&books.owner, "confirmRefund", pair(&more[1]))
        .await
        .user_errors();
    assert_eq!(
        refused[0].text("message"),
        "is more than is left of the purchase: 60.00"
    );
    act(
        &books.owner,
        "confirmRefund",
        json!({ "refundId": found[0].text("id") }),
    )
    .await
    .ok();
    let refunds = books.record(&bought[0]).await;
    assert_eq!(refunds.list("refunds").len(), 2);
    // a purchase with refunds is no transfer
    let other = books
        .import(
            &app,
            &books.savings,
            &[("2026-03-02", "90.00", "EUR", "In")],
        )
        .await;
    let transfer = json!({ "outgoingRecordId": bought[0], "incomingRecordId": other[0] });
    let refused = act(&books.owner, "confirmTransfer", transfer)
        .await
        .user_errors();
    assert_eq!(refused[0]["code"], "CONFLICT");
    act(&books.owner, "unlinkRefund", json!({ "refundId": id }))
        .await
        .ok();
    assert_eq!(
        figure(&books.statement().await, "4010").as_deref(),
        Some("30.00")
    );
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn a_refund_of_a_split_purchase_goes_back_line_by_line() {
    let app = TestApp::start().await;
    let books = books(&app).await;
    let bought = books
        .import(
            &app,
            &books.main,
            &[("2026-03-02", "-90.00", "EUR", "BOOKSHOP")],
        )
        .await;
    let chart = books
        .owner
        .run("{ categories { id code } }", Value::Null)
        .await
        .ok();
    let category = |code: &str| {
        let mut chart = chart.list("categories").iter();
        chart.find(|node| node["code"] == code).unwrap().text("id")
    };
    let lines = json!([{ "categoryId": category("6410"), "amount": "-60" }, { "categoryId": category("6420") }]);
    let split =
        "mutation($input: SplitRecordInput!) { splitRecord(input: $input) { errors { message } } }";
    let input = json!({ "input": { "recordId": bought[0], "lines": lines } });
    books.owner.run(split, input).await.ok();
    let back = books
        .import(
            &app,
            &books.main,
            &[("2026-03-10", "9.99", "EUR", "BOOKSHOP")],
        )
        .await;
    books.file(&back[0], "4010").await;
    let pair = json!({ "purchaseRecordId": bought[0], "refundRecordId": back[0] });
    act(&books.owner, "confirmRefund", pair).await.ok();
    let statement = books.statement().await;
    assert_eq!(figure(&statement, "6410").as_deref(), Some("-53.34"));
    assert_eq!(figure(&statement, "6420").as_deref(), Some("-26.67"));
    assert_eq!(figure(&statement, "4010"), None);
    app.run_background_work().await;
    app.finish().await;
}
