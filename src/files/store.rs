//! Where the bytes of files live.

use std::io;
use std::path::{Path, PathBuf};

use entity::TenantId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

use crate::config::Config;

/// A place for bytes, by tenant and content hash.
#[derive(Clone, Debug)]
pub enum Store {
    /// A folder of this machine.
    Local(PathBuf),
}

/// Bytes that arrive and have no name yet. Dropped without being kept, it leaves nothing behind.
pub(super) struct Incoming {
    file: tokio::fs::File,
    path: Option<PathBuf>,
}

impl Store {
    /// The store that is configured.
    pub fn of(config: &Config) -> Self {
        Self::Local(config.data_dir.join("files"))
    }

    /// Opens a place for bytes to arrive at.
    pub(super) async fn incoming(&self, id: Uuid) -> io::Result<Incoming> {
        let Self::Local(folder) = self;
        let arriving = folder.join("arriving");
        tokio::fs::create_dir_all(&arriving).await?;
        let path = arriving.join(id.simple().to_string());
        let file = tokio::fs::File::create_new(&path).await?;
        Ok(Incoming {
            file,
            path: Some(path),
        })
    }

    /// Gives arrived bytes their name, once they are safe on disk.
    pub(super) async fn keep(
        &self,
        mut incoming: Incoming,
        tenant: TenantId,
        sha256: &str,
    ) -> io::Result<()> {
        incoming.file.flush().await?;
        incoming.file.sync_all().await?;
        let path = self.path(tenant, sha256);
        let folder = path
            .parent()
            .expect("every path of the store is in a folder");
        tokio::fs::create_dir_all(folder).await?;
        if let Some(arrived) = &incoming.path {
            tokio::fs::rename(arrived, &path).await?;
        }
        incoming.path = None;
        sync_folder(folder).await
    }

    /// The bytes under a name, up to `limit` of them.
    pub(super) async fn read(
        &self,
        tenant: TenantId,
        sha256: &str,
        limit: u64,
    ) -> io::Result<Vec<u8>> {
        let file = tokio::fs::File::open(self.path(tenant, sha256)).await?;
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    /// The folder in which everything lies.
    pub fn root(&self) -> &Path {
        let Self::Local(folder) = self;
        folder
    }

    /// The folder of a tenant.
    pub fn folder(&self, tenant: TenantId) -> PathBuf {
        self.root().join(tenant.to_string())
    }

    /// The bytes under a name, to be read as they come.
    pub async fn open(&self, tenant: TenantId, sha256: &str) -> io::Result<tokio::fs::File> {
        tokio::fs::File::open(self.path(tenant, sha256)).await
    }

    /// Removes everything of a tenant; what is not there is no error.
    pub async fn erase(&self, tenant: TenantId) -> io::Result<()> {
        match tokio::fs::remove_dir_all(self.folder(tenant)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// One folder a tenant, so that a tenant can be erased; in it folders by the first byte of the hash.
    fn path(&self, tenant: TenantId, sha256: &str) -> PathBuf {
        let bucket = sha256.get(..2).unwrap_or("00");
        self.folder(tenant).join(bucket).join(sha256)
    }
}

impl Incoming {
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).await
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if let Some(path) = self.path.take()
            && let Err(error) = std::fs::remove_file(&path)
        {
            tracing::warn!(%error, "An upload that was given up could not be removed");
        }
    }
}

/// Makes a rename durable; a folder cannot be opened for that everywhere.
#[cfg(unix)]
async fn sync_folder(folder: &Path) -> io::Result<()> {
    tokio::fs::File::open(folder).await?.sync_all().await
}

#[cfg(not(unix))]
async fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
