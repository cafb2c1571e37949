//! How money events written by others become rows: statement files and webhook bodies.
//!
//! Everything here is pure. Bytes come in; rows, refused rows and reasons go out, and what is
//! done with them is decided elsewhere. A row that cannot be read is refused with its line, its
//! field and a reason that names what is accepted, and it never stops the rows beside it; a
//! [`FileError`] means that no row could be looked for at all.
//!
//! Amounts leave this room signed from the books' view: money in is positive, money out
//! negative. OFX and the webhook body are written that way; a CSV mapping states how its file is.

pub mod content_key;
pub mod csv;
mod detect;
mod error;
pub mod ofx;
mod text;
pub mod webhook;

pub use detect::detect;
pub use error::FileError;
pub use text::Encoding;

use chrono::NaiveDate;

use crate::money::{Currency, Money};

/// The most transactions one file may hold.
pub const MAX_ROWS: usize = 200_000;

/// The longest text one field may hold, in bytes.
pub const MAX_FIELD_BYTES: usize = 10_000;

/// The statement formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Delimited text, read with a [`csv::CsvMapping`].
    Csv,
    /// OFX or QFX, either version.
    Ofx,
}

/// One transaction as a file or a webhook states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementRow {
    /// The line the row starts on, counted from 1; in a webhook the item's position, from 1.
    pub line: u32,
    /// The bank's own id of the transaction, unique within its account.
    pub external_id: Option<String>,
    /// The account as the file writes it.
    pub account: Option<String>,
    /// The day it happened, in the bank's own time.
    pub occurred_on: NaiveDate,
    /// How much moved: money in is positive, money out negative.
    pub amount: Money,
    /// What a person reads.
    pub description: String,
    /// The tags it brings along, as they are kept.
    pub tags: Vec<String>,
    /// The words of the row whichever columns are mapped: what a content key is made of.
    pub words: Vec<String>,
    /// The row as it stood in the file.
    pub raw: String,
}

/// A row that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// The line the row starts on, counted from 1.
    pub line: u32,
    /// What in it was wrong, where one field can be named.
    pub field: Option<&'static str>,
    /// What was wrong, and what is accepted.
    pub reason: String,
    /// The row as it stood in the file, cut after [`MAX_FIELD_BYTES`].
    pub raw: String,
}

/// What kind of account a file says it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKind {
    /// A current account.
    Checking,
    /// Savings, a money market account or a deposit.
    Savings,
    /// A line of credit.
    CreditLine,
    /// A credit card.
    CreditCard,
    /// An account at a broker, of which only the movements of cash are read.
    Investment,
}

/// An account a file names, also when it has no transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementAccount {
    /// The account as the file writes it.
    pub number: String,
    /// The currency it is kept in, where the file says so.
    pub currency: Option<Currency>,
    /// What kind of account it is, where the file says so.
    pub kind: Option<AccountKind>,
    /// How many of the accepted rows are its own.
    pub rows: usize,
}

/// All that was found in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What the file was read as.
    pub format: Format,
    /// The transactions, in the order of the file.
    pub rows: Vec<StatementRow>,
    /// What could not be read, in the order of the file.
    pub refused: Vec<RefusedRow>,
    /// The accounts it names.
    pub accounts: Vec<StatementAccount>,
    /// What a person should know about how it was read.
    pub notes: Vec<String>,
}

impl RefusedRow {
    /// A refusal that keeps a sane amount of the row.
    fn new(line: u32, field: Option<&'static str>, reason: impl Into<String>, raw: &str) -> Self {
        let raw = raw[..raw.floor_char_boundary(MAX_FIELD_BYTES)].to_owned();
        Self {
            line,
            field,
            reason: reason.into(),
            raw,
        }
    }
}

/// Joins texts with a space, leaving out what another of them already says.
fn join_texts<'t>(parts: impl IntoIterator<Item = &'t str>) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for part in parts
        .into_iter()
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        if kept.iter().any(|text| text.contains(part)) {
            continue;
        }
        kept.retain(|text| !part.contains(text));
        kept.push(part);
    }
    kept.join(" ")
}

/// A text short enough to be quoted in a reason.
fn quoted(text: &str) -> String {
    let text = text.trim();
    let end = text.floor_char_boundary(60);
    let dots = if end < text.len() { "…" } else { "" };
    format!("'{}{dots}'", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_not_repeated_when_texts_are_joined() {
        assert_eq!(join_texts(["CHECK PAID", " CHECK PAID "]), "CHECK PAID");
        assert_eq!(join_texts(["ACME", "ACME invoice 7"]), "ACME invoice 7");
        assert_eq!(join_texts(["POS ACME", "", "ACME"]), "POS ACME");
        assert_eq!(join_texts(["ACME", "card 7"]), "ACME card 7");
    }

    #[test]
    fn a_quoted_text_is_cut_between_characters() {
        assert_eq!(quoted(" a "), "'a'");
        assert_eq!(quoted(&"é".repeat(100)), format!("'{}…'", "é".repeat(30)));
    }
}

#[cfg(test)]
mod real_files;
