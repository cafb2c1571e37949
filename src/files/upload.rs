//! From a signed link to bytes that are safe.

use std::sync::Arc;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use entity::{FileId, file};
use futures::{Stream, StreamExt, stream};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::link::Link;
use super::store::Store;
use crate::ctx::{Ctx, Handles};
use crate::error::{Error, Result, Source};
use crate::identity;
use crate::permission::Permission;

/// How long a link can be used.
const LINK_MINUTES: i64 = 15;

/// The longest name a file may have, in characters.
const MAX_NAME: usize = 255;

/// A link to PUT the bytes of a file to.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The file that waits for its bytes.
    pub file: file::Model,
    /// Where to PUT them.
    pub url: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// Makes a file that waits for its bytes, and the link to send them to.
pub async fn create_upload(ctx: &Ctx, name: &str, size_bytes: Option<u64>) -> Result<Upload> {
    ctx.require(Permission::ImportRecords)?;
    let limit = ctx.config().upload_max_bytes;
    if size_bytes.is_some_and(|size| size > limit) {
        return Err(Error::invalid("sizeBytes", too_large(limit)));
    }
    let file = announce(ctx, name).await?;
    let link = Link {
        thing: file.id.0,
        tenant: file.tenant_id,
        expires_at: file.expires_at,
    };
    let token = link.sign(&ctx.handles().secrets.derive("uploads"));
    Ok(Upload {
        url: format!("{}/api/v1/uploads/{token}", ctx.config().public_url()),
        expires_at: file.expires_at,
        file,
    })
}

/// Takes the bytes that are PUT to a link. The same bytes again are the same file; other bytes are refused.
pub async fn receive<B, E>(
    handles: &Arc<Handles>,
    token: &str,
    bytes: impl Stream<Item = Result<B, E>> + Unpin,
) -> Result<file::Model>
where
    B: AsRef<[u8]>,
    E: Into<Source>,
{
    let refused =
        Error::Unauthenticated("the upload link is not valid or has expired; ask for a new one");
    let link = match Link::read(token, &handles.secrets.derive("uploads")) {
        Some(link) if handles.clock.now() < link.expires_at => link,
        _ => return Err(refused),
    };
    identity::require_at_work(handles, link.tenant).await?;
    let ctx = Ctx::system(handles.clone(), link.tenant);
    let file = load(&ctx, FileId(link.thing)).await?;
    keep(&ctx, file, bytes).await
}

/// Stores bytes that are here already, as a command has them.
pub async fn store_bytes(ctx: &Ctx, name: &str, bytes: &[u8]) -> Result<file::Model> {
    ctx.require(Permission::ImportRecords)?;
    let file = announce(ctx, name).await?;
    let whole = stream::iter([Ok::<_, std::io::Error>(bytes)]);
    keep(ctx, file, whole).await
}

/// One file.
pub async fn load(ctx: &Ctx, id: FileId) -> Result<file::Model> {
    let found = by_ids(ctx, &[id]).await?;
    found.into_iter().next().ok_or(Error::NotFound("file"))
}

/// The files of these ids, in no order; ids without a file are left out.
pub async fn by_ids(ctx: &Ctx, ids: &[FileId]) -> Result<Vec<file::Model>> {
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(1_000) {
        let ids = file::Column::Id.is_in(ids.iter().copied());
        found.extend(
            read.select::<file::Entity>()
                .filter(ids)
                .all(read.on())
                .await?,
        );
    }
    Ok(found)
}

/// The bytes of a file.
pub async fn open(ctx: &Ctx, file: &file::Model) -> Result<Vec<u8>> {
    head(ctx, file, u64::MAX).await
}

/// The first bytes of a file.
pub async fn head(ctx: &Ctx, file: &file::Model, limit: u64) -> Result<Vec<u8>> {
    let Some(sha256) = &file.sha256 else {
        return Err(Error::conflict(
            "the file has no bytes yet; PUT them to its upload link first",
        ));
    };
    // no transaction is open while files are read
    ctx.refresh().await;
    let store = Store::of(ctx.config());
    store
        .read(file.tenant_id, sha256, limit)
        .await
        .map_err(Error::internal)
}

/// Makes the row of a file that waits for its bytes.
async fn announce(ctx: &Ctx, name: &str) -> Result<file::Model> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.contains(char::is_control) {
        return Err(Error::invalid(
            "name",
            format!("must have 1 to {MAX_NAME} printable characters"),
        ));
    }
    let now = ctx.now();
    let expires_at = now + TimeDelta::minutes(LINK_MINUTES);
    let file = file::Model {
        tenant_id: ctx.tenant(),
        id: ctx.id(),
        name: name.to_owned(),
        size_bytes: 0,
        sha256: None,
        created_by: ctx.user(),
        created_at: now,
        // the token holds seconds
        expires_at: expires_at
            .duration_trunc(TimeDelta::seconds(1))
            .unwrap_or(expires_at),
        stored_at: None,
    };
    let tx = ctx.begin().await?;
    tx.insert(file.clone()).await?;
    tx.commit().await?;
    Ok(file)
}

/// Streams bytes to the store, then says so in the row.
async fn keep<B, E>(
    ctx: &Ctx,
    file: file::Model,
    mut bytes: impl Stream<Item = Result<B, E>> + Unpin,
) -> Result<file::Model>
where
    B: AsRef<[u8]>,
    E: Into<Source>,
{
    ctx.refresh().await;
    let limit = ctx.config().upload_max_bytes;
    let store = Store::of(ctx.config());
    let mut incoming = store
        .incoming(ctx.id::<Uuid>())
        .await
        .map_err(Error::internal)?;
    let (mut size, mut hasher) = (0_u64, Sha256::new());
    while let Some(chunk) = bytes.next().await {
        let chunk = chunk.map_err(|error| {
            tracing::debug!(error = %error.into(), "An upload was cut off");
            Error::invalid("file", "the upload was cut off; send it again")
        })?;
        let chunk = chunk.as_ref();
        size += chunk.len() as u64;
        if size > limit {
            return Err(Error::invalid("file", too_large(limit)));
        }
        hasher.update(chunk);
        incoming.write(chunk).await.map_err(Error::internal)?;
    }
    if size == 0 {
        return Err(Error::invalid("file", "is empty; send the bytes of a file"));
    }
    let sha256 = hex(&hasher.finalize());
    if let Some(stored) = &file.sha256 {
        return same_or_conflict(stored == &sha256, file);
    }
    store
        .keep(incoming, file.tenant_id, &sha256)
        .await
        .map_err(Error::internal)?;

    let tx = ctx.begin().await?;
    let size = i64::try_from(size).map_err(Error::internal)?;
    let stored = tx
        .update::<file::Entity>()
        .col_expr(file::Column::SizeBytes, Expr::value(size))
        .col_expr(file::Column::Sha256, Expr::value(sha256.as_str()))
        .col_expr(file::Column::StoredAt, Expr::value(ctx.now()))
        .filter(file::Column::Id.eq(file.id))
        .filter(file::Column::StoredAt.is_null())
        .exec_with_returning(tx.on())
        .await?;
    tx.commit().await?;
    match stored.into_iter().next() {
        Some(stored) => Ok(stored),
        // someone else was first with the same link
        None => {
            let file = load(ctx, file.id).await?;
            same_or_conflict(file.sha256.as_deref() == Some(&sha256), file)
        }
    }
}

fn same_or_conflict(same: bool, file: file::Model) -> Result<file::Model> {
    if same {
        Ok(file)
    } else {
        Err(Error::conflict(
            "the file has other bytes already; ask for a new upload link",
        ))
    }
}

fn too_large(limit: u64) -> String {
    format!("is larger than the limit of {limit} bytes; split it, or raise UPLOAD_MAX_BYTES")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
