//! The answer that was told, and telling it again.

#![expect(
    clippy::disallowed_methods,
    reason = "the room of the keys; a row is named by a hash that holds its tenant"
)]

use std::time::Duration;

use chrono::TimeDelta;
use entity::idempotency_key;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::ctx::{Claim, Ctx};
use crate::error::{Error, Result};
use crate::secret::stored;

/// The longest answer that is kept.
const MAX_BYTES: usize = 1024 * 1024;
/// How long somebody waits for an answer that is being made.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often they look.
const LOOK: Duration = Duration::from_millis(20);
/// After this no answer comes any more: a request has ended by then.
const MAKING: TimeDelta = TimeDelta::seconds(30);

/// What came of the same request before.
#[derive(Debug)]
pub enum Earlier {
    /// This was answered, as JSON.
    Answer(Vec<u8>),
    /// It was carried out, and its answer cannot be told.
    Done {
        /// Why not.
        why: &'static str,
        /// What its first event was about.
        subject: Option<(String, Uuid)>,
    },
}

/// What came of the same request before; waits for an answer that is being made. The same key with another input is a
/// conflict.
pub async fn earlier(ctx: &Ctx, claim: &Claim) -> Result<Option<Earlier>> {
    let mut waited = Duration::ZERO;
    loop {
        let read = ctx.read().await?;
        let row = idempotency_key::Entity::find_by_id(&claim.id)
            .one(read.on())
            .await?;
        drop(read);
        let Some(row) = row else {
            return Ok(None);
        };
        if row.input_hash != claim.input_hash {
            return Err(Error::conflict(
                "this idempotencyKey came with another input before; another request needs another key",
            ));
        }
        let subject = row.subject_kind.zip(row.subject_id);
        if row.view_hash != claim.view_hash {
            let why =
                "this request asks for other fields than the first one, or may see something else";
            return Ok(Some(Earlier::Done { why, subject }));
        }
        if let Some(sealed) = row.answer {
            let place = stored::ANSWER.of(&row.id);
            let answer = ctx.handles().vault.open(&place, &sealed)?;
            return Ok(Some(Earlier::Answer(answer)));
        }
        if waited >= PATIENCE || row.created_at + MAKING < ctx.now() {
            let why = "its answer was not kept";
            return Ok(Some(Earlier::Done { why, subject }));
        }
        // what is read next must be what is true then, and nothing is held meanwhile
        ctx.refresh().await;
        tokio::time::sleep(LOOK).await;
        waited += LOOK;
    }
}

/// Keeps the answer to what was carried out, sealed: it may hold a secret that is told once. One that is too long is
/// not kept.
pub async fn keep(ctx: &Ctx, claim: &Claim, answer: &[u8]) -> Result<()> {
    if answer.len() > MAX_BYTES {
        return Ok(());
    }
    ctx.refresh().await;
    let handles = ctx.handles();
    let sealed = handles.vault.seal(&stored::ANSWER.of(&claim.id), answer);
    let tx = handles.db.across_tenants("keeping an answer").await?;
    idempotency_key::Entity::update_many()
        .col_expr(idempotency_key::Column::Answer, Expr::value(sealed))
        .filter(idempotency_key::Column::Id.eq(&claim.id))
        .filter(idempotency_key::Column::Answer.is_null())
        .exec(&tx)
        .await?;
    Ok(tx.commit().await?)
}
