//! What clients say about records: filters, orders and rows.

use async_graphql::{Enum, ID, InputObject, Json};
use serde_json::Value;

use super::RecordStatus;
use crate::bulk;
use crate::error::{Error, Result};
use crate::graphql::accounts::currency;
use crate::graphql::bulk::ErrorPolicy;
use crate::graphql::node::{local, local_opt};
use crate::graphql::scalar::{Date, Decimal};
use crate::money::{Currency, Money};
use crate::records::{self, NewRow, RowsOf};

/// Which way money moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "records::Direction")]
pub enum MoneyDirection {
    /// Into the account.
    In,
    /// Out of the account.
    Out,
}

/// The order of a list of records. Equal records stand in the order they were received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[graphql(remote = "records::RecordOrder")]
pub enum RecordOrder {
    /// The latest day first.
    #[default]
    OccurredOnDesc,
    /// The earliest day first.
    OccurredOnAsc,
    /// The last received first.
    CreatedDesc,
    /// The first received first.
    CreatedAsc,
    /// The largest signed amount first.
    AmountDesc,
    /// The smallest signed amount first.
    AmountAsc,
}

/// Which records are wanted. What is left out does not matter; voided records are seen by their status only.
#[derive(InputObject, Default)]
pub struct RecordFilter {
    /// How far they are: any of these.
    pub status: Option<Vec<RecordStatus>>,
    /// The account money moved on.
    pub account_id: Option<ID>,
    /// The proposed or approved category.
    pub category_id: Option<ID>,
    /// The import that brought them.
    pub import_id: Option<ID>,
    /// The connection that delivered them.
    pub connection_id: Option<ID>,
    /// The first day.
    pub occurred_from: Option<Date>,
    /// The last day.
    pub occurred_to: Option<Date>,
    /// The smallest signed amount.
    pub amount_min: Option<Decimal>,
    /// The largest signed amount.
    pub amount_max: Option<Decimal>,
    /// The project, by its key.
    pub project: Option<String>,
    /// Tags, all of them.
    pub tags: Option<Vec<String>>,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// Which way money moved.
    pub direction: Option<MoneyDirection>,
    /// A part of the description, in any letter case.
    pub text: Option<String>,
}

impl RecordFilter {
    /// The filter as the room knows it.
    pub(super) fn read(self) -> Result<records::RecordFilter> {
        let code = self.currency.as_deref();
        Ok(records::RecordFilter {
            status: self.status.into_iter().flatten().map(Into::into).collect(),
            account: local_opt("Account", "filter.accountId", self.account_id.as_ref())?,
            category: local_opt("Category", "filter.categoryId", self.category_id.as_ref())?,
            import: local_opt("Import", "filter.importId", self.import_id.as_ref())?,
            connection: local_opt(
                "Connection",
                "filter.connectionId",
                self.connection_id.as_ref(),
            )?,
            source: None,
            occurred_from: self.occurred_from.map(|day| day.0),
            occurred_to: self.occurred_to.map(|day| day.0),
            amount_min: units("filter.amountMin", self.amount_min)?,
            amount_max: units("filter.amountMax", self.amount_max)?,
            project: self.project,
            tags: self.tags.unwrap_or_default(),
            currency: code
                .map(|code| currency("filter.currency", code))
                .transpose()?,
            direction: self.direction.map(Into::into),
            text: self.text,
        })
    }
}

/// The units of an amount, which are the same in every currency.
fn units(field: &'static str, amount: Option<Decimal>) -> Result<Option<i64>> {
    let Some(amount) = amount else {
        return Ok(None);
    };
    match Money::parse(&amount.0, Currency::EUR) {
        Ok(money) => Ok(Some(money.units)),
        Err(error) => Err(Error::invalid(field, error.to_string())),
    }
}

/// A movement of money to be stored.
#[derive(InputObject)]
pub struct ImportRow {
    /// The source's id of it. Without one, equal rows of a call are kept apart, and equal rows of two calls are one.
    pub external_id: Option<String>,
    /// The local date it happened.
    pub occurred_on: Date,
    /// How much moved: money in is positive, money out negative.
    pub amount: Decimal,
    /// ISO 4217 code.
    pub currency: String,
    /// The text the bank sent.
    pub description: String,
    /// What the source adds.
    pub metadata: Option<Json<Value>>,
    /// Tags for the record: up to 20, of 1 to 50 characters without commas, semicolons, quotes and backslashes. A row that
    /// is a record already leaves the tags of that as they are.
    #[graphql(default)]
    pub tags: Vec<String>,
}

impl From<ImportRow> for NewRow {
    fn from(row: ImportRow) -> Self {
        Self {
            external_id: row.external_id,
            occurred_on: row.occurred_on.0,
            amount: row.amount.0,
            currency: row.currency,
            description: row.description,
            metadata: row.metadata.map(|json| json.0),
            tags: row.tags,
        }
    }
}

/// Rows to be stored.
#[derive(InputObject)]
pub struct ImportRecordsInput {
    /// The account money moved on; this or `accountNumber`.
    pub account_id: Option<ID>,
    /// The account as statements name it; it is made when there is none.
    pub account_number: Option<String>,
    /// The rows, 1 to 1,000.
    pub rows: Vec<ImportRow>,
    /// Whether the rows count money spent as positive, as statements of cards often do.
    #[graphql(default)]
    pub spent_positive: bool,
    /// What happens to good rows beside bad ones.
    #[graphql(default_with = "ErrorPolicy::RejectAll")]
    pub error_policy: ErrorPolicy,
}

impl ImportRecordsInput {
    /// The account, the rows signed from the books' view, and what happens to bad ones.
    pub(super) fn read(self) -> Result<(RowsOf, Vec<NewRow>, bulk::ErrorPolicy)> {
        let account = match (&self.account_id, self.account_number) {
            (Some(id), None) => RowsOf::Account(local("Account", "accountId", id)?),
            (None, Some(number)) => RowsOf::Number(number),
            _ => {
                let message =
                    "say which account with accountId or with accountNumber, not with both";
                return Err(Error::invalid("accountId", message));
            }
        };
        let mut rows: Vec<NewRow> = self.rows.into_iter().map(Into::into).collect();
        if self.spent_positive {
            for row in &mut rows {
                row.amount = negated(&row.amount);
            }
        }
        Ok((account, rows, self.error_policy.into()))
    }
}

/// The same decimal with the other sign.
fn negated(amount: &str) -> String {
    let amount = amount.trim();
    match amount.strip_prefix('-') {
        Some(positive) => positive.to_owned(),
        None => format!("-{}", amount.strip_prefix('+').unwrap_or(amount)),
    }
}

/// Failed records to drive again.
#[derive(InputObject)]
pub struct RetryFailedRecordsInput {
    /// Which records, up to 1,000; every failed one when left out.
    pub record_ids: Option<Vec<ID>>,
    /// What happens to failed ones beside those that are not: by default the others are counted only.
    #[graphql(default_with = "ErrorPolicy::IgnoreFailed")]
    pub error_policy: ErrorPolicy,
}
