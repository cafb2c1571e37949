//! Similarity search inside PostgreSQL, where the extension pgvector is.
//!
//! Not a migration: the extension may come, or be upgraded, at any time after the schema, and each embedding model
//! needs an index for its dimension. `balance migrate` asks for what is missing each time it runs.

use std::sync::atomic::Ordering;

use sea_orm::{ConnectionTrait, Statement};

use super::Db;
use crate::error::Result;

/// The largest vector that an index of half-precision numbers takes.
const MAX_INDEXED: usize = 4_000;

/// Adds what pgvector makes possible: the extension if this role may create it, the column, and an index for vectors
/// of these dimensions. Without the extension, or with one older than 0.8 (which cannot go on searching when a filter
/// leaves too little), nothing is added and processes search for themselves. Run as the role that owns the schema.
pub async fn prepare_pgvector(db: &Db, dimensions: &[usize]) -> Result<bool> {
    if !db.is_postgres() {
        return Ok(false);
    }
    // a role that may not create it is no reason to stop: it is installed by whoever may, or not at all
    let extension = "do $$ begin create extension if not exists vector schema public; \
                     exception when others then raise notice 'pgvector is not installed'; end $$";
    db.write.execute_unprepared(extension).await?;
    if !is_recent(db).await? {
        return Ok(false);
    }
    // numbers stay in the row: fetching each from beside the table would be most of the work of comparing them
    let column = "alter table core.text_vector add column if not exists embedding vector; \
                  alter table core.text_vector alter column embedding set storage main";
    db.write.execute_unprepared(column).await?;
    for dimension in dimensions.iter().filter(|size| **size <= MAX_INDEXED) {
        // half precision finds candidates in half the memory; the query orders them by the full numbers
        let index = format!(
            "create index if not exists text_vector_near_{dimension} on core.text_vector \
             using hnsw ((embedding::halfvec({dimension})) halfvec_cosine_ops) \
             where dimension = {dimension} and approved_at is not null"
        );
        db.write.execute_unprepared(&index).await?;
    }
    Ok(true)
}

async fn is_recent(db: &Db) -> Result<bool> {
    let sql = "select 1 as one from pg_extension where extname = 'vector' \
               and string_to_array(regexp_replace(extversion, '[^0-9.].*', ''), '.')::int[] >= array[0, 8]";
    let found = db
        .write
        .query_one_raw(Statement::from_string(db.backend, sql))
        .await?;
    Ok(found.is_some())
}

impl Db {
    /// Looks whether this database searches vectors itself; the answer holds until it is asked again.
    pub async fn look_for_pgvector(&self) -> Result<bool> {
        let found = if self.is_postgres() {
            let sql = "select 1 as one from pg_attribute where attrelid = to_regclass('core.text_vector') \
                       and attname = 'embedding' and not attisdropped";
            let tx = self.begin_read(None).await?;
            let sql = Statement::from_string(self.backend, sql);
            tx.query_one_raw(sql).await?.is_some()
        } else {
            false
        };
        self.pgvector.store(found, Ordering::Relaxed);
        Ok(found)
    }

    /// Whether this database searches vectors itself.
    pub fn has_pgvector(&self) -> bool {
        self.pgvector.load(Ordering::Relaxed)
    }

    /// Who searches vectors: `pgvector` or `in-process`.
    pub fn vector_mode(&self) -> &'static str {
        if self.has_pgvector() {
            "pgvector"
        } else {
            "in-process"
        }
    }
}
