//! Neighbours of a text among those of its tenant, in a table that other tenants share: how many of the true ten are
//! found, and what it takes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use balance::app::App;
use balance::ctx::Ctx;
use balance::processing::neighbours::{Asked, nearest};
use balance::processing::ngram;
use balance::text;
use balance::vectors::{Index, Space};
use sea_orm::entity::prelude::PgVector;
use sea_orm::{ConnectionTrait, Statement, Value};
use uuid::Uuid;

use crate::books::{self, Books};
use crate::place::{Place, World, number};
use crate::sample::percentile;

/// Texts of each tenant, of `BENCH_TEXTS` in the largest.
const SHARES: [f64; 5] = [0.01, 0.05, 0.2, 0.5, 1.0];
/// Neighbours wanted.
const K: usize = 10;

/// Measures one database.
pub async fn measure(world: World) {
    let (texts, queries) = (number("BENCH_TEXTS", 40_000), number("BENCH_QUERIES", 400));
    let place = Place::make(world).await;
    let app = place.app().await;
    println!(
        "\n## vectors, {}: searched by {}, {K} neighbours, {queries} texts asked about",
        world.name(),
        app.handles.db.vector_mode()
    );
    let mut tenants = Vec::new();
    let begun = Instant::now();
    for (at, share) in SHARES.into_iter().enumerate() {
        let books = Books::open(&app, &format!("tenant{at}")).await;
        let rows = rows(at, (texts as f64 * share) as usize);
        store(&app, &books.ctx, &rows).await;
        tenants.push((books, rows));
    }
    place.analyze().await;
    println!("stored in {:.1} s", begun.elapsed().as_secs_f64());
    println!(
        "\n| texts of the tenant | recall@{K} | worst query | one at a time, us p50 | p95 | in batches of 50, us each |"
    );
    println!("|---|---|---|---|---|---|");
    for (at, (books, rows)) in tenants.iter().enumerate() {
        line(&books.ctx, rows, &asked(at, queries)).await;
    }
    app.close().await;
    place.clear().await;
}

type Row = (Uuid, Vec<f32>);

/// Distinct texts of a tenant.
fn rows(tenant: usize, count: usize) -> Vec<Row> {
    let mut rows = HashMap::new();
    let mut n = 0;
    while rows.len() < count {
        let said = books::unseen(n * 7 + tenant, n / 3_000);
        rows.insert(text::key(&said), ngram::dense(&said));
        n += 1;
    }
    rows.into_iter().collect()
}

/// Texts like those and none of them.
fn asked(tenant: usize, count: usize) -> Vec<Row> {
    let said = (0..count).map(|n| books::known(n * 31 + tenant, 90 + tenant));
    said.map(|said| (text::key(&said), ngram::dense(&said)))
        .collect()
}

async fn line(ctx: &Ctx, rows: &[Row], asked: &[Row]) {
    let space = Space::hashed();
    let mut everything = Index::new(space.dimension);
    for (key, vector) in rows {
        everything.put(*key, vector);
    }
    let found = |asked: Vec<Row>| nearest(ctx, &space, Asked::Given(asked), K);
    // plans and caches are warm, as in a server that runs
    found(asked.to_vec()).await.expect("the database is there");
    let (mut recalls, mut took) = (Vec::new(), Vec::new());
    for query in asked {
        let started = Instant::now();
        let found = found(vec![query.clone()]).await;
        took.push(started.elapsed().as_secs_f64() * 1e6);
        let found = found.expect("the database is there");
        let truth = everything.nearest(&query.1, K);
        // a text as close as the tenth is as good an answer as the tenth
        let enough = truth.last().map_or(0.0, |last| last.1) - 1e-5;
        let hits = found.get(&query.0).map_or(0, |near| {
            near.iter().filter(|near| near.score >= enough).count()
        });
        recalls.push(hits as f64 / truth.len().max(1) as f64);
    }
    let started = Instant::now();
    for batch in asked.chunks(50) {
        found(batch.to_vec()).await.expect("the database is there");
    }
    let each = started.elapsed().as_secs_f64() * 1e6 / asked.len() as f64;
    ctx.refresh().await;
    println!(
        "| {} | {:.4} | {:.1} | {:.0} | {:.0} | {each:.0} |",
        rows.len(),
        recalls.iter().sum::<f64>() / recalls.len() as f64,
        percentile(&recalls, 0.0),
        percentile(&took, 0.5),
        percentile(&took, 0.95),
    );
}

async fn store(app: &Arc<App>, ctx: &Ctx, rows: &[Row]) {
    let space = Space::hashed();
    let pgvector = app.handles.db.has_pgvector();
    let column = if pgvector { "embedding" } else { "bytes" };
    for rows in rows.chunks(500) {
        let tx = app.handles.db.begin(Some(ctx.tenant())).await;
        let tx = tx.expect("a transaction begins");
        let (mut values, mut places) = (Vec::<Value>::new(), Vec::new());
        for (key, vector) in rows {
            let first = values.len();
            let place: Vec<String> = (1..=7).map(|n| format!("${}", first + n)).collect();
            places.push(format!("({})", place.join(", ")));
            let numbers: Value = if pgvector {
                PgVector::from(vector.clone()).into()
            } else {
                let bytes: Vec<u8> = vector.iter().flat_map(|n| n.to_le_bytes()).collect();
                bytes.into()
            };
            values.extend([
                ctx.tenant().into(),
                space.model.as_str().into(),
                512.into(),
                (*key).into(),
                numbers,
                ctx.now().into(),
                ctx.now().into(),
            ]);
        }
        let sql = format!(
            "insert into text_vector (tenant_id, model, dimension, text_key, {column}, approved_at, created_at) values {}",
            places.join(", ")
        );
        let backend = tx.get_database_backend();
        let stored = tx.execute_raw(Statement::from_sql_and_values(backend, sql, values));
        stored.await.expect("the rows are stored");
        tx.commit().await.expect("it commits");
    }
}
