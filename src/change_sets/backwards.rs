//! One step of undoing: some of the records that the change set changed.

use std::collections::HashMap;

use entity::change_set;
use entity::change_set_item::{self, Column as I, Kind, Outcome, Reason};
use entity::{ChangeSetItemId, RecordId};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::item::{FiledAfter, FiledBefore, kept, reason};
use super::undo::{RECORDS, finish, mark};
use super::work::{STEP, advanced};
use crate::approvals::{self, FileBack, Restore, Standing};
use crate::ctx::Tx;
use crate::error::{Error, Result};

/// Puts the last records back that are still as the change set left them; whether none was left.
pub(super) async fn step(tx: &mut Tx<'_>, set: &mut change_set::Model) -> Result<bool> {
    let items = tx
        .select::<change_set_item::Entity>()
        .filter(I::ChangeSetId.eq(set.id))
        .filter(I::Kind.is_in(RECORDS))
        .filter(I::Outcome.eq(Outcome::Applied))
        .order_by_desc(I::Number)
        .limit(STEP)
        .all(tx.on())
        .await?;
    if items.is_empty() {
        finish(tx, set);
        return Ok(true);
    }
    set.done_records += i32::try_from(items.len()).unwrap_or(i32::MAX);
    let ids: Vec<RecordId> = items.iter().filter_map(|item| item.record_id).collect();
    let standing = Standing::of(tx, &ids).await?;
    let (mut proposals, mut filed) = (Vec::new(), Vec::new());
    let mut of: HashMap<RecordId, ChangeSetItemId> = HashMap::new();
    for item in &items {
        let (Some(record), Some(before)) = (item.record_id, item.approval_id) else {
            return Err(Error::internal("an item of a record that is about none"));
        };
        of.insert(record, item.id);
        if item.kind == Kind::Refiled {
            let (was, is): (FiledBefore, FiledAfter) = (kept(&item.before)?, kept(&item.after)?);
            filed.push(FileBack {
                record,
                made: is.decision,
                before,
                status: was.status(),
                decision: was.decision,
                category: was.category,
                automatic: was.automatic,
            });
        } else {
            proposals.push(Restore {
                record,
                withdrawn: before,
                waiting: kept(&item.before)?,
            });
        }
    }
    let mut marks: Vec<(ChangeSetItemId, Option<Reason>)> = Vec::with_capacity(items.len());
    for (record, became) in approvals::restore_proposals(tx, &standing, &proposals).await? {
        marks.extend(of.get(&record).map(|id| (*id, became.err().map(reason))));
    }
    for (record, became) in approvals::file_back(tx, &standing, &filed).await? {
        marks.extend(of.get(&record).map(|id| (*id, became.err().map(reason))));
    }
    mark(tx, set, marks).await?;
    advanced(tx, set);
    Ok(false)
}
