//! A mapping laid over the columns of one file, and the reading of one row with it.

use super::{
    mapping::{AmountColumns, Column, CsvMapping, CurrencySource, Sign},
    split::Record,
    values::{self, DateFormat},
};
use crate::{
    integrations::{FileError, MAX_FIELD_BYTES, StatementRow, join_texts, quoted},
    money::{Currency, Money},
    tag,
};

/// What is wrong with a row: the field, and the reason.
type Refusal = (Option<&'static str>, String);

/// Where each part of a row is.
pub(super) struct Layout<'m> {
    /// The mapping it was made from.
    pub mapping: &'m CsvMapping,
    width: usize,
    date: usize,
    date_format: DateFormat<'m>,
    description: Vec<usize>,
    amount: AmountAt<'m>,
    currency: CurrencyAt,
    account: Option<usize>,
    external_id: Option<usize>,
    tags: Option<usize>,
}

/// Where the amount is, by position.
enum AmountAt<'m> {
    Signed(usize),
    DebitCredit {
        debit: usize,
        credit: usize,
        debit_is_negative: bool,
    },
    Flagged {
        column: usize,
        flag: usize,
        money_in: &'m [String],
        money_out: &'m [String],
    },
}

/// Where the currency is, by position.
enum CurrencyAt {
    Column(usize, Option<Currency>),
    Fixed(Currency),
}

impl<'m> Layout<'m> {
    /// Finds the mapped columns among those of the file.
    pub fn new(
        mapping: &'m CsvMapping,
        columns: &[String],
        date_format: DateFormat<'m>,
        default_currency: Option<Currency>,
    ) -> Result<Self, FileError> {
        let find = |field, column: &Column| find_column(field, column, columns, mapping.has_header);
        let amount = match &mapping.amount {
            AmountColumns::Signed { column } => AmountAt::Signed(find("amount", column)?),
            AmountColumns::DebitCredit {
                debit,
                credit,
                debit_is_negative,
            } => AmountAt::DebitCredit {
                debit: find("debit", debit)?,
                credit: find("credit", credit)?,
                debit_is_negative: *debit_is_negative,
            },
            AmountColumns::Flagged {
                column,
                flag,
                money_in,
                money_out,
            } => AmountAt::Flagged {
                column: find("amount", column)?,
                flag: find("flag", flag)?,
                money_in,
                money_out,
            },
        };
        let currency = match (&mapping.currency, default_currency) {
            (Some(CurrencySource::Fixed(currency)), _) => CurrencyAt::Fixed(*currency),
            (Some(CurrencySource::Column(column)), default) => {
                CurrencyAt::Column(find("currency", column)?, default)
            }
            (None, Some(currency)) => CurrencyAt::Fixed(currency),
            (None, None) => return Err(FileError::CurrencyUnknown),
        };
        let description = mapping
            .description
            .iter()
            .map(|column| find("description", column))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            mapping,
            width: columns.len(),
            date: find("date", &mapping.date)?,
            date_format,
            description,
            amount,
            currency,
            account: mapping
                .account
                .as_ref()
                .map(|column| find("account", column))
                .transpose()?,
            external_id: mapping
                .external_id
                .as_ref()
                .map(|column| find("externalId", column))
                .transpose()?,
            tags: mapping
                .tags
                .as_ref()
                .map(|column| find("tags", column))
                .transpose()?,
        })
    }

    /// Whether a record has text and neither date nor amount.
    pub fn is_continuation(&self, record: &Record<'_>) -> bool {
        let no_amount = match &self.amount {
            AmountAt::Signed(column) | AmountAt::Flagged { column, .. } => {
                record.cell(*column).is_empty()
            }
            AmountAt::DebitCredit { debit, credit, .. } => {
                record.cell(*debit).is_empty() && record.cell(*credit).is_empty()
            }
        };
        let described = self
            .description
            .iter()
            .any(|&column| !record.cell(column).is_empty());
        record.malformed.is_none() && record.cell(self.date).is_empty() && no_amount && described
    }

    /// The mapped texts of a record.
    pub fn text(&self, record: &Record<'_>) -> String {
        join_texts(self.description.iter().map(|&column| record.cell(column)))
    }

    /// Reads a record, or says everything that is wrong with it.
    pub fn row(&self, record: &Record<'_>) -> Result<StatementRow, Refusal> {
        if let Some(reason) = record.malformed {
            return Err((None, reason.to_owned()));
        }
        if record.cells.iter().any(|cell| cell.len() > MAX_FIELD_BYTES) {
            return Err((
                None,
                format!("a field is longer than the {MAX_FIELD_BYTES} bytes that are accepted"),
            ));
        }
        let beyond = record
            .cells
            .iter()
            .skip(self.width)
            .find(|cell| !cell.trim().is_empty());
        if let Some(cell) = beyond {
            let reason = format!(
                "the row has more than {} columns, {} is beyond the last: a text that holds the delimiter must be quoted",
                self.width,
                quoted(cell)
            );
            return Err((None, reason));
        }

        let date = self
            .date_format
            .date(record.cell(self.date))
            .map_err(|reason| ("date", reason));
        let amount = self
            .currency(record)
            .and_then(|currency| self.amount(record, currency));
        let tags = self.tags.map_or("", |column| record.cell(column));
        let tags = tag::in_cell(tags);
        match (date, amount) {
            (Ok(occurred_on), Ok(amount)) => Ok(StatementRow {
                tags: tags.map_err(|reason| (Some("tags"), reason))?,
                line: record.line,
                external_id: present(record, self.external_id),
                account: present(record, self.account),
                occurred_on,
                amount,
                description: self.text(record),
                words: words(record).collect(),
                raw: record.raw.to_owned(),
            }),
            (Err((field, date)), Err((_, amount))) => {
                Err((Some(field), format!("{date}; {amount}")))
            }
            (Err((field, reason)), _) | (_, Err((field, reason))) => Err((Some(field), reason)),
        }
    }

    /// The currency of a row.
    fn currency(&self, record: &Record<'_>) -> Result<Currency, (&'static str, String)> {
        match self.currency {
            CurrencyAt::Fixed(currency) => Ok(currency),
            CurrencyAt::Column(column, default) => match (record.cell(column), default) {
                ("", Some(currency)) => Ok(currency),
                ("", None) => Err((
                    "currency",
                    "the currency is empty: accepted is an ISO 4217 code such as EUR".to_owned(),
                )),
                (code, _) => code
                    .parse()
                    .map_err(|error| ("currency", format!("{error}"))),
            },
        }
    }

    /// The amount of a row as the books see it.
    fn amount(
        &self,
        record: &Record<'_>,
        currency: Currency,
    ) -> Result<Money, (&'static str, String)> {
        let money = |field, column: usize| {
            values::amount(record.cell(column), self.mapping.decimal, currency)
                .map_err(|reason| (field, reason))
        };
        let filled = |column: usize| !record.cell(column).is_empty();
        let amount = match &self.amount {
            AmountAt::Signed(column) => money("amount", *column)?,
            AmountAt::DebitCredit {
                debit,
                credit,
                debit_is_negative,
            } => {
                let out = if filled(*debit) {
                    Some(money("debit", *debit)?)
                } else {
                    None
                };
                let r#in = if filled(*credit) {
                    Some(money("credit", *credit)?)
                } else {
                    None
                };
                let out = out.map(|out| if *debit_is_negative { out } else { -out });
                match (out, r#in) {
                    (Some(out), Some(r#in)) if r#in.is_zero() => out,
                    (Some(out), Some(r#in)) if out.is_zero() => r#in,
                    (Some(_), Some(_)) => {
                        return Err((
                            "amount",
                            "both debit and credit hold an amount: accepted is one of them"
                                .to_owned(),
                        ));
                    }
                    (Some(amount), None) | (None, Some(amount)) => amount,
                    (None, None) => {
                        return Err((
                            "amount",
                            "neither debit nor credit holds an amount".to_owned(),
                        ));
                    }
                }
            }
            AmountAt::Flagged {
                column,
                flag,
                money_in,
                money_out,
            } => {
                let amount = money("amount", *column)?;
                if amount.units < 0 {
                    let reason = format!(
                        "{} has a sign beside a direction: accepted is an amount without one",
                        quoted(record.cell(*column))
                    );
                    return Err(("amount", reason));
                }
                let direction = record.cell(*flag).to_lowercase();
                let says = |words: &[String]| {
                    words
                        .iter()
                        .any(|word| word.trim().to_lowercase() == direction)
                };
                if says(money_in) {
                    amount
                } else if says(money_out) {
                    -amount
                } else {
                    let reason = format!(
                        "{} is no direction: accepted are {} for money in and {} for money out",
                        quoted(record.cell(*flag)),
                        money_in.join(", "),
                        money_out.join(", "),
                    );
                    return Err(("direction", reason));
                }
            }
        };
        Ok(match self.mapping.sign {
            Sign::MoneyOutNegative => amount,
            Sign::MoneyOutPositive => -amount,
        })
    }
}

/// The cells of a record that say something in words: neither numbers nor a currency code.
pub(super) fn words(record: &Record<'_>) -> impl Iterator<Item = String> {
    let is_code = |cell: &str| cell.len() == 3 && cell.parse::<Currency>().is_ok();
    let cells = record.cells.iter().map(|cell| cell.trim());
    cells
        .filter(move |cell| cell.chars().any(char::is_alphabetic) && !is_code(cell))
        .map(str::to_owned)
}

/// A mapped cell that holds something.
fn present(record: &Record<'_>, column: Option<usize>) -> Option<String> {
    let cell = record.cell(column?);
    (!cell.is_empty()).then(|| cell.to_owned())
}

/// The position of a mapped column.
fn find_column(
    field: &'static str,
    column: &Column,
    columns: &[String],
    has_header: bool,
) -> Result<usize, FileError> {
    let found = match column {
        Column::Index(index) => (*index < columns.len()).then_some(*index),
        Column::Name(_) if !has_header => None,
        Column::Name(name) => {
            let name = name.trim();
            let exact: Vec<usize> = (0..columns.len())
                .filter(|&at| columns[at] == name)
                .collect();
            let folded = || -> Vec<usize> {
                (0..columns.len())
                    .filter(|&at| columns[at].to_lowercase() == name.to_lowercase())
                    .collect()
            };
            let found = if exact.is_empty() { folded() } else { exact };
            if found.len() > 1 {
                let message = format!(
                    "{column} is the name of {} columns: name it by its position, from 0",
                    found.len()
                );
                return Err(FileError::Mapping { field, message });
            }
            found.first().copied()
        }
    };
    found.ok_or_else(|| FileError::MissingColumn {
        field,
        column: column.to_string(),
        columns: columns.join(", "),
    })
}
