//! One step of applying: some of the records that the simulation lists.

use std::collections::HashMap;

use entity::automation::Mode;
use entity::change_set::{self, Status};
use entity::change_set_item::{Kind, Reason};
use entity::simulated_change::{self, Column as C};
use entity::{CategoryId, RecordId, approval, record};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::apply::finish;
use super::item::{self, FiledAfter, FiledBefore, Item, reason};
use super::work::{STEP, advanced};
use crate::approvals::{self, Refile, Standing};
use crate::automation;
use crate::ctx::Tx;
use crate::error::Result;

/// What is to be done about a listed record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    /// Have it proposed again.
    ProposeAgain,
    /// File it there.
    Refile(CategoryId),
    /// Not touch it, and say why.
    Leave(Kind, Reason),
}

/// Has the next records follow; whether none was left.
pub(super) async fn step(tx: &mut Tx<'_>, set: &mut change_set::Model) -> Result<bool> {
    let changes = tx
        .select::<simulated_change::Entity>()
        .filter(C::SimulationId.eq(set.simulation_id))
        .filter(C::Number.gt(set.reached))
        .order_by_asc(C::Number)
        .limit(STEP)
        .all(tx.on())
        .await?;
    let Some(last) = changes.last() else {
        finish(tx, set);
        return Ok(true);
    };
    set.status = Status::Applying;
    set.reached = last.number;
    set.done_records += i32::try_from(changes.len()).unwrap_or(i32::MAX);
    let ids: Vec<RecordId> = changes.iter().map(|change| change.record_id).collect();
    let standing = Standing::of(tx, &ids).await?;
    let automatic = automation::policy_in(tx).await?.mode == Mode::Automatic;
    let (mut again, mut refile, mut items) = (Vec::new(), Vec::new(), Vec::new());
    let mut of: HashMap<RecordId, &simulated_change::Model> = HashMap::new();
    for change in &changes {
        let record = standing.records.get(&change.record_id);
        let waiting = standing.waiting(change.record_id);
        of.insert(change.record_id, change);
        match wish(set, change, (record, waiting), automatic) {
            None => {}
            Some(Wish::ProposeAgain) => again.push(change.record_id),
            Some(Wish::Refile(category)) => refile.push(Refile {
                record: change.record_id,
                category,
            }),
            Some(Wish::Leave(kind, why)) => {
                items.push(about(kind, change, record).but(why));
            }
        }
    }
    for (id, became) in approvals::propose_again(tx, &standing, &again).await? {
        let Some(change) = of.get(&id) else { continue };
        let item = about(Kind::ProposedAgain, change, standing.records.get(&id));
        items.push(match became {
            Err(refusal) => item.but(reason(refusal)),
            Ok((withdrawn, waiting)) => Item {
                approvals: (Some(withdrawn), None),
                before: Some(serde_json::to_string(&waiting)?),
                ..item
            },
        });
    }
    for (id, became) in approvals::refile(tx, &standing, &refile).await? {
        let Some(change) = of.get(&id) else { continue };
        let item = about(Kind::Refiled, change, standing.records.get(&id));
        items.push(match became {
            Err(refusal) => item.but(reason(refusal)),
            Ok((approval, decision)) => Item {
                approvals: (standing.in_force(id).map(|row| row.id), Some(approval)),
                before: filed(&standing, id)?,
                after: Some(serde_json::to_string(&FiledAfter { decision })?),
                ..item
            },
        });
    }
    // listed in the order of the simulation
    items.sort_by_key(|item| {
        let change = item.record.and_then(|record| of.get(&record));
        change.map_or(0, |change| change.number)
    });
    item::list(tx, set, items).await?;
    advanced(tx, set);
    Ok(false)
}

/// How a record was filed before it was filed elsewhere.
fn filed(standing: &Standing, id: RecordId) -> Result<Option<String>> {
    let (Some(record), Some(row)) = (standing.records.get(&id), standing.in_force(id)) else {
        return Ok(None);
    };
    let (Some(decision), Some(category)) = (record.decision_id, record.category_id) else {
        return Ok(None);
    };
    let before = FiledBefore {
        overridden: row.status == approval::Status::Overridden,
        automatic: record.automatic,
        decision,
        category,
    };
    Ok(Some(serde_json::to_string(&before)?))
}

fn about(kind: Kind, change: &simulated_change::Model, record: Option<&record::Model>) -> Item {
    let now = record.and_then(|record| record.category_id);
    Item {
        categories: (now, change.after_category_id),
        ..Item::of_record(kind, change.record_id)
    }
}

/// What is to be done about a listed record as it is now; nothing, where that was not chosen. One that a person decided,
/// or took back, since the simulation is left to that person.
fn wish(
    set: &change_set::Model,
    change: &simulated_change::Model,
    (record, waiting): (Option<&record::Model>, Option<&approval::Model>),
    automatic: bool,
) -> Option<Wish> {
    use record::Status as Is;
    let truth = change.truth_category_id;
    // by which choice it would have been reached when it was simulated
    let (kind, chosen) = match truth {
        Some(_) => (Kind::Refiled, set.approved),
        None => (Kind::ProposedAgain, set.waiting),
    };
    let moved = Wish::Leave(kind, Reason::ChangedSince);
    let Some(record) = record else {
        return chosen.then_some(moved);
    };
    let said = record.category_id.filter(|_| !record.automatic);
    match record.status {
        Is::Processed if truth.is_some() => chosen.then_some(moved),
        Is::Processed if !set.waiting => None,
        Is::Processed => {
            // it could pass once more what a person has just taken back
            let reopened = waiting.is_some_and(|row| row.reopened_from.is_some());
            Some(match reopened && automatic {
                true => Wish::Leave(Kind::ProposedAgain, Reason::ReopenedByAPerson),
                false => Wish::ProposeAgain,
            })
        }
        Is::Approved if said != truth => chosen.then_some(moved),
        Is::Approved if !set.approved => None,
        Is::Approved => Some(match change.after_category_id {
            Some(category) if record.category_id == Some(category) => {
                Wish::Leave(Kind::Refiled, Reason::AlreadySo)
            }
            Some(category) => Wish::Refile(category),
            None => Wish::Leave(Kind::Refiled, Reason::NothingProposed),
        }),
        _ => chosen.then_some(moved),
    }
}
