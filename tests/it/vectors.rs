//! What a record resembles: found on both databases, told apart by tenant, and kept whatever the embedding service does.

use balance::processing::neighbours;
use balance::vectors::Space;
use balance::{ctx::Ctx, db};
use chrono::TimeDelta;
use entity::text_vector;
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use crate::support::{
    Client, Embeddings, MODEL, Mood, Path, Process, Setup, Tenant, TestApp, World,
};

const SIMILAR: &str = "query($text: String!, $first: Int! = 10) {
    records(filter: { text: $text }, first: 15) { edges { node { description similarRecords(first: $first) {
        score model record { id description status } filedUnder { count category { id } }
    } } } } }";

/// An app with an embedding service, whose people stay signed in for as long as an outage lasts.
async fn app_with(embeddings: &Embeddings) -> TestApp {
    TestApp::start_with(Setup {
        embeddings: Some(embeddings),
        adjust: |config| config.access_token_minutes = 60 * 24 * 30,
        ..Setup::default()
    })
    .await
}

/// Somebody at work in a tenant.
struct Desk<'a> {
    app: &'a TestApp,
    who: Client,
    account: String,
    leaves: Vec<String>,
}

impl<'a> Desk<'a> {
    /// In a tenant that lets its texts be sent to an embedding service, where there is one.
    async fn open(app: &'a TestApp, tenant: &Tenant) -> Self {
        let desk = Self::open_closed(app, tenant).await;
        desk.allow(true).await;
        desk
    }

    /// In a tenant that never said so.
    async fn open_closed(app: &'a TestApp, tenant: &Tenant) -> Self {
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

    async fn allow(&self, embeddings: bool) {
        let document = "mutation($on: Boolean!) { updateLanguageModel(input: { embeddings: $on }) {
            languageModel { embeddings { enabled } } errors { message } } }";
        let done = self.who.run(document, json!({ "on": embeddings })).await;
        let now =
            done.ok()["updateLanguageModel"]["languageModel"]["embeddings"]["enabled"].clone();
        assert_eq!(now, embeddings);
    }

    /// How the embedding service stands for the tenant.
    async fn standing(&self) -> Value {
        let asked = "{ languageModel { embeddings { configured enabled model host progress { total done } } } }";
        let told = self.who.run(asked, json!({})).await.ok();
        told["languageModel"]["embeddings"].clone()
    }

    /// Hands in a record for each text; they are not looked at yet.
    async fn hand_in(&self, texts: &[String]) {
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

    async fn receive(&self, texts: &[&str]) {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        self.hand_in(&texts).await;
        self.app.run_background_work().await;
    }

    /// Files what waits and whose text holds `word` under a category.
    async fn file(&self, word: &str, leaf: usize) -> usize {
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
    async fn similar(&self, description: &str) -> Vec<Value> {
        let all = self.who.run(SIMILAR, json!({ "text": description })).await;
        let all = all.ok();
        let edges = all.list("records.edges").iter();
        let mut found = edges.filter(|edge| edge["node"]["description"] == description);
        let found = found.next().expect("the record is there");
        found.list("node.similarRecords").clone()
    }

    fn ctx(&self, tenant: &Tenant) -> Ctx {
        Ctx::system(self.app.app().handles.clone(), tenant.local_id())
    }
}

fn texts(similar: &[Value]) -> Vec<String> {
    let texts = similar.iter().map(|one| one.text("record.description"));
    texts.collect()
}

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
    // two about the approval, its vector and what it says about rules, and one about everything
    assert_eq!(app.run_background_work().await, 3);
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
