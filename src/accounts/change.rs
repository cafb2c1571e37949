//! Making and changing accounts.

use chrono::{DateTime, Utc};
use entity::{AccountId, account};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveEnum, ColumnTrait, PaginatorTrait, QueryFilter, QuerySelect};
use serde_json::json;

use super::number::normal;
use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::integrations::csv::CsvMapping;
use crate::money::Currency;
use crate::permission::Permission;

/// The longest name an account may have, in characters.
const MAX_NAME: usize = 200;

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// What people call it.
    pub name: String,
    /// How statements name it.
    pub number: Option<String>,
    /// What it is.
    pub kind: account::Kind,
    /// Its currency, when it holds one.
    pub currency: Option<Currency>,
    /// How its CSV statements are read.
    pub csv_mapping: Option<CsvMapping>,
}

/// What changes in an account; what is `None` stays, and an inner `None` takes the value away.
#[derive(Clone, Debug, Default)]
pub struct AccountChange {
    /// What people call it.
    pub name: Option<String>,
    /// How statements name it.
    pub number: Option<Option<String>>,
    /// What it is.
    pub kind: Option<account::Kind>,
    /// Its currency, when it holds one.
    pub currency: Option<Option<Currency>>,
    /// How its CSV statements are read.
    pub csv_mapping: Option<Option<CsvMapping>>,
}

/// Makes an account.
pub async fn create(ctx: &Ctx, new: NewAccount) -> Result<account::Model> {
    ctx.require(Permission::WriteAccounts)?;
    let now = ctx.now();
    let row = account::Model {
        tenant_id: ctx.tenant(),
        id: ctx.id(),
        name: valid_name(&new.name)?,
        number: valid_number(new.number.as_deref())?,
        kind: new.kind,
        currency: new.currency.map(|currency| currency.to_string()),
        csv_mapping: new
            .csv_mapping
            .as_ref()
            .map(serde_json::to_string)
            .transpose()?,
        archived_at: None,
        created_at: now,
        updated_at: now,
    };
    let mut tx = ctx.begin().await?;
    refuse_taken(&tx, row.id, row.number.as_deref()).await?;
    tx.insert(row.clone()).await?;
    tx.record(Event::AccountCreated { account: row.id });
    tx.commit().await?;
    Ok(row)
}

/// Changes what an account says about itself.
pub async fn change(ctx: &Ctx, id: AccountId, change: AccountChange) -> Result<account::Model> {
    ctx.require(Permission::WriteAccounts)?;
    let mut tx = ctx.begin().await?;
    let before = tx
        .select::<account::Entity>()
        .filter(account::Column::Id.eq(id))
        .lock_exclusive()
        .one(tx.on())
        .await?
        .ok_or(Error::NotFound("account"))?;
    let mut update = tx
        .update::<account::Entity>()
        .col_expr(account::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(account::Column::Id.eq(id));
    if let Some(name) = &change.name {
        update = update.col_expr(account::Column::Name, Expr::value(valid_name(name)?));
    }
    if let Some(number) = &change.number {
        let number = valid_number(number.as_deref())?;
        refuse_taken(&tx, id, number.as_deref()).await?;
        update = update.col_expr(account::Column::Number, Expr::value(number));
    }
    if let Some(kind) = change.kind {
        update = update.col_expr(account::Column::Kind, Expr::value(kind));
    }
    if let Some(currency) = change.currency {
        let currency = currency.map(|currency| currency.to_string());
        update = update.col_expr(account::Column::Currency, Expr::value(currency));
    }
    if let Some(mapping) = &change.csv_mapping {
        let mapping = mapping.as_ref().map(serde_json::to_string).transpose()?;
        update = update.col_expr(account::Column::CsvMapping, Expr::value(mapping));
    }
    let changed = update.exec_with_returning(tx.on()).await?;
    let row = changed
        .into_iter()
        .next()
        .ok_or(Error::NotFound("account"))?;
    tx.record_diff(Event::AccountChanged { account: id }, diff(&before, &row));
    tx.commit().await?;
    Ok(row)
}

/// What changed. Names, numbers and mappings are text that people wrote: the log says that they changed, the row says to
/// what.
fn diff(before: &account::Model, row: &account::Model) -> serde_json::Value {
    let texts = [
        ("name", before.name != row.name),
        ("number", before.number != row.number),
        ("csvMapping", before.csv_mapping != row.csv_mapping),
    ];
    let changed = texts.into_iter().filter(|(_, changed)| *changed);
    let changed: Vec<&str> = changed.map(|(name, _)| name).collect();
    let mut diff = json!({ "changed": changed });
    if before.kind != row.kind {
        diff["kind"] = json!({ "from": before.kind.to_value(), "to": row.kind.to_value() });
    }
    if before.currency != row.currency {
        diff["currency"] = json!({ "from": before.currency, "to": row.currency });
    }
    diff
}

/// Puts an account away: it takes no more imports, and its records stay.
pub async fn archive(ctx: &Ctx, id: AccountId) -> Result<account::Model> {
    put_away(ctx, id, true).await
}

/// Takes an account out again.
pub async fn restore(ctx: &Ctx, id: AccountId) -> Result<account::Model> {
    put_away(ctx, id, false).await
}

async fn put_away(ctx: &Ctx, id: AccountId, away: bool) -> Result<account::Model> {
    ctx.require(Permission::WriteAccounts)?;
    let mut tx = ctx.begin().await?;
    let archived_at: Option<DateTime<Utc>> = away.then(|| ctx.now());
    let leaves = account::Column::ArchivedAt;
    let changed = tx
        .update::<account::Entity>()
        .col_expr(account::Column::ArchivedAt, Expr::value(archived_at))
        .col_expr(account::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(account::Column::Id.eq(id))
        .filter(if away {
            leaves.is_null()
        } else {
            leaves.is_not_null()
        })
        .exec_with_returning(tx.on())
        .await?;
    let Some(row) = changed.into_iter().next() else {
        let there = tx
            .select::<account::Entity>()
            .filter(account::Column::Id.eq(id))
            .count(tx.on())
            .await?;
        return Err(match (there, away) {
            (0, _) => Error::NotFound("account"),
            (_, true) => Error::conflict("the account is archived already"),
            (_, false) => Error::conflict("the account is not archived"),
        });
    };
    tx.record(if away {
        Event::AccountArchived { account: id }
    } else {
        Event::AccountRestored { account: id }
    });
    tx.commit().await?;
    Ok(row)
}

async fn refuse_taken(tx: &Tx<'_>, id: AccountId, number: Option<&str>) -> Result<()> {
    let Some(number) = number else { return Ok(()) };
    let taken = tx
        .select::<account::Entity>()
        .filter(account::Column::Number.eq(number))
        .filter(account::Column::Id.ne(id))
        .one(tx.on())
        .await?;
    match taken {
        None => Ok(()),
        Some(_) => Err(Error::invalid(
            "number",
            "is the number of another account already",
        )),
    }
}

fn valid_name(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(Error::invalid(
            "name",
            format!("must have 1 to {MAX_NAME} characters"),
        ));
    }
    Ok(name.to_owned())
}

/// An empty number is none.
fn valid_number(number: Option<&str>) -> Result<Option<String>> {
    let number = number.map(normal).filter(|number| !number.is_empty());
    match number {
        Some(number) if number.chars().count() > MAX_NAME => Err(Error::invalid(
            "number",
            format!("must have at most {MAX_NAME} characters"),
        )),
        number => Ok(number),
    }
}
