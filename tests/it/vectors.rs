//! What a record resembles: found on both databases, told apart by tenant, and forgotten when the filing is taken back.

mod desk;
mod embeddings;

use balance::db;
use balance::processing::neighbours;
use serde_json::json;

use self::desk::{Desk, texts};
use crate::support::{Embeddings, Path, Setup, TestApp, World};

#[tokio::test]
async fn a_record_shows_the_approved_texts_it_resembles_and_how_each_was_filed() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let desk = Desk::open(&app, &tenant).await;
    desk.receive(&["COFFEE CORNER UTRECHT", "Municipal Water Board"])
        .await;
    assert!(
        desk.similar("COFFEE CORNER UTRECHT").await.is_empty(),
        "nothing is approved yet"
    );
    desk.file("COFFEE", 0).await;
    desk.file("Water", 1).await;
    desk.receive(&["COFFEE CORNER LEIDEN", "coffee  corner utrecht"])
        .await;

    let similar = desk.similar("COFFEE CORNER LEIDEN").await;
    assert_eq!(texts(&similar), ["COFFEE CORNER UTRECHT"]);
    assert_eq!(similar[0]["model"], "hashed-512-v1");
    let score = similar[0]["score"].as_f64().unwrap();
    assert!((0.4..1.0).contains(&score), "{score}");
    let filed = json!([{ "count": 1, "category": { "id": desk.leaves[0] } }]);
    assert_eq!(similar[0]["filedUnder"], filed);

    // the same text in another spelling is the same text, and a record is not like itself
    let same = desk.similar("coffee  corner utrecht").await;
    assert_eq!((same.len(), same[0]["score"].as_f64()), (1, Some(1.0)));
    assert!(desk.similar("COFFEE CORNER UTRECHT").await.is_empty());

    desk.file("coffee  corner", 2).await;
    app.run_background_work().await;
    let similar = desk.similar("COFFEE CORNER LEIDEN").await;
    assert_eq!(
        similar[0]["record"]["description"],
        "coffee  corner utrecht"
    );
    assert_eq!(similar[0].list("filedUnder").len(), 2);

    let many = "{ records(first: 1) { edges { node { similarRecords(first: 51) { score } } } } }";
    let wrong = desk.who.run(many, json!({})).await;
    assert_eq!(wrong.error_code(), "BAD_USER_INPUT");
    app.finish().await;
}

#[tokio::test]
async fn what_is_taken_back_is_no_neighbour_any_more() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let desk = Desk::open(&app, &tenant).await;
    desk.receive(&["COFFEE CORNER UTRECHT", "COFFEE CORNER LEIDEN"])
        .await;
    desk.file("UTRECHT", 0).await;
    app.run_background_work().await;
    assert_eq!(desk.similar("COFFEE CORNER LEIDEN").await.len(), 1);

    let decided =
        "{ approvals(filter: { status: [OVERRIDDEN] }, first: 10) { edges { node { id } } } }";
    let decided = desk.who.run(decided, json!({})).await.ok();
    let document = "mutation($id: ID!) { reopenApproval(input: { approvalId: $id }) {
        approval { id } errors { field message code } } }";
    let id = decided.text("approvals.edges[0].node.id");
    desk.who.run(document, json!({ "id": id })).await.ok();
    assert!(desk.similar("COFFEE CORNER LEIDEN").await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn one_tenants_neighbours_are_never_anothers() {
    let embeddings = Embeddings::start().await;
    for service in [None, Some(&embeddings)] {
        let app = TestApp::start_with(Setup {
            embeddings: service,
            ..Setup::default()
        })
        .await;
        let (ours, theirs) = (app.tenant("acme").await, app.tenant("globex").await);
        let (us, them) = (
            Desk::open(&app, &ours).await,
            Desk::open(&app, &theirs).await,
        );
        us.receive(&["COFFEE CORNER UTRECHT", "ESPRESSO HOUSE"])
            .await;
        us.file("COFFEE", 0).await;
        them.receive(&["COFFEE CORNER UTRECHT", "COFFEE CORNER LEIDEN"])
            .await;
        assert_eq!(
            us.similar("ESPRESSO HOUSE").await.len(),
            usize::from(service.is_some())
        );
        for text in ["COFFEE CORNER UTRECHT", "COFFEE CORNER LEIDEN"] {
            assert!(them.similar(text).await.is_empty(), "{text}");
        }
        // nor is anything proposed
        let proposals =
            "{ approvals(first: 10) { edges { node { source proposedCategory { id } } } } }";
        let proposals = them.who.run(proposals, json!({})).await.ok();
        for proposal in proposals.list("approvals.edges") {
            assert!(
                proposal.path("node.proposedCategory").is_null(),
                "{proposal}"
            );
        }
        app.finish().await;
    }
}

#[tokio::test]
async fn a_start_asks_for_what_was_never_made_and_asks_once() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let desk = Desk::open(&app, &tenant).await;
    desk.receive(&["COFFEE CORNER UTRECHT", "COFFEE CORNER LEIDEN"])
        .await;
    desk.file("UTRECHT", 0).await;
    let ctx = desk.ctx(&tenant);
    for _ in 0..2 {
        assert_eq!(neighbours::begin_at_start(&ctx).await.unwrap(), 1);
    }
    // three about the approval, its vector and what it says about rules and of what waits, and one about everything
    assert_eq!(app.run_background_work().await, 4);
    assert_eq!(neighbours::begin_at_start(&ctx).await.unwrap(), 0);
    assert_eq!(desk.similar("COFFEE CORNER LEIDEN").await.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_longer_list_of_records_costs_no_more_statements() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let desk = Desk::open(&app, &tenant).await;
    let list = "{ records(first: 50) { edges { node { similarRecords(first: 5) { score record { id } } } } } }";
    let mut statements = Vec::new();
    for batch in ["COFFEE", "TAXI"] {
        let texts: Vec<String> = (0..20).map(|n| format!("{batch} CORNER {n}")).collect();
        desk.hand_in(&texts).await;
        app.run_background_work().await;
        desk.file(batch, 0).await;
        app.run_background_work().await;
        let before = app.app().handles.db.statements();
        let all = desk.who.run(list, json!({})).await.ok();
        statements.push(app.app().handles.db.statements() - before);
        let edges = all.list("records.edges");
        assert!(
            edges
                .iter()
                .all(|edge| edge["node"].list("similarRecords").len() >= 5)
        );
    }
    assert_eq!(statements[0], statements[1]);
    app.finish().await;
}

#[tokio::test]
async fn postgres_searches_by_itself_and_through_its_index() {
    if !World::is_production() {
        return;
    }
    let app = TestApp::start().await;
    let handles = &app.app().handles;
    let health = app.anybody().get("/health").await.json();
    // a PostgreSQL without the extension is served in process; the suite says which it ran on
    println!("vectors: {}", health.text("stores.vectors"));
    if !handles.db.has_pgvector() {
        return app.finish().await;
    }
    let owner = db::Db::connect(&app.owner_database_url(), 2, false)
        .await
        .unwrap();
    // again, and for another dimension: what is there stays
    assert!(db::prepare_pgvector(&owner, &[512, 8]).await.unwrap());
    owner.close().await;
    app.finish().await;
}
