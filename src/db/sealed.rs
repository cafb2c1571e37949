//! Sealed values wherever they are stored: which keys they hang on, and sealing them anew under today's.
//!
//! Values name their key, so a rotation that was interrupted is simply run again: it passes over what is done.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sea_orm::sea_query::{Alias, CaseStatement, Expr, ExprTrait, Order, Query};
use sea_orm::{Condition, ConnectionTrait, DatabaseTransaction, QueryResult, Value};
use uuid::Uuid;

use super::Db;
use crate::error::{Error, Result};
use crate::secret::{Form, KeyId, Place, Stored, Vault, stored};

/// Rows that are looked at, and sealed anew, at once.
const BATCH: u64 = 500;

/// How far a rotation has come in one table.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The table.
    pub table: &'static str,
    /// Rows that were looked at.
    pub seen: u64,
    /// Values that were sealed anew.
    pub resealed: u64,
}

/// The keys that stored values hang on, by table, with the number of values of each.
pub type Census = BTreeMap<(&'static str, KeyId), u64>;

/// Seals every stored secret anew that is not under today's key, batch by batch. `tell` hears how far it has come
/// after each. A value that changes meanwhile is left as it was changed to: it is under today's key already.
pub async fn reseal(db: &Db, vault: &Vault, mut tell: impl FnMut(Progress)) -> Result<()> {
    for stored in stored::ALL {
        let mut progress = Progress {
            table: stored.table,
            seen: 0,
            resealed: 0,
        };
        let mut after = None;
        loop {
            let tx = db.across_tenants("sealing secrets anew").await?;
            let rows = batch(&tx, stored, after.take()).await?;
            for (at, column) in stored.columns.iter().enumerate() {
                progress.resealed += reseal_column(&tx, vault, stored, column, at, &rows).await?;
            }
            tx.commit().await?;
            progress.seen += rows.len() as u64;
            tell(progress);
            match rows.into_iter().next_back() {
                Some(last) if progress.seen.is_multiple_of(BATCH) => after = Some(last.key),
                _ => break,
            }
        }
    }
    Ok(())
}

/// Counts stored values by the key they are sealed under.
pub async fn census(db: &Db, vault: &Vault) -> Result<Census> {
    let mut census = Census::new();
    for stored in stored::ALL {
        let (mut after, mut seen) = (None, 0);
        loop {
            let tx = db.read_across_tenants("counting sealed secrets").await?;
            let rows = batch(&tx, stored, after.take()).await?;
            tx.rollback().await?;
            for row in &rows {
                let place = row.place(stored);
                for cell in row.cells.iter().flatten() {
                    let key = vault.key_of(&place, &cell.sealed)?;
                    *census.entry((stored.table, key)).or_default() += 1;
                }
            }
            seen += rows.len() as u64;
            match rows.into_iter().next_back() {
                Some(last) if seen % BATCH == 0 => after = Some(last.key),
                _ => break,
            }
        }
    }
    Ok(census)
}

/// A row that holds sealed values.
struct Row {
    key: Value,
    name: String,
    cells: Vec<Option<Cell>>,
}

/// A sealed value, and the column it stands in as it is.
struct Cell {
    sealed: Vec<u8>,
    whole: Value,
}

impl Row {
    fn read(row: &QueryResult, stored: &Stored) -> Result<Self> {
        let (key, name) = match row.try_get_by_index::<Uuid>(0) {
            Ok(id) => (id.into(), id.to_string()),
            Err(_) => {
                let name: String = row.try_get_by_index(0)?;
                (name.clone().into(), name)
            }
        };
        let cells = (1..=stored.columns.len()).map(|at| Cell::read(row, at, stored.form));
        Ok(Self {
            key,
            name,
            cells: cells.collect::<Result<_>>()?,
        })
    }

    fn place(&self, stored: &Stored) -> Place {
        match stored.form {
            Form::Bytes => stored.of(&self.name),
            Form::Member(_) => stored.anywhere(),
        }
    }
}

impl Cell {
    fn read(row: &QueryResult, at: usize, form: Form) -> Result<Option<Self>> {
        let Form::Member(member) = form else {
            let sealed: Option<Vec<u8>> = row.try_get_by_index(at)?;
            return Ok(sealed.map(|sealed| Self {
                whole: sealed.clone().into(),
                sealed,
            }));
        };
        let whole: String = row.try_get_by_index(at)?;
        let object: serde_json::Value = serde_json::from_str(&whole)?;
        // one that has left is emptied
        let sealed = object[member].as_str().filter(|sealed| !sealed.is_empty());
        let sealed = sealed.map(|sealed| BASE64_STANDARD.decode(sealed));
        Ok(sealed
            .transpose()
            .map_err(Error::internal)?
            .map(|sealed| Self {
                sealed,
                whole: whole.into(),
            }))
    }

    /// The column with another sealed value in it.
    fn with(&self, sealed: Vec<u8>, form: Form) -> Result<Value> {
        let (Form::Member(member), Value::String(Some(whole))) = (form, &self.whole) else {
            return Ok(sealed.into());
        };
        let mut object: serde_json::Value = serde_json::from_str(whole)?;
        object[member] = BASE64_STANDARD.encode(sealed).into();
        Ok(object.to_string().into())
    }
}

async fn batch(
    tx: &DatabaseTransaction,
    stored: &Stored,
    after: Option<Value>,
) -> Result<Vec<Row>> {
    let key = Alias::new(stored.key);
    let mut select = Query::select();
    select
        .column(key.clone())
        .columns(stored.columns.iter().map(|column| Alias::new(*column)))
        .from(Alias::new(stored.table))
        .order_by(key.clone(), Order::Asc)
        .limit(BATCH);
    if let Some(after) = after {
        select.and_where(Expr::col(key).gt(after));
    }
    if let Form::Member(member) = stored.form {
        let holds = format!("%\"{member}\":%");
        let columns = stored.columns.iter();
        let any = columns.map(|column| Expr::col(Alias::new(*column)).like(&holds));
        select.cond_where(any.fold(Condition::any(), Condition::add));
    }
    let rows = tx.query_all(&select).await?;
    rows.iter().map(|row| Row::read(row, stored)).collect()
}

async fn reseal_column(
    tx: &DatabaseTransaction,
    vault: &Vault,
    stored: &Stored,
    column: &'static str,
    at: usize,
    rows: &[Row],
) -> Result<u64> {
    let (column, key) = (Alias::new(column), Alias::new(stored.key));
    let mut changed = CaseStatement::new();
    let mut keys = Vec::new();
    for row in rows {
        let Some(cell) = &row.cells[at] else {
            continue;
        };
        if let Some(resealed) = vault.reseal(&row.place(stored), &cell.sealed)? {
            let unchanged = Expr::col(key.clone())
                .eq(row.key.clone())
                .and(Expr::col(column.clone()).eq(cell.whole.clone()));
            changed = changed.case(unchanged, Expr::value(cell.with(resealed, stored.form)?));
            keys.push(row.key.clone());
        }
    }
    if keys.is_empty() {
        return Ok(0);
    }
    let resealed = keys.len() as u64;
    let update = Query::update()
        .table(Alias::new(stored.table))
        .value(column.clone(), changed.finally(Expr::col(column)))
        .and_where(Expr::col(key).is_in(keys))
        .to_owned();
    tx.execute(&update).await?;
    Ok(resealed)
}
