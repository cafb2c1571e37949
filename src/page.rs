//! Pages of a list by keyset: a cursor holds the sort key of a row, so a page costs the same wherever it starts and
//! rows that come or go meanwhile shift nothing.

#![allow(
    clippy::disallowed_methods,
    reason = "pages queries that carry their tenant already"
)]

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use entity::Partial;
use sea_orm::sea_query::{Expr, ExprTrait, SimpleExpr};
use sea_orm::{
    ConnectionTrait, EntityTrait, IdenStatic, ModelTrait, Order, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Select, Value,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// The most rows a page may have.
pub const MAX: u64 = 100;

/// What is said of a cursor that a list did not give.
const NO_CURSOR: &str =
    "is no cursor of this list; use an `endCursor` or `cursor` it gave with the same order";

/// Which part of a list is wanted.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// How many rows, 1 to [`MAX`].
    pub size: u64,
    /// The opaque cursor of the row next to the page: before it, or after it when `backwards`.
    pub from: Option<String>,
    /// Whether the rows before the cursor (or the last ones) are wanted.
    pub backwards: bool,
}

/// One page, in the order of the list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows, each with its cursor.
    pub rows: Vec<(String, T)>,
    /// Whether rows follow.
    pub has_next: bool,
    /// Whether rows precede.
    pub has_previous: bool,
}

impl<T> Page<T> {
    /// A page without rows.
    pub fn empty() -> Self {
        Self {
            rows: Vec::new(),
            has_next: false,
            has_previous: false,
        }
    }

    /// The same page of what its rows become; none when one of them is refused.
    pub fn try_map<U>(self, become_one: impl Fn(T) -> Result<U>) -> Result<Page<U>> {
        let rows = self.rows.into_iter();
        let rows = rows.map(|(cursor, row)| Ok((cursor, become_one(row)?)));
        Ok(Page {
            rows: rows.collect::<Result<_>>()?,
            has_next: self.has_next,
            has_previous: self.has_previous,
        })
    }
}

/// Reads a page of `select`, sorted by `columns` (none of them null, the last one unique), all ascending or all
/// descending.
pub async fn page<E, C>(
    select: Select<E>,
    columns: &[E::Column],
    descending: bool,
    window: &Window,
    on: &C,
) -> Result<Page<E::Model>>
where
    E: EntityTrait,
    C: ConnectionTrait,
{
    let rows = select_page(select, columns, descending, window)?;
    Ok(cut(rows.all(on).await?, columns, window))
}

/// Like [`page`], reading only the columns that are `wanted`; the sort key is read in any case.
pub async fn partial_page<E, C>(
    select: Select<E>,
    wanted: &[E::Column],
    columns: &[E::Column],
    descending: bool,
    window: &Window,
    on: &C,
) -> Result<Page<E::Model>>
where
    E: Partial,
    C: ConnectionTrait,
{
    let mut wanted = wanted.to_vec();
    for column in columns {
        if !wanted.iter().any(|w| w.as_str() == column.as_str()) {
            wanted.push(*column);
        }
    }
    let select = select_page(select, columns, descending, window)?;
    Ok(cut(
        read_columns(select, &wanted, on).await?,
        columns,
        window,
    ))
}

/// Some columns of the rows of a query.
pub async fn read_columns<E, C>(
    select: Select<E>,
    wanted: &[E::Column],
    on: &C,
) -> Result<Vec<E::Model>>
where
    E: Partial,
    C: ConnectionTrait,
{
    let select = select.select_only().columns(wanted.iter().copied());
    let statement = select.build(on.get_database_backend());
    let rows = on.query_all_raw(statement).await?;
    let rows = rows.iter().map(|row| E::read(wanted, row));
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The query of a page and of one row beyond it.
fn select_page<E: EntityTrait>(
    select: Select<E>,
    columns: &[E::Column],
    descending: bool,
    window: &Window,
) -> Result<Select<E>> {
    let size = window.size.clamp(1, MAX);
    let down = descending != window.backwards;
    let list = list_name::<E>(columns);
    let mut select = select;
    if let Some(cursor) = &window.from {
        let field = if window.backwards { "before" } else { "after" };
        let values = read_cursor(cursor, &list, columns.len())
            .ok_or_else(|| Error::invalid(field, NO_CURSOR))?;
        let keys = SimpleExpr::Tuple(
            columns
                .iter()
                .map(|c| Expr::col((E::default(), *c)))
                .collect(),
        );
        let values = SimpleExpr::Tuple(values.into_iter().map(Expr::value).collect());
        select = select.filter(if down {
            keys.lt(values)
        } else {
            keys.gt(values)
        });
    }
    for column in columns {
        select = select.order_by(*column, if down { Order::Desc } else { Order::Asc });
    }
    Ok(select.limit(size + 1))
}

/// The page in the rows that were found.
fn cut<M: ModelTrait>(
    mut rows: Vec<M>,
    columns: &[<M::Entity as EntityTrait>::Column],
    window: &Window,
) -> Page<M> {
    let size = window.size.clamp(1, MAX);
    let list = list_name::<M::Entity>(columns);
    let more = rows.len() as u64 > size;
    rows.truncate(size as usize);
    if window.backwards {
        rows.reverse();
    }
    let beyond = window.from.is_some();
    let (has_next, has_previous) = if window.backwards {
        (beyond, more)
    } else {
        (more, beyond)
    };
    let rows = rows
        .into_iter()
        .map(|row| (cursor(&list, columns.iter().map(|c| row.get(*c))), row))
        .collect();
    Page {
        rows,
        has_next,
        has_previous,
    }
}

/// Cuts a page out of a list that is held whole, sorted by what `key` tells of each entry, which no two share.
pub fn of_sorted<T, K>(
    list: &str,
    all: Vec<T>,
    key: impl Fn(&T) -> K,
    window: &Window,
) -> Result<Page<T>>
where
    K: Ord + Serialize + DeserializeOwned,
{
    let size = usize::try_from(window.size.clamp(1, MAX)).unwrap_or_default();
    let (start, end) = match &window.from {
        None if window.backwards => (all.len().saturating_sub(size), all.len()),
        None => (0, size),
        Some(cursor) => {
            let field = if window.backwards { "before" } else { "after" };
            let from: K = read_key(cursor, list).ok_or_else(|| Error::invalid(field, NO_CURSOR))?;
            match window.backwards {
                true => {
                    let end = all.partition_point(|entry| key(entry) < from);
                    (end.saturating_sub(size), end)
                }
                false => {
                    let start = all.partition_point(|entry| key(entry) <= from);
                    (start, start + size)
                }
            }
        }
    };
    let end = end.min(all.len());
    let (has_previous, has_next) = (start > 0, end < all.len());
    let entries = all.into_iter().take(end).skip(start);
    let rows = entries.map(|entry| Ok((write_key(list, &key(&entry))?, entry)));
    Ok(Page {
        rows: rows.collect::<Result<_>>()?,
        has_next,
        has_previous,
    })
}

fn write_key(list: &str, key: &impl Serialize) -> Result<String> {
    let key = serde_json::to_string(key)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(format!("{list}\n{key}")))
}

fn read_key<K: DeserializeOwned>(cursor: &str, list: &str) -> Option<K> {
    let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let key = text.strip_prefix(list)?.strip_prefix('\n')?;
    serde_json::from_str(key).ok()
}

/// What a list is and how it is sorted: a cursor of another one means nothing in it.
fn list_name<E: EntityTrait>(columns: &[E::Column]) -> String {
    let columns: Vec<&str> = columns.iter().map(|column| column.as_str()).collect();
    format!("{}:{}", E::default().table_name(), columns.join(","))
}

/// The opaque cursor of a sort key in a list.
fn cursor(list: &str, key: impl Iterator<Item = Value>) -> String {
    let mut parts = vec![list.to_owned()];
    parts.extend(key.map(|value| write(&value)));
    BASE64_URL_SAFE_NO_PAD.encode(parts.join("\n"))
}

fn read_cursor(cursor: &str, list: &str, columns: usize) -> Option<Vec<Value>> {
    let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let key = text.strip_prefix(list)?.strip_prefix('\n')?;
    let values: Vec<Value> = key.split('\n').map(read).collect::<Option<_>>()?;
    (values.len() == columns).then_some(values)
}

/// One part of a key: a letter for its type, then its text. Text is encoded, since it may hold a line break.
fn write(value: &Value) -> String {
    match value {
        Value::Uuid(Some(id)) => format!("u{}", id.simple()),
        Value::ChronoDate(Some(date)) => format!("d{date}"),
        Value::ChronoDateTimeUtc(Some(at)) => format!("t{}", at.to_rfc3339()),
        Value::BigInt(Some(number)) => format!("l{number}"),
        Value::Int(Some(number)) => format!("i{number}"),
        Value::String(Some(text)) => format!("s{}", BASE64_URL_SAFE_NO_PAD.encode(text)),
        _ => String::new(),
    }
}

fn read(part: &str) -> Option<Value> {
    let (kind, text) = (part.get(..1)?, part.get(1..)?);
    Some(match kind {
        "u" => Value::from(uuid::Uuid::parse_str(text).ok()?),
        "d" => Value::from(text.parse::<chrono::NaiveDate>().ok()?),
        "t" => Value::from(text.parse::<chrono::DateTime<chrono::Utc>>().ok()?),
        "l" => Value::from(text.parse::<i64>().ok()?),
        "i" => Value::from(text.parse::<i32>().ok()?),
        "s" => Value::from(String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_held_is_paged_both_ways() {
        let page = |size, from: Option<&str>, backwards| {
            let window = Window {
                size,
                from: from.map(str::to_owned),
                backwards,
            };
            of_sorted("n", vec![1, 3, 5, 7, 9], |n| *n, &window)
        };
        let shown = |page: &Page<i32>| {
            let numbers: Vec<i32> = page.rows.iter().map(|(_, number)| *number).collect();
            (numbers, page.has_previous, page.has_next)
        };
        let first = page(2, None, false).unwrap();
        assert_eq!(shown(&first), (vec![1, 3], false, true));
        let second = page(2, Some(&first.rows[1].0), false).unwrap();
        assert_eq!(shown(&second), (vec![5, 7], true, true));
        let last = page(2, None, true).unwrap();
        assert_eq!(shown(&last), (vec![7, 9], true, false));
        let before = page(9, Some(&second.rows[0].0), true).unwrap();
        assert_eq!(shown(&before), (vec![1, 3], false, true));
        // an entry that is gone meanwhile has its place still
        let gone = write_key("n", &4).unwrap();
        assert_eq!(shown(&page(1, Some(&gone), false).unwrap()).0, [5]);
        let foreign = write_key("m", &4).unwrap();
        assert!(page(1, Some(&foreign), false).is_err() && page(1, Some("%"), true).is_err());
    }

    #[test]
    fn a_cursor_reads_back_and_nonsense_does_not() {
        let key = [
            Value::from("a\nb"),
            Value::from(uuid::Uuid::from_u128(5)),
            Value::from(-3_i64),
        ];
        let text = cursor("record:a,b,c", key.iter().cloned());
        assert_eq!(read_cursor(&text, "record:a,b,c", 3), Some(key.to_vec()));
        assert_eq!(read_cursor(&text, "record:a,c,b", 3), None, "another order");
        assert_eq!(read_cursor(&text, "account:a,b,c", 3), None, "another list");
        assert_eq!(read_cursor("%%%", "record:a", 1), None);
    }
}
