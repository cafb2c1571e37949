//! Rows that a client sends itself, with an answer for each.

use std::slice;

use chrono::{Datelike, NaiveDate};
use entity::{AccountId, RecordId, account};
use sea_orm::{ColumnTrait, QueryFilter};

use super::receive::{NewRecord, Receipt, receive};
use crate::accounts::{NamedAccount, find_or_create_by_number};
use crate::bulk::ErrorPolicy;
use crate::ctx::{Ctx, Tx};
use crate::error::{Error, Result};
use crate::integrations::content_key::content_keys;
use crate::integrations::{MAX_FIELD_BYTES, StatementRow};
use crate::money::Money;
use crate::permission::Permission;
use crate::tag;

/// The most rows of one call.
pub const MAX_ROWS: usize = 1_000;

/// The longest external id, in bytes.
const MAX_ID_BYTES: usize = 255;

/// The longest number of an account, in bytes.
const MAX_NUMBER_BYTES: usize = 100;

/// A row as a client writes it.
#[derive(Clone, Debug)]
pub struct NewRow {
    /// The source's id of it; made from the content when absent.
    pub external_id: Option<String>,
    /// The local date it happened.
    pub occurred_on: NaiveDate,
    /// A decimal; money in is positive.
    pub amount: String,
    /// ISO 4217 code.
    pub currency: String,
    /// The text the bank sent.
    pub description: String,
    /// Tags, as a person writes them.
    pub tags: Vec<String>,
    /// What the source adds.
    pub metadata: Option<serde_json::Value>,
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowAnswer {
    /// It is a record now.
    New(RecordId),
    /// It was a record already.
    Duplicate(RecordId),
    /// It could not be read.
    Refused {
        /// The field at fault.
        field: &'static str,
        /// What was wrong and what is accepted.
        message: String,
    },
    /// It is good, and was left out because another row is not.
    NotStored,
}

/// The account that rows belong to.
#[derive(Clone, Debug)]
pub enum RowsOf {
    /// This one.
    Account(AccountId),
    /// The one that statements name so; it is made when there is none.
    Number(String),
}

impl From<AccountId> for RowsOf {
    fn from(account: AccountId) -> Self {
        Self::Account(account)
    }
}

/// Stores up to [`MAX_ROWS`] rows of an account; one answer per row, in order.
pub async fn import_records(
    ctx: &Ctx,
    account: impl Into<RowsOf>,
    rows: Vec<NewRow>,
    policy: ErrorPolicy,
) -> Result<Vec<RowAnswer>> {
    ctx.require(Permission::ImportRecords)?;
    if rows.is_empty() || rows.len() > MAX_ROWS {
        return Err(Error::invalid(
            "rows",
            format!("must be 1 to {MAX_ROWS} rows"),
        ));
    }
    let metadata: Vec<Option<String>> = rows
        .iter()
        .map(|row| row.metadata.as_ref().map(ToString::to_string))
        .collect();
    let read: Vec<Result<StatementRow, RowAnswer>> = (1..)
        .zip(&rows)
        .map(|(line, row)| valid(line, row))
        .collect();
    if policy == ErrorPolicy::RejectAll && read.iter().any(Result::is_err) {
        let answers = read.into_iter().map(|row| match row {
            Ok(_) => RowAnswer::NotStored,
            Err(refused) => refused,
        });
        return Ok(answers.collect());
    }
    let mut good = Vec::with_capacity(read.len());
    let mut good_metadata = Vec::with_capacity(read.len());
    let mut answers: Vec<Option<RowAnswer>> = Vec::with_capacity(read.len());
    for (row, metadata) in read.into_iter().zip(metadata) {
        match row {
            Ok(row) => {
                good.push(row);
                good_metadata.push(metadata);
                answers.push(None);
            }
            Err(refused) => answers.push(Some(refused)),
        }
    }
    let receipts = store(ctx, account.into(), good, good_metadata).await?;
    let mut receipts = receipts.into_iter().map(|receipt| match receipt.new {
        true => RowAnswer::New(receipt.record),
        false => RowAnswer::Duplicate(receipt.record),
    });
    Ok(answers
        .into_iter()
        .map(|answer| answer.or_else(|| receipts.next()))
        .map(|answer| answer.expect("every good row has its receipt"))
        .collect())
}

async fn store(
    ctx: &Ctx,
    account: RowsOf,
    rows: Vec<StatementRow>,
    metadata: Vec<Option<String>>,
) -> Result<Vec<Receipt>> {
    let mut tx = ctx.begin().await?;
    let account = resolve(&mut tx, account).await?;
    let keys = content_keys(&rows);
    let records = rows
        .into_iter()
        .zip(keys)
        .zip(metadata)
        .map(|((row, key), metadata)| NewRecord {
            source_id: account.0,
            external_id: row.external_id.unwrap_or(key),
            account_id: Some(account),
            connection_id: None,
            import_id: None,
            occurred_on: row.occurred_on,
            amount: row.amount,
            description: row.description,
            raw: row.raw,
            tags: row.tags,
            metadata,
            created_by: ctx.user(),
        });
    let receipts = receive(&mut tx, records.collect()).await?;
    tx.commit().await?;
    Ok(receipts)
}

async fn resolve(tx: &mut Tx<'_>, account: RowsOf) -> Result<AccountId> {
    let account = match account {
        RowsOf::Account(account) => account,
        RowsOf::Number(number) => {
            if number.trim().is_empty() || number.len() > MAX_NUMBER_BYTES {
                return Err(Error::invalid(
                    "accountNumber",
                    format!("must have 1 to {MAX_NUMBER_BYTES} bytes"),
                ));
            }
            let named = NamedAccount {
                number,
                kind: account::Kind::Bank,
                currency: None,
            };
            let found = find_or_create_by_number(tx, slice::from_ref(&named)).await?;
            let found = found.into_values().next();
            found.ok_or_else(|| Error::internal("an account was neither found nor made"))?
        }
    };
    refuse_closed(tx, account).await?;
    Ok(account)
}

async fn refuse_closed(tx: &Tx<'_>, account: AccountId) -> Result<()> {
    let found = tx
        .select::<account::Entity>()
        .filter(account::Column::Id.eq(account))
        .one(tx.on())
        .await?;
    match found {
        None => Err(Error::NotFound("account")),
        Some(account) if account.archived_at.is_some() => Err(Error::invalid(
            "accountId",
            "is archived; restore it or choose another account",
        )),
        Some(_) => Ok(()),
    }
}

fn valid(line: u32, row: &NewRow) -> Result<StatementRow, RowAnswer> {
    let refused = |field, message: String| RowAnswer::Refused { field, message };
    let external_id = row.external_id.as_deref().map(str::trim);
    let external_id = external_id.filter(|id| !id.is_empty());
    if external_id.is_some_and(|id| id.len() > MAX_ID_BYTES) {
        return Err(refused(
            "externalId",
            format!("is longer than the {MAX_ID_BYTES} bytes that are accepted"),
        ));
    }
    if !(1900..2200).contains(&row.occurred_on.year()) {
        return Err(refused(
            "occurredOn",
            "is out of range: accepted are the years 1900 to 2199".to_owned(),
        ));
    }
    let currency = row
        .currency
        .parse()
        .map_err(|error: crate::money::UnknownCurrency| refused("currency", error.to_string()))?;
    let amount = Money::parse(&row.amount, currency)
        .map_err(|error| refused("amount", error.to_string()))?;
    let description = row.description.trim();
    if description.is_empty() || description.len() > MAX_FIELD_BYTES {
        return Err(refused(
            "description",
            format!("must have 1 to {MAX_FIELD_BYTES} bytes"),
        ));
    }
    let tags = tag::all_kept(row.tags.iter().map(String::as_str));
    let tags = tags.map_err(|_| tag::ACCEPTED.to_owned());
    let tags = tags.and_then(tag::few);
    let tags = tags.map_err(|message| refused("tags", message))?;
    let mut raw = serde_json::json!({
        "externalId": external_id,
        "occurredOn": row.occurred_on,
        "amount": row.amount,
        "currency": row.currency,
        "description": row.description,
    });
    if !row.tags.is_empty() {
        raw["tags"] = row.tags.as_slice().into();
    }
    Ok(StatementRow {
        tags,
        line,
        external_id: external_id.map(str::to_owned),
        account: None,
        occurred_on: row.occurred_on,
        amount,
        description: description.to_owned(),
        words: vec![description.to_owned()],
        raw: raw.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(amount: &str, currency: &str, description: &str) -> NewRow {
        NewRow {
            external_id: None,
            occurred_on: NaiveDate::from_ymd_opt(2026, 3, 1).unwrap(),
            amount: amount.to_owned(),
            currency: currency.to_owned(),
            description: description.to_owned(),
            tags: Vec::new(),
            metadata: None,
        }
    }

    #[test]
    fn a_bad_row_names_its_field() {
        let field = |row: NewRow| match valid(1, &row) {
            Err(RowAnswer::Refused { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(field(row("12,50", "EUR", "x")), "amount");
        assert_eq!(field(row("12.50", "EURO", "x")), "currency");
        assert_eq!(field(row("12.50", "EUR", " ")), "description");
        assert!(valid(1, &row("12.50", "eur", " x ")).is_ok());
    }
}
