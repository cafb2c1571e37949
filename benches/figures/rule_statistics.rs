//! The list of a tenant's rules with what each was worth: from the tally, and counted from the hits as the floor that it
//! took the place of.

use std::sync::Arc;
use std::time::Instant;

use balance::ctx::Ctx;
use balance::rules;
use chrono::{DateTime, TimeDelta, Utc};
use entity::rule_hit::{self, Standing};
use entity::{AccountId, CategoryId, RecordId, RuleId, record};
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use crate::books::Books;
use crate::place::{Place, World, number};
use crate::sample::{median, ms};

/// Rules that each record met.
const MET: usize = 4;
/// Rows of one transaction.
const PORTION: usize = 5_000;

const COUNT: &str = "select h.rule_id, h.shadow, count(*), max(h.hit_at),
    sum(case when r.status = 'APPROVED' and not r.automatic and r.category_id = h.category_id then 1 else 0 end),
    sum(case when r.status = 'APPROVED' and not r.automatic and r.category_id <> h.category_id then 1 else 0 end)
  from rule_hit h join record r on r.tenant_id = h.tenant_id and r.id = h.record_id
  where h.tenant_id = $1 and r.status <> 'VOIDED' group by h.rule_id, h.shadow";

/// Measures one database.
pub async fn measure(world: World) {
    let (hits, count) = (
        number("BENCH_HITS", 200_000),
        number("BENCH_RULES", 1_000).max(MET),
    );
    let rounds = number("BENCH_ROUNDS", 3).max(1);
    let place = Place::make(world).await;
    let app = place.app().await;
    let books = Books::open(&app, "rules").await;
    let ids: Vec<RuleId> = (0..count).map(|_| app.handles.clock.id()).collect();
    for from in (0..hits / MET).step_by(PORTION) {
        store(&books, &ids, from..(hits / MET).min(from + PORTION)).await;
    }
    place.analyze().await;
    println!(
        "\n## rule_statistics, {}: {count} rules, {hits} hits, median of {rounds} rounds\n",
        world.name()
    );
    let started = Instant::now();
    let ctx = Ctx::system(Arc::clone(&app.handles), books.ctx.tenant());
    let records = rules::recount(&ctx).await.expect("the hits are counted");
    println!(
        "counting {records} records from scratch: {:.0} ms",
        ms(started.elapsed())
    );
    place.analyze().await;

    let (mut tallied, mut by_month, mut counted) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=rounds {
        let (listed, listing) = timed(async || {
            let found = rules::statistics(&ctx, &ids).await;
            let found = found.expect("the tally is readable");
            found.values().map(|of| of.live.hits + of.shadow.hits).sum()
        })
        .await;
        let (_, months) = timed(async || {
            let found = rules::months(&ctx, &ids).await;
            found.expect("the tally is readable").len() as i64
        })
        .await;
        let (floor, counting) = timed(async || plain(&ctx).await).await;
        assert_eq!(listed, floor, "both count the same");
        // the first warms plans and caches, as in a server that runs
        if round > 0 {
            tallied.push(listing);
            by_month.push(months);
            counted.push(counting);
        }
    }
    println!("\n| of all rules, ms | by month | counted from the hits |\n|---|---|---|");
    println!(
        "| {:.1} | {:.1} | {:.1} |",
        median(&tallied),
        median(&by_month),
        median(&counted)
    );
    ctx.refresh().await;
    books.ctx.refresh().await;
    app.close().await;
    place.clear().await;
}

async fn timed(work: impl AsyncFn() -> i64) -> (i64, f64) {
    let started = Instant::now();
    let answer = work().await;
    (answer, ms(started.elapsed()))
}

async fn plain(ctx: &Ctx) -> i64 {
    let read = ctx.read().await.expect("the database answers");
    let on = read.on();
    let tenant = [ctx.tenant().into()];
    let statement = Statement::from_sql_and_values(on.get_database_backend(), COUNT, tenant);
    let rows = on.query_all_raw(statement).await;
    let rows = rows.expect("the hits are readable");
    let counts = rows.iter().map(|row| row.try_get_by_index::<i64>(2));
    counts.map(|count| count.expect("it is a count")).sum()
}

/// Stores records that met rules, over two years; half of them are filed by a person, a tenth of those elsewhere.
async fn store(books: &Books, rules: &[RuleId], numbers: std::ops::Range<usize>) {
    let ctx = &books.ctx;
    let (mut records, mut hits) = (Vec::new(), Vec::new());
    for n in numbers {
        let id: RecordId = ctx.id();
        let at = ctx.now() - TimeDelta::days((n % 730) as i64);
        let category = books.expenses[n % books.expenses.len()];
        let other = books.expenses[(n + 1) % books.expenses.len()];
        let filed = match n % 20 {
            0 => Some(other),
            1..10 => Some(category),
            _ => None,
        };
        records.push(a_record(ctx, id, n, at, filed));
        for met in 0..MET {
            hits.push(rule_hit::Model {
                tenant_id: ctx.tenant(),
                record_id: id,
                rule_id: rules[(n * MET + met) % rules.len()],
                shadow: met == 3,
                category_id: Some(category),
                hit_at: at,
                standing: Standing::Uncounted,
            });
        }
    }
    let tx = ctx.begin().await.expect("a transaction begins");
    tx.insert_all(records).await.expect("records are stored");
    tx.insert_all(hits).await.expect("hits are stored");
    tx.commit().await.expect("it commits");
}

fn a_record(
    ctx: &Ctx,
    id: RecordId,
    n: usize,
    at: DateTime<Utc>,
    filed: Option<CategoryId>,
) -> record::Model {
    record::Model {
        tenant_id: ctx.tenant(),
        id,
        source_id: Uuid::nil(),
        external_id: n.to_string(),
        account_id: None::<AccountId>,
        connection_id: None,
        import_id: None,
        occurred_on: at.date_naive(),
        amount: -1_250_000,
        currency: "EUR".to_owned(),
        description: format!("Payee {n}"),
        merchant_key: format!("payee {n}"),
        text_key: None,
        raw: String::new(),
        status: match filed {
            Some(_) => record::Status::Approved,
            None => record::Status::Processed,
        },
        category_id: filed,
        project: None,
        note: None,
        tags: None,
        decision_id: None,
        error: None,
        metadata: None,
        created_by: None,
        created_at: at,
        updated_at: at,
        automatic: false,
        deleted_at: None,
    }
}
