//! Finding accounts.

use entity::{AccountId, account};
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter, QueryTrait, Select};

use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::integrations::csv::CsvMapping;
use crate::page::{self, Page, Window};
use crate::permission::Permission;

/// Which accounts are wanted.
#[derive(Clone, Debug, Default)]
pub struct AccountFilter {
    /// Only those put away, or only those not.
    pub archived: Option<bool>,
    /// Only of this kind.
    pub kind: Option<account::Kind>,
}

impl AccountFilter {
    fn apply(&self, select: Select<account::Entity>) -> Select<account::Entity> {
        select
            .apply_if(self.archived, |select, archived| {
                let column = account::Column::ArchivedAt;
                select.filter(if archived {
                    column.is_not_null()
                } else {
                    column.is_null()
                })
            })
            .apply_if(self.kind, |select, kind| {
                select.filter(account::Column::Kind.eq(kind))
            })
    }
}

/// The accounts, by name.
pub async fn list(
    ctx: &Ctx,
    filter: &AccountFilter,
    window: &Window,
) -> Result<Page<account::Model>> {
    ctx.require(Permission::ReadAccounts)?;
    let read = ctx.read().await?;
    let select = filter.apply(read.select::<account::Entity>());
    let columns = [account::Column::Name, account::Column::Id];
    page::page(select, &columns, false, window, read.on()).await
}

/// How many there are.
pub async fn count(ctx: &Ctx, filter: &AccountFilter) -> Result<u64> {
    ctx.require(Permission::ReadAccounts)?;
    let read = ctx.read().await?;
    let select = filter.apply(read.select::<account::Entity>());
    Ok(select.count(read.on()).await?)
}

/// One account.
pub async fn load(ctx: &Ctx, id: AccountId) -> Result<account::Model> {
    let found = by_ids(ctx, &[id]).await?;
    found.into_iter().next().ok_or(Error::NotFound("account"))
}

/// The accounts of these ids, in no order; ids without an account are left out.
pub async fn by_ids(ctx: &Ctx, ids: &[AccountId]) -> Result<Vec<account::Model>> {
    ctx.require(Permission::ReadAccounts)?;
    let read = ctx.read().await?;
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(1_000) {
        let ids = account::Column::Id.is_in(ids.iter().copied());
        found.extend(
            read.select::<account::Entity>()
                .filter(ids)
                .all(read.on())
                .await?,
        );
    }
    Ok(found)
}

/// The accounts of these normal numbers; see [`normal`](super::normal).
pub async fn by_numbers(ctx: &Ctx, numbers: &[String]) -> Result<Vec<account::Model>> {
    ctx.require(Permission::ReadAccounts)?;
    let read = ctx.read().await?;
    let mut found = Vec::with_capacity(numbers.len());
    for numbers in numbers.chunks(1_000) {
        let numbers = account::Column::Number.is_in(numbers.iter().map(String::as_str));
        found.extend(
            read.select::<account::Entity>()
                .filter(numbers)
                .all(read.on())
                .await?,
        );
    }
    Ok(found)
}

/// The saved column mapping of an account.
pub fn mapping(account: &account::Model) -> Result<Option<CsvMapping>> {
    let mapping = account.csv_mapping.as_deref();
    Ok(mapping.map(serde_json::from_str).transpose()?)
}
