//! The webhook door: verify, keep, answer.

use std::sync::Arc;

use chrono::TimeDelta;
use entity::{ConnectionId, DeliveryId, connection, connection_key, delivery};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};

use super::secret;
use crate::ctx::{Actor, Ctx, Handles, Job, Tx};
use crate::error::{Error, Result};
use crate::identity;
use crate::integrations::webhook::{SignatureError, TOLERANCE_SECONDS, verify};
use crate::permission::Permissions;

/// The longest webhook id, in bytes.
const MAX_ID_BYTES: usize = 255;

/// The headers of a signed request, as they came.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`.
    pub timestamp: String,
    /// `webhook-signature`.
    pub signature: String,
}

/// The answer to a request that was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The delivery it is.
    pub id: DeliveryId,
    /// Whether it was not known before.
    pub new: bool,
}

/// Keeps a signed request and answers once it is safe. A connection that does not exist, one that is switched off and a
/// wrong signature are one answer: a stranger learns nothing about which connections there are.
pub async fn deliver(
    handles: &Arc<Handles>,
    connection: ConnectionId,
    envelope: &Envelope,
    body: &[u8],
) -> Result<Delivered> {
    let key = find_key(handles, connection).await?;
    let key = key.filter(|key| key.disabled_at.is_none());
    let now = handles.clock.now();
    let secrets = match &key {
        Some(key) => secret::accepted(&handles.vault, key, now)?,
        // as much work as for a connection that exists, against a secret that nobody has
        None => vec![secret::generate()],
    };
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    verify(
        &secrets,
        &envelope.id,
        &envelope.timestamp,
        &envelope.signature,
        body,
        now.timestamp(),
        TOLERANCE_SECONDS,
    )
    .map_err(refusal)?;
    let Some(key) = key else {
        return Err(refusal(SignatureError::Mismatch));
    };
    identity::require_at_work(handles, key.tenant_id).await?;
    if envelope.id.len() > MAX_ID_BYTES {
        return Err(Error::invalid(
            "webhook-id",
            format!("is longer than the {MAX_ID_BYTES} bytes that are accepted"),
        ));
    }
    let body = std::str::from_utf8(body)
        .ok()
        .filter(|body| !body.contains('\0'))
        .ok_or_else(|| Error::invalid("body", "is not UTF-8 text; JSON is accepted"))?;
    let actor = Actor::Connection(connection);
    let ctx = Ctx::new(handles.clone(), actor, key.tenant_id, Permissions::NONE);
    keep(&ctx, connection, &envelope.id, body).await
}

/// The key of a connection, whose ever it is.
#[expect(
    clippy::disallowed_methods,
    reason = "the sender is known by its connection before its tenant is"
)]
async fn find_key(
    handles: &Handles,
    connection: ConnectionId,
) -> Result<Option<connection_key::Model>> {
    let read = handles
        .db
        .read_across_tenants("verifying a webhook")
        .await?;
    Ok(connection_key::Entity::find()
        .filter(connection_key::Column::ConnectionId.eq(connection))
        .one(&read)
        .await?)
}

/// What a sender reads about a signature that is not good.
fn refusal(error: SignatureError) -> Error {
    match error {
        SignatureError::Id => Error::invalid("webhook-id", error.to_string()),
        SignatureError::Timestamp => Error::invalid("webhook-timestamp", error.to_string()),
        SignatureError::NoSignature => Error::invalid("webhook-signature", error.to_string()),
        SignatureError::TooOld => Error::Unauthenticated(
            "webhook-timestamp is too old: the message may be a replay, or the sender's clock is behind",
        ),
        SignatureError::TooNew => Error::Unauthenticated(
            "webhook-timestamp is in the future: the sender's clock is ahead",
        ),
        SignatureError::Mismatch => Error::Unauthenticated(
            "the webhook was not accepted: the connection, its secret or the body differs",
        ),
        SignatureError::Secret => Error::internal(error),
    }
}

async fn keep(
    ctx: &Ctx,
    connection: ConnectionId,
    webhook_id: &str,
    body: &str,
) -> Result<Delivered> {
    let row = delivery::Model {
        tenant_id: ctx.tenant(),
        id: ctx.id(),
        connection_id: connection,
        webhook_id: webhook_id.to_owned(),
        body: body.to_owned(),
        status: delivery::Status::Received,
        error: None,
        new_rows: 0,
        duplicate_rows: 0,
        received_at: ctx.now(),
    };
    let id = row.id;
    let mut tx = ctx.begin().await?;
    if tx.insert_new(vec![row]).await?.is_empty() {
        let known = tx
            .select::<delivery::Entity>()
            .filter(delivery::Column::ConnectionId.eq(connection))
            .filter(delivery::Column::WebhookId.eq(webhook_id))
            .one(tx.on())
            .await?
            .ok_or_else(|| Error::internal("a delivery was neither stored nor found"))?;
        tx.rollback().await?;
        return Ok(Delivered {
            id: known.id,
            new: false,
        });
    }
    note(&tx, connection).await?;
    tx.enqueue(Job::IngestDelivery { delivery: id });
    tx.commit().await?;
    Ok(Delivered { id, new: true })
}

/// Notes that the connection delivered; once a minute, so that its deliveries do not queue up for its row.
async fn note(tx: &Tx<'_>, connection: ConnectionId) -> Result<()> {
    let now = tx.ctx().now();
    let last = connection::Column::LastReceivedAt;
    let is_stale = Condition::any()
        .add(last.is_null())
        .add(last.lt(now - TimeDelta::minutes(1)));
    tx.update::<connection::Entity>()
        .col_expr(last, Expr::value(now))
        .filter(connection::Column::Id.eq(connection))
        .filter(is_stale)
        .exec(tx.on())
        .await?;
    Ok(())
}
