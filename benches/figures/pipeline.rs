//! From an imported file to decided records, against writing the same rows and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use balance::app::App;
use balance::ctx::Ctx;
use balance::imports::{self, Input};
use balance::{files, queue, worker};
use entity::{ImportId, TenantId, Tenanted, approval, decision, event, job, record};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

use crate::books::{self, Books};
use crate::place::{Place, World, number};
use crate::sample::{disk, median};

/// Measures one database.
pub async fn measure(world: World) {
    let (records, rounds) = (number("BENCH_RECORDS", 10_000), number("BENCH_ROUNDS", 3));
    let place = Place::make(world).await;
    println!(
        "\n## pipeline, {}: {records} records from a CSV file to PROCESSED, {rounds} rounds",
        world.name()
    );
    println!("disk: {}", disk(place.folder()));

    let app = place.app().await;
    let past = Books::open(&app, "past").await;
    let begun = Instant::now();
    past.remember(&app).await;
    println!(
        "past: {} rules and {} approved payees, made in {:.1} s",
        books::RULES,
        books::APPROVED,
        begun.elapsed().as_secs_f64()
    );
    let bare = Books::open(&app, "floor").await;
    let work = tokio::spawn(worker::work(Arc::clone(&app)));

    println!("\n| tenant | import s | records/s | floor records/s | of the floor | decided by |");
    println!("|---|---|---|---|---|---|");
    let (mut rates, mut floors) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        let run = run(&app, &past, round, records).await;
        let floor = floor(&run, &app, &bare).await;
        line("with a past", &run, floor);
        rates.push(run.rate);
        floors.push(floor);
    }
    for round in 1..=rounds {
        let empty = Books::open(&app, &format!("empty{round}")).await;
        let run = run(&app, &empty, round, records).await;
        let floor = floor(&run, &app, &bare).await;
        line("empty", &run, floor);
    }
    println!(
        "\nmedian with a past: {:.0} records/s, {:.2} of the floor",
        median(&rates),
        median(&rates) / median(&floors)
    );
    app.stopping.cancel();
    drop(work.await);
    app.close().await;
    place.clear().await;
}

fn line(tenant: &str, run: &Run, floor: f64) {
    let mix: Vec<String> = run
        .mix
        .iter()
        .map(|(who, n)| format!("{who} {n}"))
        .collect();
    println!(
        "| {tenant} | {:.2} | {:.0} | {floor:.0} | {:.2} | {} |",
        run.stored.as_secs_f64(),
        run.rate,
        run.rate / floor,
        mix.join(", ")
    );
}

/// What a round took and brought.
struct Run {
    /// Until the last row was stored.
    stored: Duration,
    /// Records a second, until the last was decided.
    rate: f64,
    mix: BTreeMap<String, usize>,
    records: Vec<record::Model>,
    decisions: Vec<decision::Model>,
    approvals: Vec<approval::Model>,
}

/// Imports a file of which 40 % are named by rules, 40 % known payees and 20 % new ones.
async fn run(app: &Arc<App>, books: &Books, round: usize, records: usize) -> Run {
    let mut csv = String::from("Date,Description,Amount\n");
    for n in 0..records {
        let description = match n % 5 {
            0 | 1 => books::ruled(n, round),
            2 | 3 => books::known(n * 13, round),
            _ => books::unseen(n, round),
        };
        let (day, amount) = (books::day(n), books::amount(n));
        csv.push_str(&format!("{day},{description},{amount}\n"));
    }
    let ctx = &books.ctx;
    let started = Instant::now();
    let file = files::store_bytes(ctx, "statement.csv", csv.as_bytes()).await;
    let input = Input {
        file: file.expect("the file is stored").id,
        account: Some(books.account),
        mapping: None,
        save_mapping: false,
        skip_bad: false,
        default_currency: "EUR".parse().ok(),
    };
    let import = imports::import_statement(ctx, input).await;
    let import = import.expect("the import is queued").id;
    let mut stored = None;
    loop {
        if stored.is_none() {
            let now = imports::load(ctx, import).await.expect("it is there");
            stored = now.finished_at.map(|_| started.elapsed());
            // nothing that is being measured waits for this reader
            ctx.refresh().await;
        }
        let left = queue::depth(&app.handles.db, Some(ctx.tenant())).await;
        if left.expect("the queue can be counted") == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let took = started.elapsed();
    let (brought, decisions, approvals) = brought(ctx, import).await;
    assert_eq!(brought.len(), records, "every row became a record");
    assert_eq!(decisions.len(), records, "every record was decided");
    let mut mix = BTreeMap::new();
    for decision in &decisions {
        *mix.entry(format!("{:?}", decision.source)).or_default() += 1;
    }
    Run {
        stored: stored.unwrap_or(took),
        rate: records as f64 / took.as_secs_f64(),
        mix,
        records: brought,
        decisions,
        approvals,
    }
}

async fn brought(
    ctx: &Ctx,
    import: ImportId,
) -> (
    Vec<record::Model>,
    Vec<decision::Model>,
    Vec<approval::Model>,
) {
    let read = ctx.snapshot().await.expect("the database is there");
    let records = read
        .select::<record::Entity>()
        .filter(record::Column::ImportId.eq(import))
        .order_by_asc(record::Column::Id)
        .all(read.on());
    let records = records.await.expect("records are readable");
    let (mut decisions, mut approvals) = (Vec::new(), Vec::new());
    for part in records.chunks(1_000) {
        let ids = || part.iter().map(|record| record.id);
        let found = read.select::<decision::Entity>();
        let found = found
            .filter(decision::Column::RecordId.is_in(ids()))
            .all(read.on());
        decisions.extend(found.await.expect("decisions are readable"));
        let found = read.select::<approval::Entity>();
        let found = found
            .filter(approval::Column::RecordId.is_in(ids()))
            .all(read.on());
        approvals.extend(found.await.expect("approvals are readable"));
    }
    (records, decisions, approvals)
}

/// The same rows again, of another tenant, with multi-row inserts and as many transactions: records with an event and
/// a job each by the thousand, then decisions with an approval and an event each by two hundred. Nothing is read,
/// decided, hashed or updated.
async fn floor(run: &Run, app: &Arc<App>, bare: &Books) -> f64 {
    let tenant = bare.ctx.tenant();
    let read = bare.ctx.snapshot().await.expect("the database is there");
    let last = read
        .select::<event::Entity>()
        .order_by_desc(event::Column::Sequence);
    let mut last = last
        .one(read.on())
        .await
        .expect("the log is readable")
        .expect("it has events");
    drop(read);
    let mut events = |about: uuid::Uuid, kind: &str| {
        last.sequence += 1;
        last.id = app.handles.clock.id();
        last.kind = kind.to_owned();
        last.subject_id = about;
        last.payload = "x".repeat(if kind == "INGESTED" { 220 } else { 260 });
        last.clone()
    };
    let mut records = run.records.clone();
    for record in &mut records {
        record.tenant_id = tenant;
        record.id = app.handles.clock.id();
        record.external_id = record.id.to_string();
        record.account_id = Some(bare.account);
        record.category_id = record.category_id.and(Some(bare.expenses[0]));
        record.import_id = None;
    }
    let ingested: Vec<_> = records.iter().map(|r| events(r.id.0, "INGESTED")).collect();
    let jobs: Vec<job::Model> = records.iter().map(|r| a_job(app, tenant, r)).collect();
    let (mut decisions, mut approvals) = (run.decisions.clone(), run.approvals.clone());
    for ((decision, approval), record) in decisions.iter_mut().zip(&mut approvals).zip(&records) {
        (decision.tenant_id, decision.id) = (tenant, app.handles.clock.id());
        decision.record_id = record.id;
        (approval.tenant_id, approval.id) = (tenant, app.handles.clock.id());
        approval.record_id = record.id;
        approval.decision_id = decision.id;
    }
    let processed: Vec<_> = records
        .iter()
        .map(|r| events(r.id.0, "PROCESSED"))
        .collect();

    let count = records.len();
    let started = Instant::now();
    let rows = records
        .chunks(1_000)
        .zip(ingested.chunks(1_000))
        .zip(jobs.chunks(1_000));
    for ((records, events), jobs) in rows {
        let tx = app
            .handles
            .db
            .begin(Some(tenant))
            .await
            .expect("a transaction begins");
        insert(&tx, records).await;
        insert(&tx, jobs).await;
        insert(&tx, events).await;
        tx.commit().await.expect("it commits");
    }
    let rows = decisions
        .chunks(200)
        .zip(approvals.chunks(200))
        .zip(processed.chunks(200));
    for ((decisions, approvals), events) in rows {
        let tx = app
            .handles
            .db
            .begin(Some(tenant))
            .await
            .expect("a transaction begins");
        insert(&tx, decisions).await;
        insert(&tx, approvals).await;
        insert(&tx, events).await;
        tx.commit().await.expect("it commits");
    }
    count as f64 / started.elapsed().as_secs_f64()
}

async fn insert<M>(tx: &sea_orm::DatabaseTransaction, rows: &[M])
where
    M: sea_orm::ModelTrait<Entity: Tenanted<Model = M>>
        + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    <M::Entity as EntityTrait>::ActiveModel: Send,
{
    let rows = rows.iter().cloned().map(IntoActiveModel::into_active_model);
    let stored = M::Entity::insert_many(rows)
        .exec_without_returning(tx)
        .await;
    stored.expect("the rows are stored");
}

fn a_job(app: &App, tenant: TenantId, record: &record::Model) -> job::Model {
    let now = app.handles.clock.now();
    job::Model {
        id: app.handles.clock.id(),
        tenant_id: tenant,
        queue: "records:process".to_owned(),
        payload: format!("{{\"job\":\"processRecord\",\"record\":\"{}\"}}", record.id),
        key: None,
        state: job::State::Done,
        attempt: 1,
        max_attempts: 3,
        run_at: now,
        claim: None,
        worker: None,
        lease_until: None,
        last_error: None,
        reason: None,
        started_at: Some(now),
        created_at: now,
        finished_at: Some(now),
    }
}
