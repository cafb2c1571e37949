//! The accounts that money moves on, as clients see them.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, Enum, ID, InputObject, Json, MaybeUndefined, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{AccountId, account};
use serde_json::Value;

use super::loader::OpLoader;
use super::node::{global, local};
use super::op::Op;
use super::page::{Connection, as_of, asks, window};
use super::payload::payloads;
use super::plain::plain;
use crate::accounts::{self, AccountChange, NewAccount};
use crate::error::{Error, Result};
use crate::integrations::csv::CsvMapping;
use crate::money::Currency;

/// What an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "account::Kind")]
pub enum AccountKind {
    /// A bank account.
    Bank,
    /// A payment or credit card.
    Card,
    /// A cash box.
    Cash,
    /// Anything else that holds money.
    Other,
}

/// A bank account, card or cash box that money moves on.
#[derive(Clone, SimpleObject)]
#[graphql(serial)]
pub struct Account {
    /// Opaque global id.
    pub id: ID,
    /// What people call it.
    pub name: String,
    /// How statements name it; unique in the tenant.
    pub number: Option<String>,
    /// What it is.
    pub kind: AccountKind,
    /// ISO 4217 code, when it holds one currency.
    pub currency: Option<String>,
    /// How its CSV statements are read, when that was saved; the form is that of `previewStatement`.
    pub csv_mapping: Option<Json<Value>>,
    /// When it was put away.
    pub archived_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

plain!(Account;
    "id" id, "name" name, "number" number, "kind" kind, "currency" currency, "csvMapping" csv_mapping,
    "archivedAt" archived_at, "createdAt" created_at, "updatedAt" updated_at
);

impl From<account::Model> for Account {
    fn from(row: account::Model) -> Self {
        let mapping = row.csv_mapping.as_deref();
        Self {
            id: global("Account", row.id),
            name: row.name,
            number: row.number,
            kind: row.kind.into(),
            currency: row.currency,
            csv_mapping: mapping.and_then(|json| serde_json::from_str(json).ok().map(Json)),
            archived_at: row.archived_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl Loader<AccountId> for OpLoader {
    type Value = Account;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[AccountId]) -> Result<HashMap<AccountId, Account>, Arc<Error>> {
        let found = accounts::by_ids(&self.ctx, ids).await.map_err(Arc::new)?;
        Ok(found.into_iter().map(|row| (row.id, row.into())).collect())
    }
}

/// Which accounts are wanted.
#[derive(InputObject, Default)]
pub struct AccountFilter {
    /// Only those put away, or only those not.
    pub archived: Option<bool>,
    /// Only of this kind.
    pub kind: Option<AccountKind>,
}

impl From<AccountFilter> for accounts::AccountFilter {
    fn from(filter: AccountFilter) -> Self {
        Self {
            archived: filter.archived,
            kind: filter.kind.map(Into::into),
        }
    }
}

/// An account to be made.
#[derive(InputObject)]
pub struct CreateAccountInput {
    /// What people call it.
    pub name: String,
    /// How statements name it; blanks in an IBAN do not matter.
    pub number: Option<String>,
    /// What it is.
    #[graphql(default_with = "AccountKind::Bank")]
    pub kind: AccountKind,
    /// ISO 4217 code, when it holds one currency.
    pub currency: Option<String>,
    /// How its CSV statements are read; the form is that of `previewStatement`.
    pub csv_mapping: Option<Json<Value>>,
}

/// What changes in an account. What is left out stays; null takes a value away.
#[derive(InputObject)]
pub struct UpdateAccountInput {
    /// Which account.
    pub account_id: ID,
    /// What people call it.
    pub name: Option<String>,
    /// How statements name it.
    pub number: MaybeUndefined<String>,
    /// What it is.
    pub kind: Option<AccountKind>,
    /// ISO 4217 code.
    pub currency: MaybeUndefined<String>,
    /// How its CSV statements are read; the form is that of `previewStatement`.
    pub csv_mapping: MaybeUndefined<Json<Value>>,
}

/// An account to put away.
#[derive(InputObject)]
pub struct ArchiveAccountInput {
    /// Which account.
    pub account_id: ID,
}

/// An account to take out again.
#[derive(InputObject)]
pub struct RestoreAccountInput {
    /// Which account.
    pub account_id: ID,
}

payloads! {
    /// An account that was made.
    CreateAccountPayload {
        /// The account.
        account: Account
    },
    /// An account that was changed.
    UpdateAccountPayload {
        /// The account.
        account: Account
    },
    /// An account that was put away.
    ArchiveAccountPayload {
        /// The account.
        account: Account
    },
    /// An account that was taken out again.
    RestoreAccountPayload {
        /// The account.
        account: Account
    },
}

/// Reads a currency given as input `field`.
pub(super) fn currency(field: &'static str, code: &str) -> Result<Currency> {
    code.parse()
        .map_err(|error: crate::money::UnknownCurrency| Error::invalid(field, error.to_string()))
}

/// Reads a column mapping given as input `field`.
pub(super) fn csv_mapping(field: &'static str, json: Json<Value>) -> Result<CsvMapping> {
    serde_json::from_value(json.0).map_err(|error| {
        Error::invalid(
            field,
            format!("is no column mapping: {error}; previewStatement proposes one"),
        )
    })
}

/// What is kept, taken away or set: the three a client can say.
pub(super) fn change<T, U>(
    value: MaybeUndefined<T>,
    read: impl FnOnce(T) -> Result<U>,
) -> Result<Option<Option<U>>> {
    Ok(match value {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(read(value)?)),
    })
}

/// Questions about accounts.
#[derive(Default)]
pub struct AccountsQuery;

#[Object]
impl AccountsQuery {
    /// One account. Needs `accounts:read`.
    async fn account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its global id.")] id: ID,
    ) -> Result<Account> {
        let id = local("Account", "id", &id)?;
        Ok(accounts::load(ctx.op()?, id).await?.into())
    }

    /// The accounts by name. Needs `accounts:read`.
    async fn accounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which accounts; all when left out.")] filter: Option<AccountFilter>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor to start after.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor to end before.")] before: Option<String>,
    ) -> Result<Connection<Account>> {
        let window = window(first, after, last, before)?;
        let filter = filter.unwrap_or_default().into();
        let op = ctx.op()?;
        let as_of = as_of(ctx).await?;
        let page = accounts::list(op, &filter, &window).await?;
        let mut found = Connection::of(page, Account::from);
        found.as_of = as_of;
        if asks(ctx, "totalCount") {
            found.total_count = Some(accounts::count(op, &filter).await? as i64);
        }
        Ok(found)
    }
}

/// What is done with accounts.
#[derive(Default)]
pub struct AccountsMutation;

#[Object]
impl AccountsMutation {
    /// Make an account. Needs `accounts:write`.
    async fn create_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: CreateAccountInput,
    ) -> Result<CreateAccountPayload> {
        let op = ctx.op()?;
        let made = async {
            let currency = input.currency.as_deref();
            let new = NewAccount {
                name: input.name,
                number: input.number,
                kind: input.kind.into(),
                currency: currency
                    .map(|code| self::currency("currency", code))
                    .transpose()?,
                csv_mapping: input
                    .csv_mapping
                    .map(|json| csv_mapping("csvMapping", json))
                    .transpose()?,
            };
            accounts::create(op, new).await
        };
        CreateAccountPayload::of(made.await)
    }

    /// Change what an account says about itself. Needs `accounts:write`.
    async fn update_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: UpdateAccountInput,
    ) -> Result<UpdateAccountPayload> {
        let op = ctx.op()?;
        let changed = async {
            let id = local("Account", "accountId", &input.account_id)?;
            let change = AccountChange {
                name: input.name,
                number: self::change(input.number, Ok)?,
                kind: input.kind.map(Into::into),
                currency: self::change(input.currency, |code| currency("currency", &code))?,
                csv_mapping: self::change(input.csv_mapping, |json| {
                    csv_mapping("csvMapping", json)
                })?,
            };
            accounts::change(op, id, change).await
        };
        UpdateAccountPayload::of(changed.await)
    }

    /// Put an account away: it takes no more imports, and its records stay. Needs `accounts:write`.
    async fn archive_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ArchiveAccountInput,
    ) -> Result<ArchiveAccountPayload> {
        let op = ctx.op()?;
        let archived = async {
            let id = local("Account", "accountId", &input.account_id)?;
            accounts::archive(op, id).await
        };
        ArchiveAccountPayload::of(archived.await)
    }

    /// Take an account out again. Needs `accounts:write`.
    async fn restore_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RestoreAccountInput,
    ) -> Result<RestoreAccountPayload> {
        let op = ctx.op()?;
        let restored = async {
            let id = local("Account", "accountId", &input.account_id)?;
            accounts::restore(op, id).await
        };
        RestoreAccountPayload::of(restored.await)
    }
}
