//! What a person, or [`super::guess`], says about a CSV file; saved with the account.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::values::DateFormat;
use crate::{
    integrations::{Encoding, FileError, quoted},
    money::Currency,
};

/// The most columns a description is joined from.
const MAX_DESCRIPTION_COLUMNS: usize = 20;

/// How the columns of a file become statement rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CsvMapping {
    /// What stands between two cells.
    pub delimiter: Delimiter,
    /// Whether the first row after the skipped ones names the columns.
    pub has_header: bool,
    /// Lines above the table.
    #[serde(default)]
    pub skip_rows: u32,
    /// The encoding; a byte order mark wins over it.
    #[serde(default)]
    pub encoding: Encoding,
    /// The day it happened.
    pub date: Column,
    /// The date as strftime writes it, such as `%d/%m/%Y`; a time is read over.
    pub date_format: String,
    /// The texts that describe it, joined with a space.
    pub description: Vec<Column>,
    /// Where the amount is.
    pub amount: AmountColumns,
    /// What separates whole and fraction.
    #[serde(default)]
    pub decimal: DecimalSeparator,
    /// How direction is written.
    #[serde(default)]
    pub sign: Sign,
    /// What the amounts are amounts of; the account's own currency when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<CurrencySource>,
    /// The account of a row, where a file covers several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Column>,
    /// The bank's own id of a transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<Column>,
    /// Tags, with commas or semicolons between them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Column>,
    /// Whether a row with neither date nor amount goes on with the text of the row above.
    #[serde(default)]
    pub join_continuations: bool,
}

impl CsvMapping {
    /// Refuses a mapping that could read no file, so that it is never saved.
    pub fn check(&self) -> Result<(), FileError> {
        let refuse = |field, message| Err(FileError::Mapping { field, message });
        if let Err(message) = DateFormat::new(&self.date_format) {
            return refuse("dateFormat", message);
        }
        if self.description.len() > MAX_DESCRIPTION_COLUMNS {
            let message = format!("at most {MAX_DESCRIPTION_COLUMNS} columns are accepted");
            return refuse("description", message);
        }
        if let AmountColumns::Flagged {
            money_in,
            money_out,
            ..
        } = &self.amount
        {
            let folded = |word: &String| word.trim().to_lowercase();
            let out: Vec<String> = money_out.iter().map(folded).collect();
            let shared = money_in.iter().find(|word| out.contains(&folded(word)));
            if let Some(word) = shared {
                let message = format!("{} cannot mean both money in and money out", quoted(word));
                return refuse("moneyIn", message);
            }
            if money_in.is_empty() && money_out.is_empty() {
                let message =
                    "accepted is what the direction column says, such as C or CR".to_owned();
                return refuse("moneyIn", message);
            }
        }
        Ok(())
    }
}

/// A column, by the name in the header or by its position from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Column {
    /// The position, from 0.
    Index(usize),
    /// The name; letter case is ignored when no name matches exactly.
    Name(String),
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "{index}"),
            Self::Name(name) => write!(f, "'{name}'"),
        }
    }
}

/// Where the amount of a row is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum AmountColumns {
    /// One column whose sign is the direction.
    Signed {
        /// The amount.
        column: Column,
    },
    /// One column for money out, one for money in.
    DebitCredit {
        /// Money out.
        debit: Column,
        /// Money in.
        credit: Column,
        /// Whether the debit column writes money out with a minus. Otherwise a minus there
        /// takes money out back.
        #[serde(default)]
        debit_is_negative: bool,
    },
    /// An amount without sign, and a column that says the direction.
    Flagged {
        /// The amount.
        column: Column,
        /// The direction.
        flag: Column,
        /// What the direction column says for money in, in any letter case.
        money_in: Vec<String>,
        /// What it says for money out.
        money_out: Vec<String>,
    },
}

/// What the amounts are amounts of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CurrencySource {
    /// Each row says it.
    Column(Column),
    /// The same for every row.
    Fixed(Currency),
}

/// How an amount's sign is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Sign {
    /// As the books see it: money out is negative.
    #[default]
    MoneyOutNegative,
    /// The other way round, as card statements and expense lists often are: every amount is turned.
    MoneyOutPositive,
}

/// What stands between two cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Delimiter {
    /// `,`
    #[default]
    #[serde(rename = ",")]
    Comma,
    /// `;`
    #[serde(rename = ";")]
    Semicolon,
    /// A tab.
    #[serde(rename = "\t")]
    Tab,
    /// `|`
    #[serde(rename = "|")]
    Pipe,
}

impl Delimiter {
    /// All of them, the likeliest first.
    pub(super) const ALL: [Self; 4] = [Self::Comma, Self::Semicolon, Self::Tab, Self::Pipe];

    /// The character.
    pub(super) const fn char(self) -> char {
        match self {
            Self::Comma => ',',
            Self::Semicolon => ';',
            Self::Tab => '\t',
            Self::Pipe => '|',
        }
    }
}

/// What separates whole and fraction of an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum DecimalSeparator {
    /// `1,234.56`
    #[default]
    #[serde(rename = ".")]
    Point,
    /// `1.234,56`
    #[serde(rename = ",")]
    Comma,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_plain_json() {
        let json = r#"{
            "delimiter": ";", "hasHeader": true, "date": "Datum", "dateFormat": "%d.%m.%y",
            "description": ["Text", 4], "decimal": ",", "sign": "moneyOutPositive", "encoding": "windows-1252",
            "amount": {"kind": "debitCredit", "debit": "Soll", "credit": "Haben"},
            "currency": {"fixed": "EUR"}
        }"#;
        let mapping: CsvMapping = serde_json::from_str(json).unwrap();
        assert_eq!(mapping.description[1], Column::Index(4));
        assert_eq!(mapping.sign, Sign::MoneyOutPositive);
        assert_eq!(mapping.currency, Some(CurrencySource::Fixed(Currency::EUR)));
        let again: CsvMapping =
            serde_json::from_str(&serde_json::to_string(&mapping).unwrap()).unwrap();
        assert_eq!(again, mapping);
    }

    #[test]
    fn a_misspelt_setting_is_not_ignored() {
        let json = r#"{"delimiter": ";", "hasHeader": true, "date": 0, "dateFormat": "%F", "description": [1],
            "amount": {"kind": "signed", "column": 2}, "decimalSeparator": ","}"#;
        assert!(serde_json::from_str::<CsvMapping>(json).is_err());
    }
}
