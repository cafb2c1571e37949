//! CSV statements: a mapping says which column is what, guessed from the file and kept per account.
//!
//! [`guess`] proposes a [`CsvMapping`], [`preview`] shows what it would make of the first rows,
//! [`read`] reads the whole file. Reading is strict, since a wrong amount is worse than a refused
//! row: thousands must be grouped in threes, a date must fit its pattern to the end, text that
//! runs past the last column refuses the row, and so does a quote that does not close.

mod guess;
mod layout;
mod mapping;
mod names;
mod shape;
mod split;
mod table;
mod values;

pub use guess::guess;
pub use mapping::{
    AmountColumns, Column, CsvMapping, CurrencySource, DecimalSeparator, Delimiter, Sign,
};
pub(super) use values::plain_decimal;

use std::collections::HashMap;

use self::{
    layout::Layout,
    split::{Record, records},
    values::DateFormat,
};
use super::{
    FileError, Format, MAX_FIELD_BYTES, MAX_ROWS, RefusedRow, Statement, StatementAccount,
    StatementRow, join_texts,
    text::{decode, encoding_of},
};
use crate::money::Currency;

/// The first rows of a file as a mapping reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The columns by name, or by position from 0 where no header names them.
    pub columns: Vec<String>,
    /// The first rows.
    pub rows: Vec<StatementRow>,
    /// Those among them that could not be read.
    pub refused: Vec<RefusedRow>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// Reads a whole file.
///
/// The currency of the account may be passed for files that do not say theirs.
pub fn read(
    bytes: &[u8],
    mapping: &CsvMapping,
    default_currency: Option<Currency>,
) -> Result<Statement, FileError> {
    let read = read_up_to(bytes, mapping, default_currency, None)?;
    let accounts = accounts(&read.rows);
    Ok(Statement {
        format: Format::Csv,
        rows: read.rows,
        refused: read.refused,
        accounts,
        notes: read.notes,
    })
}

/// Reads the first `sample` rows of a file.
pub fn preview(
    bytes: &[u8],
    mapping: &CsvMapping,
    default_currency: Option<Currency>,
    sample: usize,
) -> Result<Preview, FileError> {
    read_up_to(bytes, mapping, default_currency, Some(sample))
}

/// The accounts that rows name, in order of appearance.
fn accounts(rows: &[StatementRow]) -> Vec<StatementAccount> {
    let mut accounts: Vec<StatementAccount> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for number in rows.iter().filter_map(|row| row.account.as_deref()) {
        let at = *known.entry(number).or_insert(accounts.len());
        match accounts.get_mut(at) {
            Some(account) => account.rows += 1,
            None => accounts.push(StatementAccount {
                number: number.to_owned(),
                currency: None,
                kind: None,
                rows: 1,
            }),
        }
    }
    accounts
}

/// Reads all rows, or as many as are wanted.
fn read_up_to(
    bytes: &[u8],
    mapping: &CsvMapping,
    default_currency: Option<Currency>,
    limit: Option<usize>,
) -> Result<Preview, FileError> {
    encoding_of(bytes)?;
    mapping.check()?;
    let date_format =
        DateFormat::new(&mapping.date_format).map_err(|message| FileError::Mapping {
            field: "dateFormat",
            message,
        })?;
    if mapping.currency.is_none() && default_currency.is_none() {
        return Err(FileError::CurrencyUnknown);
    }
    let text = decode(bytes, mapping.encoding)?;
    let mut records = records(&text, mapping.delimiter.char(), mapping.skip_rows).peekable();
    let columns = columns(records.peek(), mapping.has_header);
    if mapping.has_header {
        records.next();
    }
    let layout = Layout::new(mapping, &columns, date_format, default_currency)?;

    let mut reader = Reader {
        layout,
        rows: Vec::new(),
        refused: Vec::new(),
        last: None,
    };
    let wanted = limit.unwrap_or(usize::MAX);
    for record in records.filter(|record| !record.is_blank()) {
        let is_continuation = reader.layout.is_continuation(&record);
        let count = reader.rows.len() + reader.refused.len();
        if count >= wanted && !is_continuation {
            break;
        }
        if count >= MAX_ROWS && !is_continuation {
            return Err(FileError::TooManyRows);
        }
        if is_continuation {
            reader.continue_with(&record)
        } else {
            reader.take(&record)
        }
    }
    let mut notes = Vec::new();
    if reader.rows.is_empty() && reader.refused.is_empty() {
        notes.push("the file holds no transactions".to_owned());
    }
    Ok(Preview {
        columns,
        rows: reader.rows,
        refused: reader.refused,
        notes,
    })
}

/// The names of the columns, or their positions.
fn columns(first: Option<&Record<'_>>, has_header: bool) -> Vec<String> {
    let Some(first) = first else {
        return Vec::new();
    };
    let name = |index| {
        if has_header {
            first.cell(index).to_owned()
        } else {
            index.to_string()
        }
    };
    (0..first.cells.len()).map(name).collect()
}

/// Where the record before went, since the next one may go on with it.
#[derive(Clone, Copy)]
enum Last {
    Row,
    Refused,
}

/// Rows as they are gathered.
struct Reader<'m> {
    layout: Layout<'m>,
    rows: Vec<StatementRow>,
    refused: Vec<RefusedRow>,
    last: Option<Last>,
}

impl Reader<'_> {
    /// Takes a record that is a row of its own.
    fn take(&mut self, record: &Record<'_>) {
        match self.layout.row(record) {
            Ok(row) => {
                self.rows.push(row);
                self.last = Some(Last::Row);
            }
            Err((field, reason)) => {
                self.refused
                    .push(RefusedRow::new(record.line, field, reason, record.raw));
                self.last = Some(Last::Refused);
            }
        }
    }

    /// Takes a record that has text and neither date nor amount.
    fn continue_with(&mut self, record: &Record<'_>) {
        let join = self.layout.mapping.join_continuations;
        match (self.last, self.rows.last_mut(), self.refused.last_mut()) {
            (Some(Last::Row), Some(row), _) => {
                let added = self.layout.text(record);
                if row.raw.len() + record.raw.len() <= MAX_FIELD_BYTES {
                    // also when it is not joined: the key of a row may not depend on the mapping
                    row.words.extend(layout::words(record));
                    if join {
                        row.description = join_texts([row.description.as_str(), added.as_str()]);
                        row.raw.push('\n');
                        row.raw.push_str(record.raw);
                        return;
                    }
                }
            }
            // the text of a row that is refused already
            (Some(Last::Refused), _, Some(refused)) if join => {
                if refused.raw.len() + record.raw.len() <= MAX_FIELD_BYTES {
                    refused.raw.push('\n');
                    refused.raw.push_str(record.raw);
                }
                return;
            }
            _ => {}
        }
        let reason = if join {
            "the row has neither date nor amount, and no row above it to go on with"
        } else {
            "the row has neither date nor amount; joinContinuations adds such rows to the row above"
        };
        self.refused.push(RefusedRow::new(
            record.line,
            Some("date"),
            reason,
            record.raw,
        ));
    }
}

#[cfg(test)]
mod tests;
