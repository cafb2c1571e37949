//! Whether somebody may do something, before they try: for buttons.

use entity::{ApprovalId, RecordId};

use super::list;
use crate::ctx::Ctx;
use crate::error::Result;
use crate::permission::{Permission, Subject};
use crate::records;

/// What is asked about.
#[derive(Clone, Copy, Debug)]
pub enum About {
    /// A record.
    Record(RecordId),
    /// An approval, and the record behind it.
    Approval(ApprovalId),
}

/// Whether the actor may do this, to this if it is about one thing. Nobody may do anything to what they do not see.
pub async fn can(ctx: &Ctx, permission: Permission, about: Option<About>) -> Result<bool> {
    if ctx.require(permission).is_err() {
        return Ok(false);
    }
    let record = match about {
        None => return Ok(true),
        Some(About::Record(record)) => record,
        Some(About::Approval(id)) => {
            if ctx.require(Permission::ReadApprovals).is_err() {
                return Ok(false);
            }
            let Some(row) = list::find(ctx, id).await? else {
                return Ok(false);
            };
            let own = row.proposed_by.as_deref() == Some(&*ctx.actor().to_string());
            if own && permission == Permission::DecideApprovals {
                return Ok(false);
            }
            row.record_id
        }
    };
    if ctx.require(Permission::ReadRecords).is_err() {
        return Ok(false);
    }
    let found = records::by_ids(ctx, &[record]).await?;
    let covered = |record| ctx.reach(permission).covers(&Subject::from(record));
    Ok(found.first().is_some_and(covered))
}
