//! The streams a page at work follows: records as they are decided, the approval queue as it moves, an import as it
//! goes on. Each is the event log through a narrower window.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Enum, ID, SimpleObject, Subscription};
use entity::{ApprovalId, CategoryId, ImportId, RecordId, event, import};
use futures::{Stream, StreamExt};
use serde::Deserialize;

use super::approvals::Approval;
use super::categories::Category;
use super::events::{follow, of_events};
use super::imports::{Import, ImportProgress};
use super::live::Live;
use super::loader::{find, load};
use super::news::{self, News, apart};
use super::node::local;
use super::op::Op;
use super::records::Record;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::events::{Cursor, Filter};
use crate::permission::Permission;
use crate::{imports, records};

/// What the events these streams are made of say, as far as they need it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    record: RecordId,
    approval: Option<ApprovalId>,
    category: Option<CategoryId>,
    confidence: Option<String>,
    source: Option<String>,
    outcome: Option<String>,
}

/// A record the pipeline has decided about.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct RecordProcessed {
    /// Where the stream stands after it: send it as `after` to resume.
    pub cursor: String,
    /// What decided, such as `RULE` or `SIMILAR`.
    pub source: String,
    /// How sure it was, 0 to 1.
    pub confidence: String,
    #[graphql(skip)]
    record_id: RecordId,
    #[graphql(skip)]
    category_id: Option<CategoryId>,
}

#[ComplexObject]
impl RecordProcessed {
    /// The record as it is now.
    async fn record(&self, ctx: &Context<'_>) -> Result<Record> {
        load(ctx, self.record_id, "record").await
    }

    /// The category that was proposed; absent when nothing was sure enough.
    async fn category(&self, ctx: &Context<'_>) -> Result<Option<Category>> {
        match self.category_id {
            Some(category) => find(ctx, category).await,
            None => Ok(None),
        }
    }
}

/// What happened to an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ApprovalEventKind {
    /// A record came into the queue.
    Opened,
    /// The proposal was accepted.
    Approved,
    /// Another category was chosen.
    Overridden,
    /// The record does not belong in the books.
    Rejected,
    /// A decision was taken back: the record waits again.
    Reopened,
    /// An override was proposed, and waits for a second person.
    Proposed,
    /// A proposed override was declined: the record waits again.
    Declined,
    /// The proposal was withdrawn: the pipeline makes another one, or has made one that is better.
    Withdrawn,
    /// What was proposed before waits again.
    Restored,
}

/// A movement of the approval queue.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct ApprovalEvent {
    /// Where the stream stands after it: send it as `after` to resume.
    pub cursor: String,
    /// What happened.
    pub kind: ApprovalEventKind,
    #[graphql(skip)]
    approval_id: ApprovalId,
    #[graphql(skip)]
    record_id: RecordId,
}

#[ComplexObject]
impl ApprovalEvent {
    /// The approval as it is now.
    async fn approval(&self, ctx: &Context<'_>) -> Result<Approval> {
        load(ctx, self.approval_id, "approval").await
    }

    /// The record it is about, as it is now. Needs `records:read`.
    async fn record(&self, ctx: &Context<'_>) -> Result<Record> {
        load(ctx, self.record_id, "record").await
    }
}

impl ApprovalEvent {
    /// The movement an event is; `None` when it moves no approval.
    fn of(event: &event::Model) -> Result<Option<Self>> {
        let said: Said = serde_json::from_str(&event.payload)?;
        let kind = match (event.kind.as_str(), said.outcome.as_deref()) {
            ("PROCESSED", _) => ApprovalEventKind::Opened,
            ("TX_APPROVED", Some("OVERRIDDEN")) => ApprovalEventKind::Overridden,
            ("TX_APPROVED", _) => ApprovalEventKind::Approved,
            ("TX_REJECTED", _) => ApprovalEventKind::Rejected,
            ("PROPOSAL_WITHDRAWN", _) => ApprovalEventKind::Withdrawn,
            ("PROPOSAL_RESTORED", _) => ApprovalEventKind::Restored,
            ("OVERRIDE_PROPOSED", _) => ApprovalEventKind::Proposed,
            ("OVERRIDE_DECLINED", _) => ApprovalEventKind::Declined,
            _ => ApprovalEventKind::Reopened,
        };
        Ok(said.approval.map(|approval| Self {
            cursor: Cursor::of(event).to_string(),
            kind,
            approval_id: approval,
            record_id: said.record,
        }))
    }
}

/// News of an import.
#[derive(Clone, SimpleObject)]
#[graphql(complex, serial)]
pub struct ImportNews {
    /// Where the log stands: events after it are told by later messages.
    pub cursor: String,
    /// How far it is, from the file to the last decision.
    pub progress: ImportProgress,
    /// Whether nothing more will come: every row is stored or refused and every record decided. The stream ends.
    pub finished: bool,
    #[graphql(skip)]
    import_id: ImportId,
    #[graphql(skip)]
    seen: (import::Status, imports::Progress),
}

#[ComplexObject]
impl ImportNews {
    /// The import as it is now.
    async fn import(&self, ctx: &Context<'_>) -> Result<Import> {
        load(ctx, self.import_id, "import").await
    }
}

/// The streams of a page at work.
#[derive(Default)]
pub struct StreamsSubscription;

#[Subscription]
impl StreamsSubscription {
    /// Records as the pipeline decides about them, and again when it has something better to propose for one that waits.
    /// Needs `records:read`.
    async fn record_processed(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Where to go on: the last cursor received, or START; from now without it."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = async_graphql::Result<RecordProcessed>> + use<>> {
        let permission = Permission::ReadRecords;
        let events = follow(ctx, permission, after, Filter::kinds(["PROCESSED"])).await?;
        let messages = seen(ctx.live()?, permission, events).map(|event| {
            let event = event?;
            let said: Said = serde_json::from_str(&event.payload)?;
            Ok(RecordProcessed {
                cursor: Cursor::of(&event).to_string(),
                record_id: said.record,
                source: said.source.unwrap_or_default(),
                confidence: said.confidence.unwrap_or_default(),
                category_id: said.category,
            })
        });
        Ok(of_events(ctx, messages))
    }

    /// The approval queue as it moves: what comes in, and what is decided. Needs `approvals:read`.
    async fn approval_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Where to go on: the last cursor received, or START; from now without it."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = async_graphql::Result<ApprovalEvent>> + use<>> {
        let kinds = [
            "PROCESSED",
            "TX_APPROVED",
            "TX_REJECTED",
            "APPROVAL_REOPENED",
            "OVERRIDE_PROPOSED",
            "OVERRIDE_DECLINED",
            "PROPOSAL_WITHDRAWN",
            "PROPOSAL_RESTORED",
        ];
        let permission = Permission::ReadApprovals;
        let events = follow(ctx, permission, after, Filter::kinds(kinds)).await?;
        let messages = seen(ctx.live()?, permission, events).filter_map(|event| {
            let moved = event
                .and_then(|event| ApprovalEvent::of(&event))
                .transpose();
            std::future::ready(moved.map(|moved| Ok(moved?)))
        });
        Ok(of_events(ctx, messages))
    }

    /// How far an import is: at once, then whenever it has moved, until it is finished. Needs `records:read`.
    async fn import_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The import.")] id: ID,
    ) -> Result<impl Stream<Item = async_graphql::Result<ImportNews>> + use<>> {
        let import: ImportId = local("Import", "id", &id)?;
        let live = ctx.live()?;
        let kinds = [
            "IMPORT_STARTED",
            "IMPORT_ADVANCED",
            "IMPORT_FINISHED",
            "IMPORT_REFUSED",
            "IMPORT_FAILED",
            "IMPORT_VOIDED",
            "PROCESSED",
            "PROCESSING_FAILED",
        ];
        // followed before it is looked at, so that no news falls in between
        let events = follow(ctx, Permission::ReadRecords, None, Filter::kinds(kinds)).await?;
        imports::load(&ctx.op()?.again(), import).await?;
        Ok(news::tell(live, events, move |op| look(op, import)))
    }
}

impl News for ImportNews {
    type Seen = (import::Status, imports::Progress);

    fn seen(&self) -> Self::Seen {
        self.seen
    }

    fn is_last(&self) -> bool {
        self.finished
    }
}

/// The events about records that the actor sees today; every one of them is, unless they see some records only.
fn seen(
    live: Live,
    permission: Permission,
    events: impl Stream<Item = Result<Arc<event::Model>>>,
) -> impl Stream<Item = Result<Arc<event::Model>>> {
    events.filter_map(move |event| {
        let op = live.now();
        async move {
            let event = match event {
                Ok(event) => event,
                Err(error) => return Some(Err(error)),
            };
            match sees(&op, permission, &event).await {
                Ok(true) => Some(Ok(event)),
                Ok(false) => None,
                Err(error) => Some(Err(error)),
            }
        }
    })
}

async fn sees(op: &Ctx, permission: Permission, event: &event::Model) -> Result<bool> {
    if op.reach(permission).is_everything() {
        return Ok(true);
    }
    let said: Said = serde_json::from_str(&event.payload)?;
    let op = op.again();
    apart(async move { records::sees(&op, permission, said.record).await }).await
}

/// How far an import is now.
async fn look(op: Arc<Ctx>, id: ImportId) -> Result<ImportNews> {
    let ctx = op.again();
    let cursor = crate::events::head(&ctx).await?;
    let row = imports::load(&ctx, id).await?;
    let far = imports::progress(&ctx, std::slice::from_ref(&row)).await?;
    let far = far.get(&id).copied().ok_or(Error::NotFound("import"))?;
    let stored = !matches!(row.status, import::Status::Queued | import::Status::Running);
    let decided =
        row.status != import::Status::Done || far.processed >= row.new_rows.unsigned_abs().into();
    Ok(ImportNews {
        cursor: cursor.to_string(),
        progress: far.into(),
        finished: stored && decided,
        import_id: id,
        seen: (row.status, far),
    })
}
