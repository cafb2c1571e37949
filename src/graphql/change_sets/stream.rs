//! How far a change set is, as it goes.

use std::time::Duration;

use async_graphql::{Context, ID, SimpleObject, Subscription};
use entity::ChangeSetId;
use futures::{Stream, StreamExt};

use super::{ChangeSet, ChangeSetStatus};
use crate::change_sets;
use crate::ctx::Ctx;
use crate::error::Result;
use crate::events::Filter;
use crate::graphql::events::follow;
use crate::graphql::live::Live;
use crate::graphql::node::local;
use crate::graphql::op::Op;
use crate::permission::Permission;

/// How long the news of a change set are gathered before they are told.
const GATHER: Duration = Duration::from_millis(250);

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
        let mut events = Box::pin(followed.await?);
        change_sets::load(&ctx.op()?.again(), id).await?;
        Ok(async_stream::stream! {
            let mut told = None;
            loop {
                let now = match look(&live.now(), id).await {
                    Ok(now) => now,
                    Err(error) if error.is_transient() => {
                        tokio::time::sleep(GATHER * 4).await;
                        continue;
                    }
                    Err(error) => {
                        yield Err(error.into());
                        return;
                    }
                };
                let seen = (now.change_set.status, now.change_set.done_records);
                if told.replace(seen) != Some(seen) {
                    let finished = now.finished;
                    yield Ok(now);
                    if finished {
                        return;
                    }
                }
                match events.next().await {
                    None => return,
                    Some(Err(error)) => {
                        yield Err(error.into());
                        return;
                    }
                    Some(Ok(_)) => {}
                }
                // what comes together is told together
                let until = tokio::time::Instant::now() + GATHER;
                while let Ok(Some(next)) = tokio::time::timeout_at(until, events.next()).await {
                    if let Err(error) = next {
                        yield Err(error.into());
                        return;
                    }
                }
            }
        })
    }
}

/// How far a change set is now.
async fn look(op: &Ctx, id: ChangeSetId) -> Result<ChangeSetNews> {
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
