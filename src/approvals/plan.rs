//! Who decides what of an override: what somebody may decide alone, and what needs a second person.

use std::collections::HashMap;

use entity::{ApprovalId, DecisionId, RecordId, approval, record};
use sea_orm::{ColumnTrait, QueryFilter};

use super::answer;
use super::override_category::Override;
use crate::ctx::Tx;
use crate::error::{Error, Result};
use crate::permission::{Permission, Subject};
use crate::{splits, tenants};

/// Who decides what.
pub(super) struct Plan {
    /// What the actor decides alone.
    pub(super) alone: Vec<ApprovalId>,
    /// What needs a second person.
    pub(super) together: Vec<ApprovalId>,
    /// What is chosen as it was proposed.
    pub(super) as_proposed: Vec<ApprovalId>,
    /// The records behind what waits.
    pub(super) records: HashMap<RecordId, record::Model>,
}

/// Sorts what waits, and what the actor reaches before and after the change. The UPDATE asks again whether it waits.
pub(super) async fn plan(tx: &Tx<'_>, ids: &[ApprovalId], choice: &Override) -> Result<Plan> {
    let ctx = tx.ctx();
    let waiting = tx
        .select::<approval::Entity>()
        .filter(approval::Column::Id.is_in(ids.iter().copied()))
        .filter(approval::Column::Status.eq(approval::Status::Pending))
        .filter(answer::reached(tx))
        .all(tx.on())
        .await?;
    let records = tx
        .select::<record::Entity>()
        .filter(record::Column::Id.is_in(waiting.iter().map(|row| row.record_id)))
        .all(tx.on())
        .await?;
    let records: HashMap<RecordId, record::Model> =
        records.into_iter().map(|row| (row.id, row)).collect();
    let ceilings = tenants::settings_within(tx).await?.two_person_ceilings;
    let me = ctx.actor().to_string();
    let decisions: Vec<DecisionId> = waiting.iter().map(|row| row.decision_id).collect();
    let proposed = splits::of_decisions(tx.select(), tx.on(), &decisions).await?;
    let (mut alone, mut together, mut as_proposed) = (Vec::new(), Vec::new(), Vec::new());
    for row in &waiting {
        let record = records
            .get(&row.record_id)
            .ok_or_else(|| Error::internal("an approval without its record"))?;
        let on_lines = choice.lines.iter().filter_map(|line| line.project.as_ref());
        for project in choice.project.iter().chain(on_lines) {
            // not out of one's own reach either
            let subject = Subject {
                project: Some(project),
                ..Subject::from(record)
            };
            ctx.require_on(Permission::DecideApprovals, &subject)?;
        }
        let own = row.proposed_by.as_ref() == Some(&me);
        let lines = proposed
            .get(&row.decision_id)
            .map_or(&[][..], Vec::as_slice);
        let overrides = row.proposed_category_id != Some(choice.category)
            || !splits::same(lines, &choice.lines);
        if !overrides {
            as_proposed.push(row.id);
        }
        if own || (overrides && ceilings.exceeded_by(record.amount, &record.currency)) {
            together.push(row.id);
        } else {
            alone.push(row.id);
        }
    }
    Ok(Plan {
        alone,
        together,
        as_proposed,
        records,
    })
}
