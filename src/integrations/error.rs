//! Why a whole file was not read.

use super::MAX_ROWS;

/// Why no row could be looked for. `Display` says what was wrong and what is accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// There are no bytes, or only blanks.
    #[error("the file is empty: accepted is a CSV or OFX statement")]
    Empty,
    /// The bytes are no text, with what they seem to be.
    #[error("the file is not text but {0}: accepted is a CSV or OFX statement")]
    NotText(&'static str),
    /// The bytes do not fit the encoding.
    #[error(
        "the file is not valid {encoding} at byte {at}: accepted are utf-8, utf-16, windows-1252 and iso-8859-1"
    )]
    Encoding {
        /// The encoding that was asked for.
        encoding: &'static str,
        /// Where it breaks, counted from 0.
        at: usize,
    },
    /// A format that is known and not read.
    #[error("{0} is not read yet: export the statement as CSV or OFX")]
    NotReadYet(&'static str),
    /// Nothing that looks like a statement.
    #[error("the file is neither a CSV table nor an OFX statement")]
    UnknownFormat,
    /// OFX without any statement in it.
    #[error(
        "the OFX file holds no statement: accepted are bank (STMTRS), card (CCSTMTRS) and investment (INVSTMTRS) statements"
    )]
    NoStatement,
    /// More transactions than one import takes.
    #[error("the file holds more than {MAX_ROWS} transactions: split it into smaller files")]
    TooManyRows,
    /// The rows are there and no mapping can be made out.
    #[error(
        "no column of the file could be told to be {role}; columns: {columns}. Set the mapping by hand"
    )]
    Unmapped {
        /// What was looked for.
        role: &'static str,
        /// What there is instead.
        columns: String,
    },
    /// The mapping names a column that the file does not have.
    #[error("{field}: there is no column {column}; columns: {columns}")]
    MissingColumn {
        /// The part of the mapping.
        field: &'static str,
        /// The column it names.
        column: String,
        /// The columns there are.
        columns: String,
    },
    /// The mapping itself cannot be used.
    #[error("{field}: {message}")]
    Mapping {
        /// The part of the mapping.
        field: &'static str,
        /// What is wrong with it, and what is accepted.
        message: String,
    },
    /// Nothing says what the amounts are amounts of.
    #[error(
        "currency: neither the file nor the mapping says it; map a currency column or set a fixed currency such as EUR"
    )]
    CurrencyUnknown,
}
