//! The embedding service: sent each text once and only where a tenant allows it, and waited for by nobody when it fails.

use balance::processing::neighbours;
use balance::vectors::Space;
use chrono::TimeDelta;
use entity::text_vector;
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter};
use serde_json::json;

use super::desk::{Desk, texts};
use crate::support::{Embeddings, MODEL, Mood, Path, Process, Setup, Tenant, TestApp};

/// An app with an embedding service, whose people stay signed in for as long as an outage lasts.
async fn app_with(embeddings: &Embeddings) -> TestApp {
    TestApp::start_with(Setup {
        embeddings: Some(embeddings),
        adjust: |config| config.access_token_minutes = 60 * 24 * 30,
        ..Setup::default()
    })
    .await
}

#[tokio::test]
async fn embeddings_are_evidence_and_each_text_is_sent_once() {
    let embeddings = Embeddings::start().await;
    let app = app_with(&embeddings).await;
    let tenant = app.tenant("acme").await;
    let desk = Desk::open(&app, &tenant).await;
    desk.receive(&["Coffee Corner 12", "MUNICIPAL WATER BOARD"])
        .await;
    desk.file("Coffee", 0).await;
    desk.file("WATER", 1).await;
    app.run_background_work().await;
    desk.receive(&["ESPRESSO HOUSE", "ESPRESSO HOUSE", "  espresso house"])
        .await;

    let similar = desk.similar("ESPRESSO HOUSE").await;
    assert_eq!(
        texts(&similar),
        ["Coffee Corner 12"],
        "no letter in common, and the same meaning"
    );
    assert_eq!(similar[0]["model"], MODEL);

    let waiting = "{ approvals(filter: { status: [PENDING] }, first: 10) { edges { node {
        source confidence proposedCategory { id } decision { considered rationale } } } } }";
    let waiting = desk.who.run(waiting, json!({})).await.ok();
    let proposal = waiting.path("approvals.edges[0].node");
    assert_eq!(proposal["source"], "SIMILAR");
    assert_eq!(proposal.text("proposedCategory.id"), desk.leaves[0]);
    assert!(
        proposal["confidence"].as_f64().unwrap() <= 0.65,
        "never sure of itself"
    );
    let considered = proposal.list("decision.considered");
    let heard = considered
        .iter()
        .find(|view| view["verdict"] == "DECIDED")
        .unwrap();
    assert_eq!(heard.text("evidence.model"), MODEL);
    let voter = heard.path("evidence.votes.neighbours[0]");
    assert_eq!(voter["text"], "coffee corner 12");
    assert_eq!(
        voter["categories"],
        json!([{ "category": desk.leaves[0], "count": 1 }])
    );

    // what left is the folded text, once
    let mut sent = embeddings.texts();
    sent.sort();
    assert_eq!(
        sent,
        [
            "coffee corner 12",
            "espresso house",
            "municipal water board"
        ]
    );
    app.finish().await;
}

#[tokio::test]
async fn texts_leave_only_for_tenants_that_allow_it_and_their_vectors_go_when_they_stop() {
    let embeddings = Embeddings::start().await;
    let app = app_with(&embeddings).await;
    let (ours, theirs) = (app.tenant("acme").await, app.tenant("globex").await);
    let us = Desk::open_closed(&app, &ours).await;
    us.receive(&["Coffee Corner 12"]).await;
    us.file("Coffee", 0).await;
    app.run_background_work().await;
    us.receive(&["ESPRESSO HOUSE"]).await;
    assert!(us.similar("ESPRESSO HOUSE").await.is_empty());
    neighbours::begin_at_start(&us.ctx(&ours)).await.unwrap();
    app.run_background_work().await;
    assert_eq!(embeddings.texts(), [""; 0], "nothing has left");
    let closed = json!({ "configured": true, "enabled": false, "model": MODEL, "host": "127.0.0.1", "progress": null });
    assert_eq!(us.standing().await, closed);
    let reviewer = ours.reviewer().await;
    let document =
        "mutation { updateLanguageModel(input: { embeddings: true }) { errors { message } } }";
    let refused = reviewer.run(document, json!({})).await;
    assert_eq!(refused.error_code(), "FORBIDDEN");

    // everything that is approved is sent, and what waits when it is decided
    us.allow(true).await;
    app.run_background_work().await;
    assert_eq!(embeddings.texts(), ["coffee corner 12"]);
    assert_eq!(
        us.standing().await["progress"],
        json!({ "total": 1, "done": 1 })
    );
    us.receive(&["ESPRESSO BAR"]).await;
    assert_eq!(us.similar("ESPRESSO BAR").await[0]["model"], MODEL);
    let them = Desk::open(&app, &theirs).await;
    them.receive(&["Coffee Corner 12", "LATTE"]).await;
    them.file("Coffee", 0).await;
    app.run_background_work().await;

    us.allow(false).await;
    let sent = embeddings.texts().len();
    // at once, whatever is still stored
    assert!(us.similar("ESPRESSO BAR").await.is_empty());
    app.advance(TimeDelta::seconds(1));
    us.allow(true).await;
    app.advance(TimeDelta::seconds(1));
    us.allow(false).await;
    us.receive(&["MOCHA"]).await;
    app.run_background_work().await;
    assert_eq!(embeddings.texts().len(), sent);
    assert_eq!(us.standing().await, closed);
    let kept = async |desk: &Desk<'_>, tenant: &Tenant| {
        let ctx = desk.ctx(tenant);
        let read = ctx.read().await.unwrap();
        let made = text_vector::Column::Model.eq(MODEL);
        let made = read.select::<text_vector::Entity>().filter(made);
        made.count(read.on()).await.unwrap()
    };
    assert_eq!(kept(&us, &ours).await, 0);
    assert!(kept(&them, &theirs).await > 0);
    assert_eq!(them.similar("LATTE").await[0]["model"], MODEL);
    app.finish().await;
}

#[tokio::test]
async fn a_service_that_fails_delays_nothing_and_its_vectors_come_later() {
    let embeddings = Embeddings::start().await;
    let app = app_with(&embeddings).await;
    let tenant = app.tenant("acme").await;
    let desk = Desk::open(&app, &tenant).await;
    desk.receive(&["COFFEE CORNER UTRECHT"]).await;
    desk.file("COFFEE", 0).await;
    app.run_background_work().await;
    // words without letters in common, each filed elsewhere, so that no tier in the process is sure
    let faults = [
        ("ESPRESSO", Mood::Status(401), 1),
        ("LATTE", Mood::Status(429), 3),
        ("MOCHA", Mood::Status(500), 3),
        ("BREW", Mood::Slow, 1),
        ("ROAST", Mood::OtherDimension, 1),
        ("BEANS", Mood::TooFew, 1),
        ("DRINK", Mood::NotNumbers, 1),
        ("KAFFEE", Mood::Garbage, 1),
    ];
    for (leaf, (text, fault, tries)) in faults.into_iter().enumerate() {
        embeddings.be(fault);
        desk.hand_in(&[text.to_owned()]).await;
        let started = std::time::Instant::now();
        app.run_background_work().await;
        assert!(
            started.elapsed() < std::time::Duration::from_secs(10),
            "{fault:?}"
        );
        assert_eq!(embeddings.requests(), tries, "{fault:?}");
        // decided without, and compared by letters meanwhile
        let similar = desk.similar(text).await;
        assert!(
            similar.iter().all(|one| one["model"] == "hashed-512-v1"),
            "{fault:?}"
        );
        desk.file(text, leaf + 1).await;
        app.run_background_work().await;

        embeddings.be(Mood::Good);
        app.advance(TimeDelta::minutes(10));
        app.run_background_work().await;
        let similar = desk.similar(text).await;
        assert_eq!(similar[0]["model"], MODEL, "{fault:?}: {similar:#?}");
    }
    // an outage of hours costs nothing but time, and after three failures in a row nobody asks for a minute
    embeddings.be(Mood::Status(500));
    for number in 0..4 {
        let text = ["TAXI", "TRAIN", "FERRY", "METRO"][number];
        desk.receive(&[text]).await;
    }
    assert_eq!(embeddings.requests(), 9);
    assert_eq!(desk.file("", 2).await, 4);
    for _ in 0..3 {
        app.run_background_work().await;
        app.advance(TimeDelta::hours(1));
    }
    embeddings.be(Mood::Good);
    app.run_background_work().await;
    assert_eq!(desk.similar("TRAIN").await[0]["model"], MODEL);
    app.finish().await;
}

#[tokio::test]
async fn rebuilding_goes_on_where_it_was_interrupted() {
    let embeddings = Embeddings::start().await;
    let app = app_with(&embeddings).await;
    let tenant = app.tenant("acme").await;
    let desk = Desk::open(&app, &tenant).await;
    // the service is away while 300 texts are approved
    embeddings.be(Mood::Status(401));
    let texts: Vec<String> = (0..300).map(|n| format!("COFFEE CORNER {n}")).collect();
    desk.hand_in(&texts).await;
    app.run_background_work().await;
    assert_eq!(desk.file("COFFEE", 0).await, 300);
    for _ in 0..14 {
        app.run_background_work().await;
        app.advance(TimeDelta::hours(6));
    }
    let ctx = desk.ctx(&tenant);
    let space = Space {
        model: MODEL.to_owned(),
        dimension: 8,
    };
    let far = async || {
        ctx.refresh().await;
        let progress = neighbours::progress(&ctx).await.unwrap();
        let of = progress.into_iter().find(|one| one.space == space).unwrap();
        (of.done, of.total, of.finished_at.is_some())
    };
    assert_eq!(far().await, (0, 0, false));

    // a portion, and then it goes away again
    embeddings.be(Mood::After(1, 401));
    neighbours::rebuild(&ctx, &space, |_| ()).await.unwrap_err();
    assert_eq!(far().await, (250, 300, false));
    assert_eq!(embeddings.texts().len(), 250);

    embeddings.be(Mood::Good);
    let ended = Process::start(&app, &["vectors", "rebuild", "--tenant", "acme"])
        .end()
        .await;
    assert!(ended.success());
    assert_eq!(far().await, (300, 300, true));
    assert_eq!(embeddings.texts().len(), 300, "no text is sent twice");
    let similar = desk.similar("COFFEE CORNER 7").await;
    assert_eq!((similar.len(), &similar[0]["model"]), (10, &json!(MODEL)));
    // nothing is asked for at the next start but what was never made
    let wanted = neighbours::begin_at_start(&ctx).await.unwrap();
    assert_eq!(wanted, 0);
    app.finish().await;
}
