//! An answer for each of many, and why one was not decided.

use std::collections::HashMap;

use entity::approval::{self, Status};
use entity::{ApprovalId, CategoryId, RecordId, category, record};
use sea_orm::{ActiveEnum, ColumnTrait, Condition, QueryFilter, QuerySelect, QueryTrait};

use crate::bulk::{Became, ErrorPolicy};
use crate::ctx::Tx;
use crate::error::{Error, Result};
use crate::permission::{Permission, Subject};

/// How many approvals one call may decide.
pub const MAX_AT_ONCE: usize = 200;

/// What became of one of the approvals asked about.
#[derive(Debug)]
pub struct Answer {
    /// Which one.
    pub id: ApprovalId,
    /// The decided approval, or why it was not decided.
    pub became: Became<approval::Model>,
    /// How it stands, when it could not be decided and exists.
    pub current: Option<approval::Model>,
}

/// Refuses more than fit in one call.
pub(super) fn checked(ids: &[ApprovalId]) -> Result<()> {
    if ids.len() <= MAX_AT_ONCE {
        Ok(())
    } else {
        Err(Error::invalid(
            "approvalIds",
            format!("1 to {MAX_AT_ONCE} approvals are accepted"),
        ))
    }
}

/// Stores what was decided. Nothing is when nothing was decided, or when one could not be and all or nothing was
/// wanted: then the others wait as before.
pub(super) async fn settle(
    tx: Tx<'_>,
    policy: ErrorPolicy,
    mut answers: Vec<Answer>,
) -> Result<Vec<Answer>> {
    let stored = answers.iter().any(|answer| answer.became.is_done());
    let refused = answers.iter().any(|answer| answer.became.is_refused());
    if stored && !(refused && policy == ErrorPolicy::RejectAll) {
        tx.commit().await?;
        return Ok(answers);
    }
    tx.rollback().await?;
    for answer in &mut answers {
        if answer.became.is_done() {
            answer.became = Became::NotDone;
        }
    }
    Ok(answers)
}

/// The one answer to a question about one.
pub(super) fn only(mut answers: Vec<Answer>) -> Result<approval::Model> {
    let answer = answers.pop();
    answer.map_or(Err(Error::NotFound("approval")), |answer| {
        answer.became.done()
    })
}

/// What an update of approvals asks of the records behind them, when the actor does not reach every record.
pub(super) fn reached(tx: &Tx<'_>) -> Condition {
    let all = Condition::all();
    match tx.ctx().reach(Permission::DecideApprovals).condition() {
        None => all,
        Some(reached) => {
            let records = tx
                .select::<record::Entity>()
                .select_only()
                .column(record::Column::Id)
                .filter(reached);
            all.add(approval::Column::RecordId.in_subquery(records.into_query()))
        }
    }
}

/// What an update of approvals asks of those that wait for a second person: the actor is not the first.
pub(super) fn not_own(tx: &Tx<'_>) -> Condition {
    Condition::any()
        .add(approval::Column::ProposedBy.is_null())
        .add(approval::Column::ProposedBy.ne(tx.ctx().actor().to_string()))
}

/// Puts answers into the order of the question: what was decided, and for the rest why not.
pub(super) async fn answers(
    tx: &Tx<'_>,
    ids: &[ApprovalId],
    decided: &[approval::Model],
) -> Result<Vec<Answer>> {
    let decided: HashMap<ApprovalId, &approval::Model> =
        decided.iter().map(|row| (row.id, row)).collect();
    let missing = || ids.iter().copied().filter(|id| !decided.contains_key(id));
    let mut others: HashMap<ApprovalId, approval::Model> = HashMap::new();
    let mut categories: HashMap<CategoryId, category::Model> = HashMap::new();
    if missing().next().is_some() {
        let rows = tx
            .select::<approval::Entity>()
            .filter(approval::Column::Id.is_in(missing()))
            .all(tx.on())
            .await?;
        let named = rows
            .iter()
            .flat_map(|row| [row.category_id, row.proposed_category_id])
            .flatten();
        let rows_of_named = tx
            .select::<category::Entity>()
            .filter(category::Column::Id.is_in(named))
            .all(tx.on())
            .await?;
        categories.extend(rows_of_named.into_iter().map(|row| (row.id, row)));
        others.extend(rows.into_iter().map(|row| (row.id, row)));
    }
    let hidden = out_of_reach(tx, &others).await?;
    let answer = |id: &ApprovalId| {
        if let Some(row) = decided.get(id) {
            return Answer {
                id: *id,
                became: Became::Done((*row).clone()),
                current: None,
            };
        }
        let current = others
            .get(id)
            .filter(|row| hidden.get(&row.record_id) != Some(&Hidden::Whole));
        let error = match current {
            Some(row) if row.status == Status::Pending && hidden.contains_key(&row.record_id) => {
                Error::OutOfReach(Permission::DecideApprovals)
            }
            Some(row) => why_not(tx, row, &categories),
            None => Error::NotFound("approval"),
        };
        let current = current.cloned();
        Answer {
            id: *id,
            became: Became::Refused(error),
            current,
        }
    };
    Ok(ids.iter().map(answer).collect())
}

/// How far a record is out of the actor's reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hidden {
    /// Its approval is seen, and is for others to decide.
    Decision,
    /// Not even its approval is seen.
    Whole,
}

/// The records of approvals that the actor does not reach.
async fn out_of_reach(
    tx: &Tx<'_>,
    approvals: &HashMap<ApprovalId, approval::Model>,
) -> Result<HashMap<RecordId, Hidden>> {
    let decided = tx.ctx().reach(Permission::DecideApprovals);
    let seen = tx.ctx().reach(Permission::ReadApprovals);
    if approvals.is_empty() || (decided.is_everything() && seen.is_everything()) {
        return Ok(HashMap::new());
    }
    let records = tx
        .select::<record::Entity>()
        .filter(record::Column::Id.is_in(approvals.values().map(|row| row.record_id)))
        .all(tx.on())
        .await?;
    let hidden = |record: &record::Model| {
        let subject = Subject::from(record);
        let how = match (seen.covers(&subject), decided.covers(&subject)) {
            (false, _) => Hidden::Whole,
            (true, false) => Hidden::Decision,
            (true, true) => return None,
        };
        Some((record.id, how))
    };
    Ok(records.iter().filter_map(hidden).collect())
}

/// Why an approval that exists was not decided.
fn why_not(
    tx: &Tx<'_>,
    row: &approval::Model,
    categories: &HashMap<CategoryId, category::Model>,
) -> Error {
    let category = |id: Option<CategoryId>| id.and_then(|id| categories.get(&id));
    let what = match row.status {
        Status::Pending if row.proposed_by.as_deref() == Some(&*tx.ctx().actor().to_string()) => {
            return Error::conflict(
                "you proposed this override, and its amount needs a second person: somebody else has to agree",
            );
        }
        Status::Pending => {
            let message = match category(row.proposed_category_id) {
                Some(proposed) if proposed.archived_at.is_some() => format!(
                    "the proposed category {} is archived; override it with one that is open",
                    proposed.name
                ),
                Some(_) => {
                    "a category of the proposed split is archived; override it or split it anew"
                        .to_owned()
                }
                None => {
                    "no category is proposed; override it with the one that is right".to_owned()
                }
            };
            return Error::invalid("approvalId", message);
        }
        Status::Cancelled => {
            return Error::conflict(
                "it was withdrawn: its record was voided, or another proposal took its place; look at the record again",
            );
        }
        Status::Reopened => {
            return Error::conflict("it was reopened; decide the approval that took its place");
        }
        Status::Escalated | Status::Declined => {
            return Error::conflict(
                "an override was proposed; decide the approval that took its place",
            );
        }
        Status::Rejected => "rejected".to_owned(),
        Status::Approved | Status::Overridden => match category(row.category_id) {
            Some(chosen) => format!("approved as {}", chosen.name),
            None => "approved".to_owned(),
        },
    };
    let who = if row.decided_by.is_some() && row.decided_by == tx.ctx().user() {
        "you"
    } else {
        "another member"
    };
    let when = row
        .decided_at
        .map(|at| format!(" on {}", at.format("%Y-%m-%d at %H:%M:%S UTC")))
        .unwrap_or_default();
    Error::conflict(format!("it was already {what} by {who}{when}"))
}

/// What a decision changed: the state it left, and the category where another one was chosen than was proposed.
pub(super) fn diff(row: &approval::Model) -> serde_json::Value {
    let pending = approval::Status::Pending.to_value();
    let mut diff =
        serde_json::json!({ "status": { "from": pending, "to": row.status.to_value() } });
    if row.category_id != row.proposed_category_id {
        diff["category"] =
            serde_json::json!({ "from": row.proposed_category_id, "to": row.category_id });
    }
    diff
}
