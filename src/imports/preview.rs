//! What an import would bring, before anything is stored.

use std::collections::{HashMap, HashSet};

use entity::{AccountId, FileId};

use super::accounts::{Owners, existing, numbers, refuse_unowned};
use super::options::name_of;
use super::read::{Reading, read};
use super::start::{options, ready, usable};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::integrations::csv::CsvMapping;
use crate::integrations::{RefusedRow, StatementRow, detect};
use crate::money::Currency;
use crate::permission::Permission;
use crate::{accounts, files, records};

/// Rows and refused rows that are shown.
const SAMPLE: usize = 50;

/// What an import would bring.
#[derive(Clone, Debug)]
pub struct Preview {
    /// `CSV` or `OFX`.
    pub format: &'static str,
    /// The columns a CSV file was read with: given, saved or guessed.
    pub mapping: Option<CsvMapping>,
    /// The names of the columns of a CSV file.
    pub columns: Vec<String>,
    /// The first rows.
    pub rows: Vec<StatementRow>,
    /// The first rows that could not be read.
    pub refused: Vec<RefusedRow>,
    /// What a person should know.
    pub notes: Vec<String>,
    /// The accounts the file names.
    pub accounts: Vec<PreviewAccount>,
    /// Rows read.
    pub total_rows: usize,
    /// Rows that would become records.
    pub new_rows: usize,
    /// Rows that are records already.
    pub duplicate_rows: usize,
    /// Rows that could not be read.
    pub refused_rows: usize,
}

/// An account a file names.
#[derive(Clone, Debug)]
pub struct PreviewAccount {
    /// Its number as written.
    pub number: String,
    /// The account it is; it would be made when there is none.
    pub account: Option<AccountId>,
    /// How many rows are its own.
    pub rows: usize,
}

/// Reads a file without storing anything.
pub async fn preview(
    ctx: &Ctx,
    file: FileId,
    account: Option<AccountId>,
    mapping: Option<CsvMapping>,
    default_currency: Option<Currency>,
) -> Result<Preview> {
    ctx.require(Permission::ImportRecords)?;
    let file = ready(ctx, file).await?;
    let account = match account {
        Some(id) => Some(usable(ctx, id).await?),
        None => None,
    };
    let bytes = files::open(ctx, &file).await?;
    let format = detect(&bytes, Some(&file.name))
        .map_err(|error| Error::invalid("fileId", error.to_string()))?;
    let is_given = mapping.is_some();
    let options = options(format, account.as_ref(), mapping, default_currency)?;
    let mut reading = read(bytes, file.name, options).await?.map_err(|error| {
        let field = if is_given { "mapping" } else { "fileId" };
        Error::invalid(field, error.to_string())
    })?;

    let chosen = account.as_ref().map(|account| account.id);
    refuse_unowned(&mut reading.statement, &mut reading.keys, chosen);
    let known = accounts::by_numbers(ctx, &numbers(&reading.statement)).await?;
    let owners = match existing(&reading.statement, account.as_ref(), &known) {
        Ok(owners) => owners,
        Err(reason) => return Err(Error::invalid("accountId", reason)),
    };
    let new_rows = count_new(ctx, &reading, &owners).await?;
    Ok(shown(name_of(format), reading, &owners, new_rows))
}

/// How many rows no record exists of.
async fn count_new(ctx: &Ctx, reading: &Reading, owners: &Owners) -> Result<usize> {
    let mut new = 0;
    let mut by_account: HashMap<AccountId, HashSet<&str>> = HashMap::new();
    // rows of an account that would be made first
    let mut unknown: HashSet<(&str, &str)> = HashSet::new();
    for (row, key) in reading.statement.rows.iter().zip(&reading.keys) {
        let id = row.external_id.as_deref().unwrap_or(key);
        match owners.of(row.account.as_deref()) {
            Some(account) => {
                by_account.entry(account).or_default().insert(id);
            }
            None => {
                unknown.insert((row.account.as_deref().unwrap_or_default(), id));
            }
        }
    }
    new += unknown.len();
    for (account, ids) in by_account {
        let ids: Vec<&str> = ids.into_iter().collect();
        let known = records::known(ctx, account.0, &ids).await?;
        new += ids.len() - known.len();
    }
    Ok(new)
}

fn shown(format: &'static str, reading: Reading, owners: &Owners, new_rows: usize) -> Preview {
    let statement = reading.statement;
    let good = statement.rows.len();
    let refused_rows = statement.refused.len();
    let accounts = statement.accounts.into_iter().map(|named| PreviewAccount {
        account: owners.of(Some(&named.number)),
        number: named.number,
        rows: named.rows,
    });
    Preview {
        format,
        mapping: reading.mapping,
        columns: reading.columns,
        accounts: accounts.collect(),
        total_rows: good + refused_rows,
        new_rows,
        duplicate_rows: good - new_rows,
        refused_rows,
        rows: statement.rows.into_iter().take(SAMPLE).collect(),
        refused: statement.refused.into_iter().take(SAMPLE).collect(),
        notes: statement.notes,
    }
}
