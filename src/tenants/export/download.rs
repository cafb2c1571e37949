//! Where the files of exports lie, the links that open them, and their end.
//!
//! A file carries in its name when it is to go, so that it goes though nobody asks for it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entity::export::{self, Status};
use entity::{ExportId, TenantId};

use super::ask;
use crate::ctx::{Ctx, Handles};
use crate::error::{Error, Result};
use crate::files::{Link, Store};

/// How long a link can be used.
const LINK: TimeDelta = TimeDelta::minutes(15);
/// How long a file that is being written may take before it is taken for left over.
const WRITING: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

/// A file to be sent.
pub struct Download {
    /// Its bytes.
    pub file: tokio::fs::File,
    /// How many they are.
    pub size_bytes: u64,
    /// What to call it.
    pub name: String,
}

/// A link to the file of an export, good for a quarter of an hour; none before it is ready and once it is gone.
pub fn download_url(ctx: &Ctx, export: &export::Model) -> Option<String> {
    if !is_there(export, ctx.now()) {
        return None;
    }
    let link = Link {
        thing: export.id.0,
        tenant: export.tenant_id,
        expires_at: ctx.now() + LINK,
    };
    let token = link.sign(&key(ctx.handles()));
    let address = ctx.config().public_url();
    Some(format!("{address}/api/v1/exports/tenants/{token}"))
}

/// Opens the file behind a link.
pub async fn open_download(handles: &Arc<Handles>, token: &str) -> Result<Download> {
    const REFUSED: Error =
        Error::Unauthenticated("the link is not valid or has expired; ask for a new one");
    let link = Link::read(token, &key(handles)).ok_or(REFUSED)?;
    if handles.clock.now() >= link.expires_at {
        return Err(REFUSED);
    }
    let ctx = Ctx::system(Arc::clone(handles), link.tenant);
    let export = ask::find(&ctx, ExportId(link.thing)).await?;
    ctx.refresh().await;
    let gone = Error::NotFound("export");
    let Some(export) = export.filter(|export| is_there(export, ctx.now())) else {
        return Err(gone);
    };
    let Some(expires_at) = export.expires_at else {
        return Err(gone);
    };
    let store = Store::of(ctx.config());
    let path = path(&store, export.tenant_id, export.id, expires_at);
    let file = match tokio::fs::File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(gone),
        Err(error) => return Err(Error::internal(error)),
    };
    Ok(Download {
        file,
        size_bytes: u64::try_from(export.size_bytes).map_err(Error::internal)?,
        name: format!("balance-export-{}.zip", export.created_at.date_naive()),
    })
}

/// Removes the files of exports that are over, and what workers that went away left of them; how many went.
pub async fn prune_exports(handles: &Handles) -> Result<usize> {
    let root = Store::of(&handles.config).root().to_owned();
    let now = handles.clock.now().timestamp();
    let pruned = tokio::task::spawn_blocking(move || prune(&root, now)).await;
    pruned.map_err(Error::internal)?.map_err(Error::internal)
}

/// The folder of a tenant's exports.
pub(super) fn folder(store: &Store, tenant: TenantId) -> PathBuf {
    store.folder(tenant).join("exports")
}

/// The file of an export.
pub(super) fn path(
    store: &Store,
    tenant: TenantId,
    id: ExportId,
    expires_at: DateTime<Utc>,
) -> PathBuf {
    folder(store, tenant).join(format!("{id}.{}.zip", expires_at.timestamp()))
}

fn is_there(export: &export::Model, now: DateTime<Utc>) -> bool {
    export.status == Status::Ready && export.expires_at.is_some_and(|at| now < at)
}

fn key(handles: &Handles) -> [u8; 32] {
    handles.secrets.derive("exports")
}

fn prune(root: &std::path::Path, now: i64) -> io::Result<usize> {
    let mut gone = 0;
    let tenants = match std::fs::read_dir(root) {
        Ok(tenants) => tenants,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    for tenant in tenants {
        let Ok(files) = std::fs::read_dir(tenant?.path().join("exports")) else {
            continue;
        };
        for file in files {
            let file = file?;
            let name = file.file_name().to_string_lossy().into_owned();
            let over = match name
                .rsplit('.')
                .nth(1)
                .and_then(|at| at.parse::<i64>().ok())
            {
                Some(at) => at <= now,
                None => {
                    name.ends_with(".part")
                        && file
                            .metadata()?
                            .modified()?
                            .elapsed()
                            .is_ok_and(|age| age > WRITING)
                }
            };
            if over {
                std::fs::remove_file(file.path())?;
                gone += 1;
            }
        }
    }
    Ok(gone)
}
