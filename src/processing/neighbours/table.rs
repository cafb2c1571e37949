//! The table of vectors: reading and writing, with pgvector and without.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::text_vector;
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect, Select, Statement, Value};
use uuid::Uuid;

use crate::ctx::{Ctx, Read, Tx};
use crate::error::Result;
use crate::vectors::Space;

/// Rows in one statement: seven parameters each, of 30,000.
const ROWS: usize = 500;

/// A text and its vector.
pub(super) type Row = (Uuid, Vec<f32>);

/// The vectors of a space.
pub(super) fn of(
    select: Select<text_vector::Entity>,
    space: &Space,
) -> Select<text_vector::Entity> {
    select
        .filter(text_vector::Column::Model.eq(&space.model))
        .filter(text_vector::Column::Dimension.eq(dimension(space)))
}

/// The dimension as the table has it.
pub(super) fn dimension(space: &Space) -> i32 {
    i32::try_from(space.dimension).unwrap_or(i32::MAX)
}

/// Stores vectors. Those of approved texts are evidence from `approved_at` on; a text that had a vector keeps it.
pub(super) async fn put(
    tx: &Tx<'_>,
    space: &Space,
    mut rows: Vec<Row>,
    approved_at: Option<DateTime<Utc>>,
) -> Result<()> {
    // two that store the same texts wait for each other in one order
    rows.sort_unstable_by_key(|(key, _)| *key);
    rows.dedup_by_key(|(key, _)| *key);
    let pgvector = tx.ctx().handles().db.has_pgvector();
    let backend = tx.on().get_database_backend();
    let (column, better) = if pgvector {
        (
            "embedding",
            "embedding = excluded.embedding, bytes = null, \
             approved_at = coalesce(text_vector.approved_at, excluded.approved_at) \
             where text_vector.embedding is null or (text_vector.approved_at is null and excluded.approved_at is not null)",
        )
    } else {
        (
            "bytes",
            "approved_at = excluded.approved_at \
             where text_vector.approved_at is null and excluded.approved_at is not null",
        )
    };
    for rows in rows.chunks(ROWS) {
        let mut values: Vec<Value> = Vec::with_capacity(rows.len() * 7);
        let mut places = Vec::with_capacity(rows.len());
        for (key, vector) in rows {
            let first = values.len();
            let place: Vec<String> = (1..=7).map(|n| format!("${}", first + n)).collect();
            places.push(format!("({})", place.join(", ")));
            values.extend([
                tx.tenant().into(),
                space.model.as_str().into(),
                dimension(space).into(),
                (*key).into(),
                if pgvector {
                    sea_orm::entity::prelude::PgVector::from(vector.clone()).into()
                } else {
                    bytes(vector).into()
                },
                approved_at.into(),
                tx.ctx().now().into(),
            ]);
        }
        let sql = format!(
            "insert into text_vector (tenant_id, model, dimension, text_key, {column}, approved_at, created_at) \
             values {} on conflict (tenant_id, model, dimension, text_key) do update set {better}",
            places.join(", ")
        );
        let statement = Statement::from_sql_and_values(backend, sql, values);
        tx.on().execute_raw(statement).await?;
    }
    Ok(())
}

/// Declares stored vectors evidence.
pub(super) async fn approve(tx: &Tx<'_>, space: &Space, keys: &[Uuid]) -> Result<()> {
    for keys in keys.chunks(1_000) {
        tx.update::<text_vector::Entity>()
            .col_expr(
                text_vector::Column::ApprovedAt,
                sea_orm::sea_query::Expr::value(tx.ctx().now()),
            )
            .filter(text_vector::Column::Model.eq(&space.model))
            .filter(text_vector::Column::Dimension.eq(dimension(space)))
            .filter(text_vector::Column::TextKey.is_in(keys.iter().copied()))
            .filter(text_vector::Column::ApprovedAt.is_null())
            .exec(tx.on())
            .await?;
    }
    Ok(())
}

/// Which of these texts have a vector that can be searched here.
pub(super) async fn stored(
    ctx: &Ctx,
    read: &Read,
    space: &Space,
    keys: &[Uuid],
) -> Result<HashSet<Uuid>> {
    let mut found = HashSet::with_capacity(keys.len());
    for keys in keys.chunks(1_000) {
        let mut select = of(read.select::<text_vector::Entity>(), space)
            .select_only()
            .column(text_vector::Column::TextKey)
            .filter(text_vector::Column::TextKey.is_in(keys.iter().copied()));
        // what was stored before pgvector came is stored again
        select = if ctx.handles().db.has_pgvector() {
            select.filter(text_vector::Column::Bytes.is_null())
        } else {
            select.filter(text_vector::Column::Bytes.is_not_null())
        };
        found.extend(select.into_tuple::<Uuid>().all(read.on()).await?);
    }
    Ok(found)
}

/// The vectors of these texts, where they are kept as bytes.
pub(super) async fn vectors(
    read: &Read,
    space: &Space,
    keys: &[Uuid],
) -> Result<HashMap<Uuid, Vec<f32>>> {
    let mut found = HashMap::with_capacity(keys.len());
    for keys in keys.chunks(1_000) {
        let rows: Vec<(Uuid, Option<Vec<u8>>)> = of(read.select::<text_vector::Entity>(), space)
            .select_only()
            .columns([text_vector::Column::TextKey, text_vector::Column::Bytes])
            .filter(text_vector::Column::TextKey.is_in(keys.iter().copied()))
            .into_tuple()
            .all(read.on())
            .await?;
        found.extend(
            rows.into_iter()
                .filter_map(|(key, bytes)| Some((key, numbers(&bytes?)))),
        );
    }
    Ok(found)
}

/// Numbers as they are stored without pgvector.
fn bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|n| n.to_le_bytes()).collect()
}

/// The numbers in stored bytes.
pub(super) fn numbers(bytes: &[u8]) -> Vec<f32> {
    let number = |four: &[u8]| f32::from_le_bytes(four.try_into().expect("chunks of four"));
    bytes.chunks_exact(4).map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_were_stored() {
        let vector = vec![0.0, -1.5, f32::MIN_POSITIVE, 0.1];
        assert_eq!(numbers(&bytes(&vector)), vector);
    }
}
