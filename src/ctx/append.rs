//! Appending to the event log of a tenant: gap free, in commit order, chained.

use chrono::{DateTime, Utc};
use entity::{EventId, TenantId, event, event_origin, stream_head};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, Insert, IntoActiveModel, QueryFilter,
    QuerySelect,
};
use uuid::Uuid;

use super::chain::{self, Content};
use super::{Ctx, Event, canonical};
use crate::error::{Error, Result};

/// An event that waits for its place in the log. Its content is hashed before the head is locked.
pub(super) struct Entry {
    id: EventId,
    kind: &'static str,
    source_agent: String,
    actor: String,
    subject: (&'static str, Uuid),
    payload: String,
    diff: Option<String>,
    occurred_at: DateTime<Utc>,
    changes_access: bool,
}

impl Entry {
    pub(super) fn new(ctx: &Ctx, event: Event, diff: Option<serde_json::Value>) -> Self {
        let payload = serde_json::to_value(&event).expect("ids, enums, amounts and dates are JSON");
        Self {
            id: ctx.id(),
            kind: event.kind(),
            source_agent: ctx.source_agent().to_owned(),
            actor: ctx.actor().to_string(),
            subject: event.subject(),
            payload: canonical(&payload),
            diff: diff.as_ref().map(canonical),
            occurred_at: ctx.now(),
            changes_access: event.changes_access(),
        }
    }

    /// What it is about.
    pub(super) fn subject(&self) -> (&'static str, Uuid) {
        self.subject
    }

    /// Whether someone may do more or less after it.
    pub(super) fn changes_access(&self) -> bool {
        self.changes_access
    }

    fn content_hash(&self) -> [u8; 32] {
        let content = Content {
            id: self.id,
            kind: self.kind,
            source_agent: &self.source_agent,
            actor: &self.actor,
            subject_kind: self.subject.0,
            subject_id: self.subject.1,
            occurred_at: self.occurred_at,
            payload: &self.payload,
            diff: self.diff.as_deref(),
        };
        content.hash()
    }
}

/// Appends events at the head of the tenant's log; the new head. The head row is the one place its writers meet, and
/// is locked last: sequences come out without gaps and in commit order.
#[expect(
    clippy::disallowed_methods,
    reason = "the one writer of the log and its head"
)]
pub(super) async fn append(
    tx: &DatabaseTransaction,
    ctx: &Ctx,
    entries: Vec<Entry>,
) -> Result<i64> {
    let tenant: TenantId = ctx.tenant();
    let hashed: Vec<_> = entries
        .into_iter()
        .map(|entry| (entry.content_hash(), entry))
        .collect();

    let head = stream_head::Entity::find()
        .filter(stream_head::Column::TenantId.eq(tenant))
        .lock_exclusive()
        .one(tx)
        .await?
        .ok_or_else(|| Error::internal("the tenant has no event log"))?;
    let recorded_at = ctx.now().max(head.recorded_at);
    let (mut sequence, mut hash) = (head.sequence, head.hash);
    let mut access = None;
    let mut rows = Vec::with_capacity(hashed.len());
    for (content_hash, entry) in hashed {
        sequence += 1;
        if entry.changes_access {
            access = Some(sequence);
        }
        hash = chain::link(&hash, tenant, sequence, &content_hash).to_vec();
        rows.push(event::Model {
            tenant_id: tenant,
            sequence,
            id: entry.id,
            kind: entry.kind.to_owned(),
            source_agent: entry.source_agent,
            actor: entry.actor,
            subject_kind: entry.subject.0.to_owned(),
            subject_id: entry.subject.1,
            payload: entry.payload,
            diff: entry.diff,
            occurred_at: entry.occurred_at,
            recorded_at,
            content_hash: content_hash.to_vec(),
            hash: hash.clone(),
        });
    }
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let portion = rows
            .by_ref()
            .take(1_000)
            .map(IntoActiveModel::into_active_model);
        Insert::<event::ActiveModel>::many(portion)
            .exec_without_returning(tx)
            .await?;
    }
    if let Some(origin) = ctx.origin() {
        let row = event_origin::Model {
            tenant_id: tenant,
            sequence: head.sequence + 1,
            last_sequence: sequence,
            address: origin.address.clone(),
            user_agent: origin.user_agent.clone(),
        };
        event_origin::Entity::insert(row.into_active_model())
            .exec_without_returning(tx)
            .await?;
    }
    let mut moved = stream_head::Entity::update_many()
        .col_expr(stream_head::Column::Sequence, Expr::value(sequence))
        .col_expr(stream_head::Column::Hash, Expr::value(hash))
        .col_expr(stream_head::Column::RecordedAt, Expr::value(recorded_at))
        .filter(stream_head::Column::TenantId.eq(tenant));
    if let Some(access) = access {
        moved = moved.col_expr(stream_head::Column::AccessSequence, Expr::value(access));
    }
    moved.exec(tx).await?;
    Ok(sequence)
}
