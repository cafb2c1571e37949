//! The approved texts closest to some, a batch at a time.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};
use uuid::Uuid;

use super::{held, table};
use crate::ctx::{Ctx, Read};
use crate::error::{Error, Result};
use crate::vectors::Space;

/// Up to so many texts PostgreSQL compares all of a tenant, which is exact and as fast as an index.
const EXACT: i64 = 5_000;
/// Candidates the index offers for each neighbour wanted: it compares half-precision numbers, and the best of them are
/// put in order by the full ones.
const CANDIDATES: usize = 4;
/// Candidates the index keeps in view while it searches: with 100 it found 98 % of the ten closest among 12,000.
const WIDE: usize = 200;
/// Vectors times numbers compared in this process within about 2 ms; more is done off the async threads.
const SMALL: usize = 4_000_000;

/// What neighbours are wanted of.
#[derive(Clone, Debug)]
pub enum Asked {
    /// Texts with their vectors.
    Given(Vec<(Uuid, Vec<f32>)>),
    /// Texts whose vectors are stored; those without one have no neighbours.
    Stored(Vec<Uuid>),
}

/// A text that is close.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// Which text.
    pub key: Uuid,
    /// Cosine likeness: 1 is the same.
    pub score: f32,
}

/// The `k` closest approved texts of the tenant to each text asked about, best first, equal ones by key. The number of
/// statements does not depend on how many are asked about.
pub async fn nearest(
    ctx: &Ctx,
    space: &Space,
    asked: Asked,
    k: usize,
) -> Result<HashMap<Uuid, Vec<Near>>> {
    let none = match &asked {
        Asked::Given(texts) => texts.is_empty(),
        Asked::Stored(keys) => keys.is_empty(),
    };
    if none || k == 0 {
        return Ok(HashMap::new());
    }
    if ctx.handles().db.has_pgvector() {
        in_database(ctx, space, asked, k).await
    } else {
        in_process(ctx, space, asked, k).await
    }
}

async fn in_process(
    ctx: &Ctx,
    space: &Space,
    asked: Asked,
    k: usize,
) -> Result<HashMap<Uuid, Vec<Near>>> {
    let asked = match asked {
        Asked::Given(texts) => texts,
        Asked::Stored(keys) => {
            let read = ctx.read().await?;
            let found = table::vectors(&read, space, &keys).await?;
            found.into_iter().collect()
        }
    };
    let held = held::index(ctx, space).await?;
    let work = held.index.len() * space.dimension * asked.len();
    let search = move || -> HashMap<Uuid, Vec<Near>> {
        let near = |(key, score): (Uuid, f32)| Near {
            key,
            score: score.min(1.0),
        };
        asked
            .into_iter()
            .map(|(key, vector)| {
                let found = held.index.nearest(&vector, k);
                (key, found.into_iter().map(near).collect())
            })
            .collect()
    };
    if work <= SMALL {
        return Ok(search());
    }
    tokio::task::spawn_blocking(search)
        .await
        .map_err(Error::internal)
}

async fn in_database(
    ctx: &Ctx,
    space: &Space,
    asked: Asked,
    k: usize,
) -> Result<HashMap<Uuid, Vec<Near>>> {
    let read = ctx.read().await?;
    let exact = texts(&read, space).await? <= EXACT;
    if !exact {
        keep_searching(&read, k).await?;
    }
    let mut values: Vec<Value> = vec![
        read.tenant().into(),
        space.model.as_str().into(),
        i64::try_from(k).map_err(Error::internal)?.into(),
    ];
    let mut place = |value: Value| {
        values.push(value);
        format!("${}", values.len())
    };
    let dimension = space.dimension;
    let asked = match asked {
        Asked::Given(texts) => {
            let rows: Vec<String> = texts
                .into_iter()
                .map(|(key, vector)| {
                    let vector = sea_orm::entity::prelude::PgVector::from(vector);
                    format!(
                        "({}::uuid, {}::vector)",
                        place(key.into()),
                        place(vector.into())
                    )
                })
                .collect();
            format!(
                "(values {}) as asked (text_key, embedding)",
                rows.join(", ")
            )
        }
        Asked::Stored(keys) => {
            let keys: Vec<String> = keys.into_iter().map(|key| place(key.into())).collect();
            format!(
                "(select text_key, embedding from text_vector where tenant_id = $1 and model = $2 and dimension = {dimension} \
                 and embedding is not null and text_key in ({})) as asked",
                keys.join(", ")
            )
        }
    };
    let own = format!(
        "tenant_id = $1 and model = $2 and dimension = {dimension} and approved_at is not null"
    );
    let closest = if exact {
        // the sum is no expression of an index: everything is compared
        format!(
            "select text_key, embedding <=> asked.embedding as distance from text_vector where {own} \
             and embedding is not null order by (embedding <=> asked.embedding) + 0, text_key limit $3"
        )
    } else {
        let half = format!("halfvec({dimension})");
        format!(
            "select text_key, embedding <=> asked.embedding as distance from \
             (select text_key, embedding from text_vector where {own} \
              order by embedding::{half} <=> asked.embedding::{half} limit $3 * {CANDIDATES}) candidate \
             order by 2, 1 limit $3"
        )
    };
    let sql = format!(
        "select asked.text_key as asked, near.text_key as near, (1 - near.distance)::real as score \
         from {asked} cross join lateral ({closest}) near where near.distance < 1 order by 1, 3 desc, 2"
    );
    let backend = read.on().get_database_backend();
    let statement = Statement::from_sql_and_values(backend, sql, values);
    let rows = read.on().query_all_raw(statement).await?;
    let mut found: HashMap<Uuid, Vec<Near>> = HashMap::new();
    for row in rows {
        let (asked, near) = near(&row)?;
        found.entry(asked).or_default().push(near);
    }
    Ok(found)
}

fn near(row: &QueryResult) -> Result<(Uuid, Near)> {
    let near = Near {
        key: row.try_get("", "near")?,
        score: row.try_get("", "score")?,
    };
    Ok((row.try_get("", "asked")?, near))
}

/// How many approved texts the tenant has, counted up to one more than what is compared exactly.
async fn texts(read: &Read, space: &Space) -> Result<i64> {
    let sql = format!(
        "select count(*) as texts from (select 1 from text_vector where tenant_id = $1 and model = $2 and dimension = {} \
         and approved_at is not null limit {}) own",
        space.dimension,
        EXACT + 1
    );
    let values = [read.tenant().into(), space.model.as_str().into()];
    let backend = read.on().get_database_backend();
    let statement = Statement::from_sql_and_values(backend, sql, values);
    let row = read.on().query_one_raw(statement).await?;
    let row = row.ok_or_else(|| Error::internal("a count has no row"))?;
    Ok(row.try_get("", "texts")?)
}

/// Tells the index to go on until enough of this tenant's are found, for the rest of this transaction.
async fn keep_searching(read: &Read, k: usize) -> Result<()> {
    let wide = (k * CANDIDATES).clamp(WIDE, 1_000).to_string();
    let sql = "select set_config('hnsw.iterative_scan', 'strict_order', true), \
               set_config('hnsw.ef_search', $1, true), set_config('hnsw.max_scan_tuples', '200000', true), \
               set_config('hnsw.scan_mem_multiplier', '4', true)";
    let backend = read.on().get_database_backend();
    let statement = Statement::from_sql_and_values(backend, sql, [wide.into()]);
    read.on().execute_raw(statement).await?;
    Ok(())
}
