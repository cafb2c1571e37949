//! Filing one record under several categories. It is an override like any other: the same permission, the same reach, the
//! same ceiling above which a second person has to agree.

use entity::{ApprovalId, approval};

use super::override_category::{Override, checked, decide_one};
use super::preview;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::permission::Permission;
use crate::splits::{self, NewLine};

/// The lines a record is split into.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// The lines, 2 to 20 of them, which add up to the record.
    pub lines: Vec<NewLine>,
    /// The project of the record; what was proposed stays when absent.
    pub project: Option<String>,
    /// The note on the record; what was proposed stays when absent.
    pub note: Option<String>,
}

/// Files the record of a waiting approval under the categories of several lines.
#[tracing::instrument(skip_all, fields(approval.id = %id))]
pub async fn split(ctx: &Ctx, id: ApprovalId, split: Split) -> Result<approval::Model> {
    ctx.require(Permission::DecideApprovals)?;
    // what a record says never changes, so its amount may be read before
    let read = ctx.read().await?;
    let record = preview::record_of(ctx, &read, id).await?;
    drop(read);
    let mut tx = ctx.begin().await?;
    let lines = splits::resolve(&mut tx, record.amount, &record.currency, split.lines).await?;
    let category = splits::main(&lines).ok_or_else(|| Error::internal("a split without lines"))?;
    let choice = checked(Override {
        category,
        project: split.project,
        note: split.note,
        lines,
    })?;
    decide_one(tx, id, choice).await
}
