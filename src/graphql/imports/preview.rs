//! A statement before it is imported, as clients see it.

use async_graphql::{ID, Json, SimpleObject};
use serde_json::Value;

use super::RefusedRow;
use crate::graphql::node::global;
use crate::graphql::scalar::{Date, Money};
use crate::{imports, integrations};

/// What an import would bring.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct StatementPreview {
    /// `CSV` or `OFX`.
    pub format: &'static str,
    /// How the columns of a CSV file were read: given, saved or guessed. Change it where it is wrong, and send it back.
    pub mapping: Option<Json<Value>>,
    /// The names of the columns of a CSV file.
    pub columns: Vec<String>,
    /// The first 50 rows.
    pub rows: Vec<StatementRow>,
    /// The first 50 rows that could not be read.
    pub refused: Vec<RefusedRow>,
    /// What a person should know.
    pub notes: Vec<String>,
    /// The accounts the file names.
    pub accounts: Vec<StatementAccount>,
    /// Rows read.
    pub total_rows: i32,
    /// Rows that would become records.
    pub new_rows: i32,
    /// Rows that are records already.
    pub duplicate_rows: i32,
    /// Rows that could not be read.
    pub refused_rows: i32,
}

/// A row of a statement.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct StatementRow {
    /// Line in the file, from 1.
    pub line: i32,
    /// The bank's own id of the transaction.
    pub external_id: Option<String>,
    /// The account as the file writes it.
    pub account: Option<String>,
    /// The day it happened.
    pub occurred_on: Date,
    /// How much moved: money in is positive, money out negative.
    pub amount: Money,
    /// What a person reads.
    pub description: String,
    /// The tags that its record gets.
    pub tags: Vec<String>,
}

/// An account a file names.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct StatementAccount {
    /// Its number as written.
    pub number: String,
    /// The account it is; one is made at the import when there is none.
    pub account_id: Option<ID>,
    /// How many rows are its own.
    pub rows: i32,
}

impl From<imports::Preview> for StatementPreview {
    fn from(preview: imports::Preview) -> Self {
        let mapping = preview.mapping.as_ref();
        Self {
            format: preview.format,
            mapping: mapping.and_then(|mapping| serde_json::to_value(mapping).ok().map(Json)),
            columns: preview.columns,
            rows: preview.rows.into_iter().map(row).collect(),
            refused: preview.refused.into_iter().map(refused).collect(),
            notes: preview.notes,
            accounts: preview.accounts.into_iter().map(account).collect(),
            total_rows: number(preview.total_rows),
            new_rows: number(preview.new_rows),
            duplicate_rows: number(preview.duplicate_rows),
            refused_rows: number(preview.refused_rows),
        }
    }
}

fn row(row: integrations::StatementRow) -> StatementRow {
    StatementRow {
        line: line(row.line),
        external_id: row.external_id,
        account: row.account,
        occurred_on: Date(row.occurred_on),
        amount: Money::of(row.amount.units, row.amount.currency.as_str()),
        description: row.description,
        tags: row.tags,
    }
}

fn refused(row: integrations::RefusedRow) -> RefusedRow {
    RefusedRow {
        line: line(row.line),
        field: row.field.map(str::to_owned),
        reason: row.reason,
        raw: row.raw,
    }
}

fn account(account: imports::PreviewAccount) -> StatementAccount {
    StatementAccount {
        number: account.number,
        account_id: account.account.map(|id| global("Account", id)),
        rows: number(account.rows),
    }
}

fn line(line: u32) -> i32 {
    i32::try_from(line).unwrap_or(i32::MAX)
}

/// A number of rows; a file holds 200,000 at most.
fn number(rows: usize) -> i32 {
    i32::try_from(rows).unwrap_or(i32::MAX)
}
