//! From the bytes of a file to its rows, off the threads that answer clients.

use crate::error::{Error, Result};
use crate::integrations::content_key::content_keys;
use crate::integrations::csv::{self, CsvMapping};
use crate::integrations::{FileError, Format, Statement, detect, ofx};

use super::options::Options;

/// A file that was read.
pub(super) struct Reading {
    /// Its rows and what could not be read.
    pub statement: Statement,
    /// What each row is known by where its source gives no id.
    pub keys: Vec<String>,
    /// The columns it was read with.
    pub mapping: Option<CsvMapping>,
    /// The names of its columns.
    pub columns: Vec<String>,
}

/// Reads a whole file. The outer error is ours; the inner one says what is wrong with the file.
pub(super) async fn read(
    bytes: Vec<u8>,
    name: String,
    options: Options,
) -> Result<Result<Reading, FileError>> {
    tokio::task::spawn_blocking(move || parse(&bytes, &name, options))
        .await
        .map_err(Error::internal)
}

fn parse(bytes: &[u8], name: &str, options: Options) -> Result<Reading, FileError> {
    let currency = options.default_currency;
    let (statement, mapping, columns) = match detect(bytes, Some(name))? {
        Format::Ofx => (ofx::read(bytes, currency)?, None, Vec::new()),
        Format::Csv => {
            let (mapping, notes) = match options.mapping {
                Some(mapping) => (mapping, Vec::new()),
                None => csv::guess(bytes)?,
            };
            let columns = csv::preview(bytes, &mapping, currency, 1)?.columns;
            let mut statement = csv::read(bytes, &mapping, currency)?;
            statement.notes.splice(0..0, notes);
            (statement, Some(mapping), columns)
        }
    };
    let keys = content_keys(&statement.rows);
    Ok(Reading {
        statement,
        keys,
        mapping,
        columns,
    })
}
