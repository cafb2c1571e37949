//! Behind pgbouncer in transaction mode: every transaction may be on another connection, and each connection is left by
//! somebody else. The whole path of a record goes through the real one.

use balance::ctx::Ctx;
use balance::{automation, events};
use futures::future::join_all;
use serde_json::json;

use crate::support::{Path, Pooler, Setup, TestApp};

const APPROVALS: &str = "{ approvals(first: 100) { totalCount edges { node { id status } } } }";
const APPROVE: &str = "mutation($input: OverrideRecordInput!) { overrideRecord(input: $input) {
    approval { status } errors { field message code }
} }";

#[tokio::test]
async fn the_whole_path_of_a_record_goes_through_pgbouncer() {
    let Some(pooler) = Pooler::start().await else {
        return;
    };
    let app = TestApp::start_with(Setup {
        pooler: Some(pooler.port),
        ..Setup::default()
    })
    .await;
    // two processes: each driver counts its statements from 1, so their names meet
    let elsewhere = app.another_node().await;
    let (acme, globex) = (app.tenant("acme").await, app.tenant("globex").await);
    let owner = acme.owner();
    let there = elsewhere.with_token(owner.token.as_deref().unwrap());
    let account = owner.make_account("Main").await;
    let mut feed = there
        .subscribe(
            "subscription { recordProcessed { record { id status } } }",
            json!({}),
        )
        .await;
    owner.import_rows(&account, 0..60).await;
    app.run_background_work().await;
    for _ in 0..60 {
        let heard = feed.next().await;
        assert_eq!(heard.text("recordProcessed.record.status"), "PROCESSED");
    }

    // many at once, on both, for two tenants: nobody meets what another transaction left
    let asked = (0..40).map(|number| {
        let who = match number % 4 {
            0 => owner.clone(),
            1 => globex.owner(),
            2 => there.clone(),
            _ => elsewhere.with_token(globex.owner().token.as_deref().unwrap()),
        };
        async move {
            let found = who.run(APPROVALS, json!({})).await.ok();
            (number % 2, found.number("approvals.totalCount"))
        }
    });
    for (globex, count) in join_all(asked).await {
        assert_eq!(count, if globex == 1 { 0 } else { 60 });
    }

    let queue = owner.run(APPROVALS, json!({})).await.ok();
    let chart = there
        .run("{ categories { id kind } }", json!({}))
        .await
        .ok();
    let category = chart.list("categories").last().unwrap().text("id");
    let decided = queue.list("approvals.edges").iter().take(20);
    let decided = decided.enumerate().map(|(number, edge)| {
        let who = if number % 2 == 0 { &owner } else { &there };
        let input = json!({ "approvalId": edge.text("node.id"), "categoryId": category });
        who.run(APPROVE, json!({ "input": input }))
    });
    for answer in join_all(decided).await {
        answer.ok();
    }
    app.run_background_work().await;
    let person = crate::tenants::sign_in(&app, "owner@acme.example").await;
    let queue = person.run(APPROVALS, json!({})).await.ok();
    let pending = queue.list("approvals.edges").iter();
    let pending = pending.filter(|edge| edge["node"]["status"] == "PENDING");
    assert_eq!(pending.count(), 40);
    // what sees one moment says so in a statement, which must not meet the names of others either
    let snapshots = (0..200).map(|_| async {
        let ctx = Ctx::system(app.app().handles.clone(), acme.local_id());
        let read = ctx.snapshot().await?;
        automation::latest(&read).await.map(drop)
    });
    for outcome in join_all(snapshots).await {
        outcome.unwrap();
    }
    let verdict = events::verify(&app.app().handles, acme.local_id()).await;
    assert!(verdict.unwrap().is_whole());
    app.finish().await;
    pooler.stop().await;
}
