//! How far a change set is, as it goes.

use std::sync::Arc;

use async_graphql::{Context, ID, SimpleObject, Subscription};
use entity::ChangeSetId;
use futures::Stream;

use super::{ChangeSet, ChangeSetStatus};
use crate::change_sets;
use crate::ctx::Ctx;
use crate::error::Result;
use crate::events::Filter;
use crate::graphql::events::follow;
use crate::graphql::live::Live;
use crate::graphql::news::{self, News};
use crate::graphql::node::local;
use crate::graphql::op::Op;
use crate::permission::Permission;

/// The events that move a change set.
const KINDS: [&str; 6] = [
    "CHANGE_SET_BEGUN",
    "CHANGE_SET_ADVANCED",
    "CHANGE_SET_APPLIED",
    "CHANGE_SET_UNDO_BEGUN",
    "CHANGE_SET_UNDONE",
    "CHANGE_SET_FAILED",
];

/// News of a change set.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct ChangeSetNews {
    /// Where the log stands: events after it are told by later messages.
    pub cursor: String,
    /// The change set as it is now.
    pub change_set: ChangeSet,
    /// Whether nothing more will come. The stream ends.
    pub finished: bool,
}

/// The stream of a page that waits for a change set.
#[derive(Default)]
pub struct ChangeSetsSubscription;

#[Subscription]
impl ChangeSetsSubscription {
    /// How far a change set is: at once, then whenever it has moved, until it is applied, undone or failed. Needs `reports:read` and
    /// `records:read` for all records.
    async fn change_set_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change set.")] id: ID,
    ) -> Result<impl Stream<Item = async_graphql::Result<ChangeSetNews>> + use<>> {
        let id: ChangeSetId = local("ChangeSet", "id", &id)?;
        let live: Live = ctx.live()?;
        // followed before it is looked at, so that no news falls in between
        let followed = follow(ctx, Permission::ReadReports, None, Filter::kinds(KINDS));
        let events = followed.await?;
        change_sets::load(&ctx.op()?.again(), id).await?;
        Ok(news::tell(live, events, move |op| look(op, id)))
    }
}

impl News for ChangeSetNews {
    type Seen = (ChangeSetStatus, i32);

    fn seen(&self) -> Self::Seen {
        (self.change_set.status, self.change_set.done_records)
    }

    fn is_last(&self) -> bool {
        self.finished
    }
}

/// How far a change set is now.
async fn look(op: Arc<Ctx>, id: ChangeSetId) -> Result<ChangeSetNews> {
    let ctx = op.again();
    let cursor = crate::events::head(&ctx).await?;
    let change_set: ChangeSet = change_sets::load(&ctx, id).await?.into();
    let open = [
        ChangeSetStatus::Queued,
        ChangeSetStatus::Applying,
        ChangeSetStatus::Undoing,
    ];
    Ok(ChangeSetNews {
        cursor: cursor.to_string(),
        finished: !open.contains(&change_set.status),
        change_set,
    })
}
