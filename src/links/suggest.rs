//! Looking for pairs among what was just processed. The search asks by amounts and merchants of the whole batch at once,
//! in at most four statements, before anything is locked; what it finds is stored with the decisions.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::NaiveDate;
use entity::record_link::{self, Kind};
use entity::{LinkId, RecordId, record};
use sea_orm::{ColumnTrait, Condition, QueryFilter, QuerySelect, QueryTrait, Select};

use super::event;
use super::pairs::{self, Pair, REFUND_DAYS, Side, TRANSFER_DAYS};
use crate::ctx::{Ctx, Read, Tx};
use crate::error::Result;

/// Records compared with a batch at most. Where there are more alike, no pair stands out.
const MOST: u64 = 5_000;

/// Pairs that stand out.
#[derive(Debug, Default)]
pub struct Found {
    transfers: Vec<Pair>,
    refunds: Vec<Pair>,
}

/// Looks for pairs of which one side is among these records.
pub async fn find_pairs<'r>(
    ctx: &Ctx,
    records: impl Iterator<Item = &'r record::Model>,
) -> Result<Found> {
    let new: Vec<Side> = records
        .filter(|record| record.account_id.is_some() && record.amount != 0)
        .map(side)
        .collect();
    let days = new.iter().map(|side| side.occurred_on);
    let (Some(first), Some(last)) = (days.clone().min(), days.max()) else {
        return Ok(Found::default());
    };
    ctx.refresh().await;
    let read = ctx.read().await?;
    let opposite: BTreeSet<i64> = new.iter().map(|side| -side.amount).collect();
    let others = sides(&read, |select| {
        select
            .filter(record::Column::Amount.is_in(opposite))
            .filter(record::Column::OccurredOn.between(first - TRANSFER_DAYS, last + TRANSFER_DAYS))
    })
    .await?;
    let transfers = match others {
        Some(mut others) if !others.is_empty() => {
            // who else would fit the other sides
            let same: BTreeSet<i64> = others.iter().map(|side| -side.amount).collect();
            let wider = TRANSFER_DAYS * 2;
            let rivals = sides(&read, |select| {
                select
                    .filter(record::Column::Amount.is_in(same))
                    .filter(record::Column::OccurredOn.between(first - wider, last + wider))
            });
            match rivals.await? {
                Some(rivals) => {
                    others.extend(rivals);
                    pairs::transfers(&new, &others)
                }
                None => Vec::new(),
            }
        }
        _ => Vec::new(),
    };
    let paired: HashSet<RecordId> = transfers.iter().map(|pair| pair.into).collect();
    let refunds: Vec<Side> = new
        .into_iter()
        .filter(|side| side.amount > 0 && !side.merchant_key.is_empty())
        .filter(|side| !paired.contains(&side.id))
        .collect();
    let refunds = refunds_of(&read, &refunds, first - REFUND_DAYS, last).await?;
    drop(read);
    ctx.refresh().await;
    Ok(Found { transfers, refunds })
}

async fn refunds_of(
    read: &Read,
    new: &[Side],
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Vec<Pair>> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let merchants: BTreeSet<&str> = new.iter().map(|side| &*side.merchant_key).collect();
    let purchases = sides(read, |select| {
        select
            .filter(record::Column::MerchantKey.is_in(merchants))
            .filter(record::Column::Amount.lt(0_i64))
            .filter(record::Column::OccurredOn.between(first, last))
    });
    let Some(purchases) = purchases.await?.filter(|found| !found.is_empty()) else {
        return Ok(Vec::new());
    };
    let refunded = refunded(read, &purchases).await?;
    Ok(pairs::refunds(new, &purchases, &refunded))
}

/// How much of each of these purchases is refunded.
async fn refunded(read: &Read, purchases: &[Side]) -> Result<HashMap<RecordId, i64>> {
    let links = read
        .select::<record_link::Entity>()
        .filter(record_link::Column::Kind.eq(Kind::Refund))
        .filter(record_link::Column::Status.eq(record_link::Status::Confirmed));
    let refunds = links
        .clone()
        .select_only()
        .column(record_link::Column::InId)
        .filter(record_link::Column::OutId.is_in(purchases.iter().map(|side| side.id)));
    let amounts: Vec<(RecordId, i64)> = read
        .select::<record::Entity>()
        .select_only()
        .columns([record::Column::Id, record::Column::Amount])
        .filter(record::Column::Id.in_subquery(refunds.into_query()))
        .into_tuple()
        .all(read.on())
        .await?;
    if amounts.is_empty() {
        return Ok(HashMap::new());
    }
    let amounts: HashMap<RecordId, i64> = amounts.into_iter().collect();
    let links = links
        .filter(record_link::Column::InId.is_in(amounts.keys().copied()))
        .all(read.on())
        .await?;
    let mut refunded = HashMap::new();
    for link in links {
        let amount = amounts.get(&link.in_id).copied().unwrap_or_default();
        *refunded.entry(link.out_id).or_default() += amount;
    }
    Ok(refunded)
}

/// The records of own accounts that could be linked and that a query asks for; none when there are too many.
async fn sides(
    read: &Read,
    narrow: impl FnOnce(Select<record::Entity>) -> Select<record::Entity>,
) -> Result<Option<Vec<Side>>> {
    let linked = |column, kind: Option<Kind>| {
        let mut links = read
            .select::<record_link::Entity>()
            .select_only()
            .column(column)
            .filter(record_link::Column::Status.eq(record_link::Status::Confirmed));
        if let Some(kind) = kind {
            links = links.filter(record_link::Column::Kind.eq(kind));
        }
        links.into_query()
    };
    let free = Condition::all()
        .add(record::Column::Id.not_in_subquery(linked(record_link::Column::InId, None)))
        .add(
            record::Column::Id
                .not_in_subquery(linked(record_link::Column::OutId, Some(Kind::Transfer))),
        );
    let open = [
        record::Status::Received,
        record::Status::Processed,
        record::Status::Approved,
    ];
    let select = read
        .select::<record::Entity>()
        .select_only()
        .columns([
            record::Column::Id,
            record::Column::AccountId,
            record::Column::Amount,
            record::Column::Currency,
            record::Column::MerchantKey,
            record::Column::OccurredOn,
        ])
        .filter(record::Column::AccountId.is_not_null())
        .filter(record::Column::Status.is_in(open))
        .filter(free)
        .limit(MOST);
    let found = narrow(select).into_model::<Side>().all(read.on()).await?;
    Ok((found.len() as u64 != MOST).then_some(found))
}

fn side(record: &record::Model) -> Side {
    Side {
        id: record.id,
        account_id: record.account_id,
        amount: record.amount,
        currency: record.currency.clone(),
        merchant_key: record.merchant_key.clone(),
        occurred_on: record.occurred_on,
    }
}

/// Keeps the pairs that were found, for a person to judge. One that was suggested before is not suggested again, whatever
/// became of it.
pub async fn suggest(tx: &mut Tx<'_>, found: Found) -> Result<()> {
    let ctx = tx.ctx();
    let link = |kind| {
        move |pair: Pair| record_link::Model {
            tenant_id: ctx.tenant(),
            id: ctx.id(),
            kind,
            status: record_link::Status::Suggested,
            out_id: pair.out,
            in_id: pair.into,
            reason: pair.reason,
            decided_by: None,
            decided_at: None,
            created_at: ctx.now(),
        }
    };
    let transfers = found.transfers.into_iter().map(link(Kind::Transfer));
    let refunds = found.refunds.into_iter().map(link(Kind::Refund));
    let links: Vec<record_link::Model> = transfers.chain(refunds).collect();
    if links.is_empty() {
        return Ok(());
    }
    let stored: HashSet<LinkId> = tx
        .insert_new(links.clone())
        .await?
        .into_iter()
        .map(|(_, id)| id)
        .collect();
    for link in links.iter().filter(|link| stored.contains(&link.id)) {
        tx.record(event(link));
    }
    Ok(())
}
