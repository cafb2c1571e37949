//! An answer for each of many, and why one was not decided.

use std::collections::HashMap;

use entity::approval::{self, Status};
use entity::{ApprovalId, CategoryId, category};
use sea_orm::{ColumnTrait, QueryFilter};

use crate::ctx::Tx;
use crate::error::{Error, Result};

/// How many approvals one call may decide.
pub const MAX_AT_ONCE: usize = 200;

/// What became of one of the approvals asked about.
#[derive(Debug)]
pub struct Answer {
    /// Which one.
    pub id: ApprovalId,
    /// The decided approval, or why it was not decided.
    pub outcome: Result<approval::Model>,
    /// How it stands, when it was not decided and exists.
    pub current: Option<approval::Model>,
}

/// Refuses no ids, and more than fit in one call.
pub(super) fn checked(ids: &[ApprovalId]) -> Result<()> {
    if (1..=MAX_AT_ONCE).contains(&ids.len()) {
        Ok(())
    } else {
        Err(Error::invalid(
            "approvalIds",
            format!("1 to {MAX_AT_ONCE} approvals are accepted"),
        ))
    }
}

/// The one answer to a question about one.
pub(super) fn only(mut answers: Vec<Answer>) -> Result<approval::Model> {
    let answer = answers.pop();
    answer.map_or(Err(Error::NotFound("approval")), |answer| answer.outcome)
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
    let answer = |id: &ApprovalId| {
        if let Some(row) = decided.get(id) {
            return Answer {
                id: *id,
                outcome: Ok((*row).clone()),
                current: None,
            };
        }
        let current = others.get(id).cloned();
        let error = match &current {
            Some(row) => why_not(tx, row, &categories),
            None => Error::NotFound("approval"),
        };
        Answer {
            id: *id,
            outcome: Err(error),
            current,
        }
    };
    Ok(ids.iter().map(answer).collect())
}

/// Why an approval that exists was not decided.
fn why_not(
    tx: &Tx<'_>,
    row: &approval::Model,
    categories: &HashMap<CategoryId, category::Model>,
) -> Error {
    let category = |id: Option<CategoryId>| id.and_then(|id| categories.get(&id));
    let what = match row.status {
        Status::Pending => {
            let message = match category(row.proposed_category_id) {
                Some(proposed) if proposed.archived_at.is_some() => format!(
                    "the proposed category {} is archived; override it with one that is open",
                    proposed.name
                ),
                _ => "no category is proposed; override it with the one that is right".to_owned(),
            };
            return Error::invalid("approvalId", message);
        }
        Status::Cancelled => {
            return Error::conflict(
                "its record was voided or decided anew; nothing is left to decide",
            );
        }
        Status::Reopened => {
            return Error::conflict("it was reopened; decide the approval that took its place");
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
