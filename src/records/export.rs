//! Records as a CSV file, in portions: the size of the books does not matter to memory.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use async_stream::try_stream;
use entity::record::Status;
use entity::record_link::{self, Kind};
use entity::{
    AccountId, CategoryId, DecisionId, RecordId, account, category, record, record_split,
};
use futures::Stream;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveEnum, ColumnTrait, Condition, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::csv_cell::push_line;
use super::filter::RecordFilter;
use super::reach::reached;
use super::receive::external_id;
use crate::ctx::{Ctx, Read};
use crate::error::Result;
use crate::money::{Currency, Money};
use crate::permission::Permission;
use crate::splits;
use crate::tag;

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
    "line",
    "transferWith",
    "refundOf",
    "tags",
];

/// The records a filter lets through as CSV, by date. A split record takes a line for each of its own, numbered and with its
/// part of the amount, so that the column adds up; a filter for a category leaves out the lines of others. Each portion is read for itself, so a slow reader holds no
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
            yield lines(&ctx, &records, filter.category).await?;
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
    let select = filter.apply(&read);
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
async fn lines(
    ctx: &Ctx,
    records: &[record::Model],
    wanted: Option<CategoryId>,
) -> Result<Vec<u8>> {
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
    let open = |r: &&record::Model| matches!(r.status, Status::Processed | Status::Approved);
    let decisions = records.iter().filter(open).filter_map(|r| r.decision_id);
    let decisions: Vec<DecisionId> = decisions.collect();
    let splits = splits::of_decisions(read.select(), read.on(), &decisions).await?;
    let links = Links::of(&read, records).await?;
    let on_lines = splits.values().flatten().map(|line| line.category_id);
    let ids: BTreeSet<CategoryId> = records
        .iter()
        .filter_map(|r| r.category_id)
        .chain(on_lines)
        .collect();
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
        let lines = record
            .decision_id
            .and_then(|decision| splits.get(&decision));
        let tags = Cow::from(tag::read(record.tags.as_deref()).join(", "));
        let beside = links.cells(record.id).into_iter().chain([tags]);
        let known = |id: &CategoryId| categories.get(id);
        match lines {
            None => {
                let category = record.category_id.as_ref().and_then(known);
                let cells = cells(record, account, category, None);
                push_line(&mut out, cells.into_iter().chain(beside));
            }
            Some(lines) => {
                for line in lines {
                    if wanted.is_none_or(|wanted| wanted == line.category_id) {
                        let cells = cells(record, account, known(&line.category_id), Some(line));
                        push_line(&mut out, cells.into_iter().chain(beside.clone()));
                    }
                }
            }
        }
    }
    Ok(out)
}

/// What the records of a portion are linked to.
struct Links {
    transfers: HashMap<RecordId, RecordId>,
    purchases: HashMap<RecordId, RecordId>,
}

impl Links {
    async fn of(read: &Read, records: &[record::Model]) -> Result<Self> {
        let ids = || records.iter().map(|record| record.id);
        let found = read
            .select::<record_link::Entity>()
            .filter(record_link::Column::Status.eq(record_link::Status::Confirmed))
            .filter(
                Condition::any()
                    .add(record_link::Column::OutId.is_in(ids()))
                    .add(record_link::Column::InId.is_in(ids())),
            )
            .all(read.on())
            .await?;
        let mut links = Self {
            transfers: HashMap::new(),
            purchases: HashMap::new(),
        };
        for link in found {
            match link.kind {
                Kind::Transfer => {
                    links.transfers.insert(link.out_id, link.in_id);
                    links.transfers.insert(link.in_id, link.out_id);
                }
                Kind::Refund => {
                    links.purchases.insert(link.in_id, link.out_id);
                }
            }
        }
        Ok(links)
    }

    /// The other side of a transfer, and the purchase of a refund.
    fn cells(&self, record: RecordId) -> [Cow<'static, str>; 2] {
        let cell = |of: &HashMap<RecordId, RecordId>| {
            of.get(&record)
                .map_or(Cow::Borrowed(""), |id| id.to_string().into())
        };
        [cell(&self.transfers), cell(&self.purchases)]
    }
}

fn cells<'r>(
    record: &'r record::Model,
    account: Option<&'r account::Model>,
    category: Option<&'r category::Model>,
    line: Option<&'r record_split::Model>,
) -> [Cow<'r, str>; 16] {
    // a stored currency was one when it was stored; a code that is none today keeps two digits
    let currency = record.currency.parse().unwrap_or(Currency::EUR);
    let text = |text: Option<&'r String>| Cow::Borrowed(text.map_or("", String::as_str));
    [
        record.id.to_string().into(),
        record.occurred_on.to_string().into(),
        Money::new(line.map_or(record.amount, |line| line.amount), currency)
            .decimal()
            .into(),
        record.currency.as_str().into(),
        record.description.as_str().into(),
        record.merchant_key.as_str().into(),
        text(account.map(|account| &account.name)),
        text(account.and_then(|account| account.number.as_ref())),
        text(category.map(|category| &category.code)),
        text(category.map(|category| &category.name)),
        text(
            line.and_then(|line| line.project.as_ref())
                .or(record.project.as_ref()),
        ),
        text(
            line.and_then(|line| line.note.as_ref())
                .or(record.note.as_ref()),
        ),
        record.status.to_value().into(),
        external_id(record).into(),
        record.created_at.to_rfc3339().into(),
        line.map_or(Cow::Borrowed(""), |line| line.line.to_string().into()),
    ]
}
