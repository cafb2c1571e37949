//! Reading the file that is evaluated.

use chrono::NaiveDate;

use super::Evaluate;
use crate::error::{Error, Result};
use crate::money::{Currency, Money};

/// A movement of money and the category it was filed under.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub date: NaiveDate,
    pub amount: Money,
    pub description: String,
    pub account: String,
    pub category: String,
}

/// The rows that are asked for, by date; rows of one day as they stand.
pub(super) fn read(wanted: &Evaluate) -> Result<Vec<Row>> {
    let file = wanted.file.display();
    let refused = |message: String| Error::invalid("FILE", format!("{file}: {message}"));
    let mut reader =
        csv::Reader::from_path(&wanted.file).map_err(|error| refused(error.to_string()))?;
    let header = reader
        .headers()
        .map_err(|error| refused(error.to_string()))?
        .clone();
    let find = |name: &str| header.iter().position(|column| column.trim() == name);
    let column = |flag: &'static str, name: &str| {
        find(name).ok_or_else(|| {
            let columns = header.iter().collect::<Vec<_>>().join(", ");
            Error::invalid(
                flag,
                format!("{file} has no column {name:?}; it has {columns}"),
            )
        })
    };
    let date = column("--date", &wanted.date)?;
    let amount = column("--amount", &wanted.amount)?;
    let description = column("--description", &wanted.description)?;
    let category = column("--category", &wanted.category)?;
    let account = match find(&wanted.account) {
        None if wanted.account != "account" => Some(column("--account", &wanted.account)?),
        found => found,
    };
    let mut only = Vec::with_capacity(wanted.only.len());
    for condition in &wanted.only {
        let (name, value) = condition.split_once('=').ok_or_else(|| {
            Error::invalid(
                "--only",
                format!("{condition:?} is not of the form COLUMN=VALUE"),
            )
        })?;
        only.push((column("--only", name)?, value));
    }
    let currency: Currency =
        wanted
            .currency
            .parse()
            .map_err(|error: crate::money::UnknownCurrency| {
                Error::invalid("--currency", error.to_string())
            })?;

    let mut rows = Vec::new();
    for (line, record) in (2..).zip(reader.records()) {
        let record = record.map_err(|error| refused(error.to_string()))?;
        let cell = |at: usize| record.get(at).unwrap_or_default().trim();
        if only.iter().any(|(at, value)| cell(*at) != *value) {
            continue;
        }
        let (text, category) = (cell(description), cell(category));
        if text.is_empty() || category.is_empty() {
            continue;
        }
        let day = cell(date).get(..10).unwrap_or(cell(date)).parse();
        let money = Money::parse(cell(amount), currency)
            .map_err(|error| refused(format!("line {line}: {error}")))?;
        rows.push(Row {
            date: day.map_err(|_| {
                refused(format!(
                    "line {line}: {:?} is not a date like 2026-03-31",
                    cell(date)
                ))
            })?,
            amount: if wanted.spent_positive { -money } else { money },
            description: text.to_owned(),
            account: account
                .map(cell)
                .filter(|name| !name.is_empty())
                .unwrap_or("all")
                .to_owned(),
            category: category.to_owned(),
        });
    }
    rows.sort_by_key(|row| row.date);
    rows.truncate(wanted.limit.unwrap_or(usize::MAX));
    if rows.is_empty() {
        return Err(refused("no row has a text and a category".to_owned()));
    }
    Ok(rows)
}
