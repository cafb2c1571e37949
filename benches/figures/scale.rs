//! How much memory deciding takes: one tenant with very many records, and very many tenants, on one worker; and how long
//! one decision and one lesson take in a tenant with a past. Run it by its own name: the memory is that of this process.

use std::sync::Arc;
use std::time::Instant;

use balance::app::App;
use balance::approvals::{self, Filter, Override};
use balance::bulk::ErrorPolicy;
use balance::page::Window;
use balance::processing::Engine;
use balance::{queue, worker};
use entity::{approval, decision};
use sea_orm::{QueryOrder, QuerySelect};

use crate::books::{self, Books};
use crate::place::{Place, World, number};
use crate::sample::{peak_kib, percentile};

/// Records that are brought in before the worker is let at them.
const BATCH: usize = 10_000;

/// Measures one database.
pub async fn measure(world: World) {
    let records = number("BENCH_TENANT_RECORDS", 200_000);
    let tenants = number("BENCH_TENANTS", 1_000);
    println!(
        "\n## scale, {}: {records} records of one tenant, then {tenants} tenants of 1,000",
        world.name()
    );
    let place = Place::make(world).await;
    let app = place.app().await;
    println!("begun: {:.0} MiB", peak_kib(std::process::id()) / 1024.0);

    lessons(&app).await;
    let large = Books::open(&app, "large").await;
    let begun = Instant::now();
    fill(&app, &large, records).await;
    told("one large tenant", records, begun, &app);

    let begun = Instant::now();
    for n in 0..tenants {
        let small = Books::open(&app, &format!("small{n}")).await;
        fill(&app, &small, 1_000).await;
    }
    told("many tenants", tenants * 1_000, begun, &app);
    app.close().await;
    place.clear().await;
}

/// Brings records in, decides them, and files the first hundred of each portion.
async fn fill(app: &Arc<App>, books: &Books, records: usize) {
    for from in (0..records).step_by(BATCH) {
        let rows = (from..records.min(from + BATCH)).map(|n| {
            let text = match n % 5 {
                0..4 => books::known(n * 13, n),
                _ => books::unseen(n, n),
            };
            books::row(&text, n)
        });
        books.bring(rows.collect()).await;
        worker::drain(app).await.expect("the records are decided");
        let left = queue::depth(&app.handles.db, Some(books.ctx.tenant())).await;
        assert_eq!(left.ok(), Some(0), "the next portion finds a queue at rest");
        // the jobs that this leaves are part of the next portion
        file(books, 200).await;
    }
}

/// Approves or overrides some of what waits.
async fn file(books: &Books, most: u64) {
    for (at, id) in waiting(books, most).await.chunks(100).enumerate() {
        let choice = Override {
            category: books.expenses[at % books.expenses.len()],
            project: None,
            note: None,
            lines: Vec::new(),
        };
        let filed = approvals::override_many(&books.ctx, id, choice, ErrorPolicy::RejectFailed);
        filed.await.expect("approvals are decided");
    }
    books.ctx.refresh().await;
}

async fn waiting(books: &Books, most: u64) -> Vec<entity::ApprovalId> {
    let pending = Filter {
        status: vec![approval::Status::Pending],
        ..Filter::default()
    };
    let (mut ids, mut from) = (Vec::new(), None);
    while (ids.len() as u64) < most {
        let window = Window {
            size: 100,
            from,
            backwards: false,
        };
        let page = approvals::list(&books.ctx, &pending, false, &window).await;
        let page = page.expect("the queue is readable");
        from = page.rows.last().map(|(cursor, _)| cursor.clone());
        ids.extend(page.rows.iter().map(|(_, row)| row.id));
        if !page.has_next {
            break;
        }
    }
    books.ctx.refresh().await;
    ids
}

/// How long one decision and one lesson take in a tenant with ten thousand records.
async fn lessons(app: &Arc<App>) {
    let books = Books::open(app, "past").await;
    books.remember(app).await;
    let rows = (0..5_000).map(|n| books::row(&books::unseen(n, n), n));
    books.bring(rows.collect()).await;
    worker::drain(app).await.expect("the records are decided");

    let read = books.ctx.read().await.expect("the database answers");
    let latencies: Vec<i64> = read
        .select::<decision::Entity>()
        .select_only()
        .column(decision::Column::LatencyUs)
        .order_by_desc(decision::Column::CreatedAt)
        .limit(5_000)
        .into_tuple()
        .all(read.on())
        .await
        .expect("decisions are readable");
    drop(read);
    books.ctx.refresh().await;
    let decide: Vec<f64> = latencies.iter().map(|us| *us as f64 / 1_000.0).collect();

    let engine = Engine::with_model(None);
    drop(engine.state(&books.ctx).await.expect("the tenant loads"));
    let mut learn = Vec::new();
    for id in waiting(&books, 200).await {
        let choice = Override {
            category: books.expenses[0],
            project: None,
            note: None,
            lines: Vec::new(),
        };
        let filed =
            approvals::override_many(&books.ctx, &[id], choice, ErrorPolicy::RejectFailed).await;
        filed.expect("the approval is decided");
        let begun = Instant::now();
        drop(
            engine
                .state(&books.ctx)
                .await
                .expect("the lesson is learnt"),
        );
        learn.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    println!("\n| of a tenant with 10,000 records | p50 ms | p95 ms |");
    println!("|---|---|---|");
    for (what, times) in [("one decision", decide), ("one lesson", learn)] {
        let (half, most) = (percentile(&times, 0.5), percentile(&times, 0.95));
        println!("| {what} | {half:.3} | {most:.3} |");
    }
}

fn told(what: &str, records: usize, begun: Instant, app: &Arc<App>) {
    let seconds = begun.elapsed().as_secs_f64();
    let (tenants, bytes) = app.engine.kept();
    println!(
        "{what}: {records} records in {seconds:.0} s; at most {:.0} MiB so far, of which {} MiB are what {tenants} tenants have taught",
        peak_kib(std::process::id()) / 1024.0,
        bytes >> 20
    );
}
