//! Records as a CSV file, in portions: the size of the books does not matter to memory.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use async_stream::try_stream;
use entity::{AccountId, CategoryId, RecordId, account, category, record};
use futures::Stream;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveEnum, ColumnTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect};

use super::csv_cell::push_line;
use super::filter::RecordFilter;
use super::reach::reached;
use super::receive::external_id;
use crate::ctx::Ctx;
use crate::error::Result;
use crate::money::{Currency, Money};
use crate::permission::Permission;

/// Records of one portion.
const PORTION: u64 = 1_000;

const HEADER: &[&str] = &[
    "id",
    "occurredOn",
    "amount",
    "currency",
    "description",
    "merchant",
    "account",
    "accountNumber",
    "categoryCode",
    "category",
    "project",
    "note",
    "status",
    "externalId",
    "createdAt",
];

/// The records a filter lets through as CSV, by date. Each portion is read for itself, so a slow reader holds no
/// transaction open; records that change meanwhile appear as they are when their portion is read.
pub async fn export(
    ctx: Ctx,
    filter: RecordFilter,
) -> Result<impl Stream<Item = Result<Vec<u8>>> + Send + 'static> {
    ctx.require(Permission::ReadRecords)?;
    Ok(try_stream! {
        let mut header = Vec::new();
        push_line(&mut header, HEADER.iter().map(|name| Cow::Borrowed(*name)));
        yield header;
        let mut after = None;
        loop {
            let records = portion(&ctx, &filter, after).await?;
            let Some(last) = records.last() else { break };
            after = Some((last.occurred_on, last.id));
            let more = records.len() as u64 == PORTION;
            yield lines(&ctx, &records).await?;
            if !more {
                break;
            }
        }
    })
}

async fn portion(
    ctx: &Ctx,
    filter: &RecordFilter,
    after: Option<(chrono::NaiveDate, RecordId)>,
) -> Result<Vec<record::Model>> {
    ctx.refresh().await;
    let read = ctx.read().await?;
    let select = filter.apply(read.select::<record::Entity>());
    let mut select = reached(ctx, Permission::ReadRecords, select);
    if let Some((day, id)) = after {
        let key = Expr::tuple([
            Expr::col(record::Column::OccurredOn),
            Expr::col(record::Column::Id),
        ]);
        select = select.filter(key.gt(Expr::tuple([Expr::value(day), Expr::value(id)])));
    }
    Ok(select
        .order_by_asc(record::Column::OccurredOn)
        .order_by_asc(record::Column::Id)
        .limit(PORTION)
        .all(read.on())
        .await?)
}

/// The lines of a portion, with the names of its accounts and categories.
async fn lines(ctx: &Ctx, records: &[record::Model]) -> Result<Vec<u8>> {
    let read = ctx.read().await?;
    let ids: BTreeSet<AccountId> = records.iter().filter_map(|r| r.account_id).collect();
    let accounts: HashMap<AccountId, account::Model> = read
        .select::<account::Entity>()
        .filter(account::Column::Id.is_in(ids))
        .all(read.on())
        .await?
        .into_iter()
        .map(|account| (account.id, account))
        .collect();
    let ids: BTreeSet<CategoryId> = records.iter().filter_map(|r| r.category_id).collect();
    let categories: HashMap<CategoryId, category::Model> = read
        .select::<category::Entity>()
        .filter(category::Column::Id.is_in(ids))
        .all(read.on())
        .await?
        .into_iter()
        .map(|category| (category.id, category))
        .collect();
    drop(read);
    ctx.refresh().await;

    let mut out = Vec::with_capacity(records.len() * 200);
    for record in records {
        let account = record.account_id.and_then(|id| accounts.get(&id));
        let category = record.category_id.and_then(|id| categories.get(&id));
        push_line(&mut out, cells(record, account, category));
    }
    Ok(out)
}

fn cells<'r>(
    record: &'r record::Model,
    account: Option<&'r account::Model>,
    category: Option<&'r category::Model>,
) -> [Cow<'r, str>; 15] {
    // a stored currency was one when it was stored; a code that is none today keeps two digits
    let currency = record.currency.parse().unwrap_or(Currency::EUR);
    let text = |text: Option<&'r String>| Cow::Borrowed(text.map_or("", String::as_str));
    [
        record.id.to_string().into(),
        record.occurred_on.to_string().into(),
        Money::new(record.amount, currency).decimal().into(),
        record.currency.as_str().into(),
        record.description.as_str().into(),
        record.merchant_key.as_str().into(),
        text(account.map(|account| &account.name)),
        text(account.and_then(|account| account.number.as_ref())),
        text(category.map(|category| &category.code)),
        text(category.map(|category| &category.name)),
        text(record.project.as_ref()),
        text(record.note.as_ref()),
        record.status.to_value().into(),
        external_id(record).into(),
        record.created_at.to_rfc3339().into(),
    ]
}
