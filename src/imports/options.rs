//! How a file is read, as it is kept with its import.

use entity::import;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::integrations::Format;
use crate::integrations::csv::CsvMapping;
use crate::money::Currency;

/// How a file is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Options {
    /// The columns of a CSV file; guessed when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<CsvMapping>,
    /// The currency of rows that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_currency: Option<Currency>,
}

impl Options {
    /// The options of an import.
    pub fn of(import: &import::Model) -> Result<Self> {
        Ok(serde_json::from_str(&import.options)?)
    }
}

/// The public name of a format.
pub(super) fn name_of(format: Format) -> &'static str {
    match format {
        Format::Csv => "CSV",
        Format::Ofx => "OFX",
    }
}
