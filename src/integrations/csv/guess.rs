//! Proposes a mapping for a file nobody has described yet.
//!
//! The names in the header decide where they are known, the shape of the cells where they are
//! not; both must agree, so a column called "Valuta" is a date in one bank's file and a currency
//! in another's. Whatever had to be chosen between two readings is said in a note.

use std::collections::HashMap;

use super::{
    mapping::{CsvMapping, CurrencySource, Delimiter, Sign},
    names::{self, is_named},
    shape::Cells,
    split::{Record, records},
    table::Table,
};
use crate::integrations::{
    Encoding, FileError,
    text::{decode, encoding_of},
};

/// How many rows are looked at.
const SAMPLE_ROWS: usize = 500;

/// The most columns a table may have.
const MAX_COLUMNS: usize = 512;

/// How far down a header is looked for.
const HEADER_ROWS: usize = 40;

/// Proposes a mapping, and says what in it was a choice.
pub fn guess(bytes: &[u8]) -> Result<(CsvMapping, Vec<String>), FileError> {
    let encoding = encoding_of(bytes)?;
    let text = decode(bytes, encoding)?;
    let delimiter = delimiter(&text);
    let all: Vec<Record<'_>> = records(&text, delimiter.char(), 0)
        .take(SAMPLE_ROWS + HEADER_ROWS)
        .collect();
    let mut notes = Vec::new();
    if encoding != Encoding::Utf8 {
        notes.push("the file is not UTF-8: check that letters with accents read well".to_owned());
    }

    let header_at = header(&all);
    let start = header_at.map_or_else(|| first_row(&all), |at| at + 1);
    let rows: Vec<Record<'_>> = all[start..]
        .iter()
        .filter(|row| !row.is_blank())
        .take(SAMPLE_ROWS)
        .cloned()
        .collect();
    let names: Vec<String> = match header_at {
        Some(at) => all[at]
            .cells
            .iter()
            .map(|cell| cell.trim().to_owned())
            .collect(),
        None => vec![String::new(); rows.first().map_or(0, |row| row.cells.len())],
    };
    if header_at.is_none() {
        notes.push(
            "no header names the columns: they were told by their content, check them".to_owned(),
        );
    }
    let skip_rows = match header_at {
        Some(at) => all[at].line - 1,
        None => all.get(start).map_or(0, |row| row.line - 1),
    };

    if names.len() > MAX_COLUMNS {
        let message = format!(
            "the file has {} columns: at most {MAX_COLUMNS} are accepted",
            names.len()
        );
        return Err(FileError::Mapping {
            field: "columns",
            message,
        });
    }

    let mut table = Table {
        names,
        rows: &rows,
        taken: Vec::new(),
        has_header: header_at.is_some(),
        notes,
    };
    let date = table.date()?;
    let currency = table
        .find(names::CURRENCY, Cells::is_currency)
        .or_else(|| table.by_shape(Cells::is_currency));
    let amount = table.amount()?;
    let account = table.find(names::ACCOUNT, |_| true);
    let external_id = table.find(names::EXTERNAL_ID, |cells| {
        cells.len() == rows.len() && cells.is_distinct()
    });
    let tags = table.find(names::TAGS, Cells::are_tags);
    let description = table.description();
    let currency = currency
        .map(|at| CurrencySource::Column(table.column(at)))
        .or_else(|| table.currency_in_header());
    let date_format = table.date_format(date, currency.as_ref());
    let decimal = table.decimal(&amount);
    let join_continuations = table.has_continuations(date, &amount, &description);
    table.say_what_is_missing(&currency, &amount, &description);

    let mapping = CsvMapping {
        delimiter,
        has_header: header_at.is_some(),
        skip_rows,
        encoding,
        date: table.column(date),
        date_format: date_format.to_owned(),
        description: description.iter().map(|&at| table.column(at)).collect(),
        amount: amount.columns(&table),
        decimal,
        sign: Sign::MoneyOutNegative,
        currency,
        account: account.map(|at| table.column(at)),
        external_id: external_id.map(|at| table.column(at)),
        tags: tags.map(|at| table.column(at)),
        join_continuations,
    };
    Ok((mapping, table.notes))
}

/// The delimiter that cuts the most rows to the same width.
fn delimiter(text: &str) -> Delimiter {
    let score = |delimiter: &Delimiter| {
        let mut widths: HashMap<usize, usize> = HashMap::new();
        let mut total = 0;
        for record in records(text, delimiter.char(), 0).take(SAMPLE_ROWS) {
            *widths.entry(record.cells.len()).or_default() += 1;
            total += 1;
        }
        let (count, width) = widths
            .into_iter()
            .filter(|(width, _)| *width > 1)
            .map(|(width, count)| (count, width))
            .max()
            .unwrap_or((0, 0));
        count * 1000 / total.max(1) + width.min(20) * 5
    };
    // of equals the last is the maximum, so the likeliest goes last
    Delimiter::ALL
        .into_iter()
        .rev()
        .max_by_key(score)
        .unwrap_or_default()
}

/// The row that names the columns.
fn header(all: &[Record<'_>]) -> Option<usize> {
    let named = |record: &Record<'_>, lists: &[&[&str]]| {
        record
            .cells
            .iter()
            .any(|cell| lists.iter().any(|names| is_named(cell, names)))
    };
    let moneyed: &[&[&str]] = &[names::AMOUNT, names::DEBIT, names::CREDIT];
    let by_name = all
        .iter()
        .take(HEADER_ROWS)
        .position(|record| named(record, &[names::DATE]) && named(record, moneyed));
    by_name.or_else(|| {
        // names in no list: words only, above a row that has numbers or dates
        let figure = |cell: &String| cell.chars().any(|letter| letter.is_ascii_digit());
        let at = first_row(all);
        let (first, below) = (all.get(at)?, all.get(at + 1)?);
        let named = first.cells.iter().filter(|cell| !cell.trim().is_empty());
        let worded = named.count() > 1 && !first.cells.iter().any(figure);
        (worded && below.cells.iter().any(figure)).then_some(at)
    })
}

/// The first row of a table without a header: lines of another width above it are no rows.
fn first_row(all: &[Record<'_>]) -> usize {
    let mut widths: HashMap<usize, usize> = HashMap::new();
    for record in all {
        *widths.entry(record.cells.len()).or_default() += 1;
    }
    let usual = widths
        .into_iter()
        .max_by_key(|(width, count)| (*count, *width))
        .map_or(0, |(width, _)| width);
    all.iter()
        .position(|record| record.cells.len() == usual)
        .unwrap_or(0)
}
