//! Records that do not count under their own category as a whole. Confirmed transfers count nowhere: money that goes from
//! one own account to another is neither earned nor spent. A refund counts where its purchase does, as long as the
//! purchase counts itself: it lessens the expense and is no income. A split record counts line by line.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use entity::record::Status;
use entity::record_link::{self, Kind};
use entity::{CategoryId, DecisionId, RecordId, record, record_split};
use sea_orm::sea_query::{SelectStatement, UnionType};
use sea_orm::{
    ColumnTrait, Condition, FromQueryResult, QueryFilter, QuerySelect, QueryTrait, Select,
};

use super::sums::{Group, OPEN};
use super::{Interval, Params};
use crate::ctx::Read;
use crate::error::Result;
use crate::permission::Reach;
use crate::splits;

/// A record that may count elsewhere.
#[derive(Debug, FromQueryResult)]
struct Special {
    id: RecordId,
    decision_id: Option<DecisionId>,
    category_id: Option<CategoryId>,
    currency: String,
    status: Status,
    amount: i64,
    occurred_on: NaiveDate,
}

/// What such records add to the sums of all records: themselves taken away where they stand, and put where they count.
/// One statement when there are none, five when there are any.
pub(super) async fn moved(read: &Read, params: &Params, reach: &Reach) -> Result<Vec<Group>> {
    let counted = counted(params.include_proposed);
    let of_period = || {
        let special = transfers(read)
            .union(UnionType::Distinct, refunds(read, &counted, None))
            .union(UnionType::Distinct, split(read))
            .to_owned();
        read.select::<record::Entity>()
            .filter(record::Column::Id.in_subquery(special))
            .filter(record::Column::Status.is_in(OPEN))
            .filter(record::Column::OccurredOn.between(params.from, params.to))
            .filter(reach.condition().unwrap_or_else(Condition::all))
    };
    let specials = read_all(of_period(), read).await?;
    if specials.is_empty() {
        return Ok(Vec::new());
    }
    let ids = || {
        of_period()
            .select_only()
            .column(record::Column::Id)
            .into_query()
    };
    let links: Vec<record_link::Model> = confirmed(read)
        .filter(
            Condition::any()
                .add(record_link::Column::OutId.in_subquery(ids()))
                .add(record_link::Column::InId.in_subquery(ids())),
        )
        .all(read.on())
        .await?;
    let purchases = || {
        let of = confirmed(read)
            .select_only()
            .column(record_link::Column::OutId)
            .filter(record_link::Column::Kind.eq(Kind::Refund))
            .filter(record_link::Column::InId.in_subquery(ids()));
        read.select::<record::Entity>()
            .filter(record::Column::Id.in_subquery(of.into_query()))
            .filter(record::Column::Status.is_in(counted.iter().copied()))
    };
    let bought = read_all(purchases(), read).await?;
    let lines = Lines {
        of_specials: lines(read, of_period()).await?,
        of_purchases: lines(read, purchases()).await?,
    };
    Ok(groups(params.interval, &specials, &links, &bought, &lines))
}

/// The lines of decisions in force.
type ByDecision = HashMap<DecisionId, Vec<record_split::Model>>;

struct Lines {
    of_specials: ByDecision,
    of_purchases: ByDecision,
}

/// Takes every special record away and puts it where it counts. Pure: everything read is given.
fn groups(
    interval: Interval,
    specials: &[Special],
    links: &[record_link::Model],
    bought: &[Special],
    lines: &Lines,
) -> Vec<Group> {
    let transfers: HashSet<RecordId> = links
        .iter()
        .filter(|link| link.kind == Kind::Transfer)
        .flat_map(|link| [link.out_id, link.in_id])
        .collect();
    let bought: HashMap<RecordId, &Special> = bought.iter().map(|row| (row.id, row)).collect();
    let refunds: HashMap<RecordId, &Special> = links
        .iter()
        .filter(|link| link.kind == Kind::Refund)
        .filter_map(|link| Some((link.in_id, *bought.get(&link.out_id)?)))
        .collect();
    let mut groups = Vec::with_capacity(specials.len() * 3);
    for special in specials {
        let own = postings(special, &lines.of_specials);
        let to = if transfers.contains(&special.id) {
            Vec::new()
        } else if let Some(purchase) = refunds.get(&special.id) {
            spread(special, &postings(purchase, &lines.of_purchases))
        } else {
            own
        };
        let month = match interval {
            Interval::None => String::new(),
            _ => special.occurred_on.format("%Y-%m").to_string(),
        };
        let group = |category_id, amount, records, beside| {
            let of = (special.currency.clone(), special.status, month.clone());
            Group::of(category_id, of, amount, records, beside)
        };
        groups.push(group(special.category_id, -special.amount, -1, Vec::new()));
        for (at, (category, amount)) in to.iter().enumerate() {
            let before = to[..at].iter().filter_map(|(category, _)| *category);
            groups.push(group(*category, *amount, 1, before.collect()));
        }
    }
    groups
}

/// Where a record counts by what was decided about it alone.
fn postings(special: &Special, lines: &ByDecision) -> Vec<(Option<CategoryId>, i64)> {
    let open = matches!(special.status, Status::Processed | Status::Approved);
    let decision = special.decision_id.filter(|_| open);
    match decision.and_then(|decision| lines.get(&decision)) {
        Some(lines) => {
            let lines = lines.iter();
            lines
                .map(|line| (Some(line.category_id), line.amount))
                .collect()
        }
        None => vec![(special.category_id, special.amount)],
    }
}

/// A refund over the lines of its purchase, in proportion.
fn spread(refund: &Special, over: &[(Option<CategoryId>, i64)]) -> Vec<(Option<CategoryId>, i64)> {
    let weights: Vec<i64> = over.iter().map(|(_, amount)| *amount).collect();
    let amounts = splits::by_weight(refund.amount, &refund.currency, &weights);
    over.iter()
        .map(|(category, _)| *category)
        .zip(amounts)
        .collect()
}

async fn read_all(select: Select<record::Entity>, read: &Read) -> Result<Vec<Special>> {
    Ok(select
        .select_only()
        .columns([
            record::Column::Id,
            record::Column::DecisionId,
            record::Column::CategoryId,
            record::Column::Currency,
            record::Column::Status,
            record::Column::Amount,
            record::Column::OccurredOn,
        ])
        .into_model::<Special>()
        .all(read.on())
        .await?)
}

async fn lines(read: &Read, of: Select<record::Entity>) -> Result<ByDecision> {
    let decisions = of.select_only().column(record::Column::DecisionId);
    let mut rows = read
        .select::<record_split::Entity>()
        .filter(record_split::Column::DecisionId.in_subquery(decisions.into_query()))
        .all(read.on())
        .await?;
    rows.sort_unstable_by_key(|row| (row.decision_id, row.line));
    let mut lines = ByDecision::new();
    for row in rows {
        lines.entry(row.decision_id).or_default().push(row);
    }
    Ok(lines)
}

/// The statuses that count.
pub(super) fn counted(include_proposed: bool) -> Vec<Status> {
    match include_proposed {
        true => vec![Status::Approved, Status::Processed],
        false => vec![Status::Approved],
    }
}

fn confirmed(read: &Read) -> Select<record_link::Entity> {
    read.select::<record_link::Entity>()
        .filter(record_link::Column::Status.eq(record_link::Status::Confirmed))
}

/// The ids of both sides of every confirmed transfer.
pub(super) fn transfers(read: &Read) -> SelectStatement {
    let side = |column| {
        confirmed(read)
            .select_only()
            .column(column)
            .filter(record_link::Column::Kind.eq(Kind::Transfer))
            .into_query()
    };
    side(record_link::Column::OutId)
        .union(UnionType::Distinct, side(record_link::Column::InId))
        .to_owned()
}

/// The ids of refunds whose purchase counts; of those that count under one of these categories, when some are given.
pub(super) fn refunds(
    read: &Read,
    counted: &[Status],
    under: Option<&[CategoryId]>,
) -> SelectStatement {
    let mut purchases = read
        .select::<record::Entity>()
        .select_only()
        .column(record::Column::Id)
        .filter(record::Column::Status.is_in(counted.iter().copied()));
    if let Some(under) = under {
        purchases = purchases.filter(filed_under(read, under));
    }
    confirmed(read)
        .select_only()
        .column(record_link::Column::InId)
        .filter(record_link::Column::Kind.eq(Kind::Refund))
        .filter(record_link::Column::OutId.in_subquery(purchases.into_query()))
        .into_query()
}

/// Filed under one of these categories: as a whole, or by a line.
pub(super) fn filed_under(read: &Read, categories: &[CategoryId]) -> Condition {
    let lines = read
        .select::<record_split::Entity>()
        .select_only()
        .column(record_split::Column::DecisionId)
        .filter(record_split::Column::CategoryId.is_in(categories.iter().copied()))
        .into_query();
    let whole = Condition::all()
        .add(record::Column::CategoryId.is_in(categories.iter().copied()))
        .add(splits::is_not_split(read.select()));
    Condition::any()
        .add(whole)
        .add(record::Column::DecisionId.in_subquery(lines))
}

/// The ids of records that somebody or a rule has split.
fn split(read: &Read) -> SelectStatement {
    read.select::<record_split::Entity>()
        .select_only()
        .column(record_split::Column::RecordId)
        .into_query()
}

#[cfg(test)]
mod tests;
