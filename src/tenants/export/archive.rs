//! A ZIP file that is written by a thread of its own, fed in pieces: what is slow about it is compressing.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::error::{Error, Result};

/// Pieces that may wait for the thread.
const WAITING: usize = 4;

enum Piece {
    File(String),
    Bytes(Vec<u8>),
}

/// A file that is being written. Dropped without being finished, it leaves nothing behind.
pub(super) struct Archive {
    pieces: Option<mpsc::Sender<Piece>>,
    writing: Option<JoinHandle<io::Result<()>>>,
    path: PathBuf,
    kept: bool,
}

/// A file that was written.
pub(super) struct Written {
    /// Its size.
    pub size_bytes: i64,
    /// Its hash, hex.
    pub sha256: String,
}

impl Archive {
    /// Begins a file at a path.
    pub async fn begin(path: PathBuf) -> Result<Self> {
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder)
                .await
                .map_err(Error::internal)?;
        }
        let (sender, pieces) = mpsc::channel(WAITING);
        let target = path.clone();
        Ok(Self {
            pieces: Some(sender),
            writing: Some(tokio::task::spawn_blocking(move || write(&target, pieces))),
            path,
            kept: false,
        })
    }

    /// Begins the next file inside.
    pub async fn file(&mut self, name: &str) -> Result<()> {
        self.send(Piece::File(name.to_owned())).await
    }

    /// Adds to the file inside.
    pub async fn bytes(&mut self, bytes: Vec<u8>) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.send(Piece::Bytes(bytes)).await
    }

    async fn send(&mut self, piece: Piece) -> Result<()> {
        let sent = match &self.pieces {
            Some(pieces) => pieces.send(piece).await.is_ok(),
            None => false,
        };
        if sent {
            return Ok(());
        }
        // the thread ended before its time: it says why
        self.end().await?;
        Err(Error::internal("the export ended before its time"))
    }

    async fn end(&mut self) -> Result<()> {
        self.pieces = None;
        match self.writing.take() {
            Some(writing) => writing
                .await
                .map_err(Error::internal)?
                .map_err(Error::internal),
            None => Ok(()),
        }
    }

    /// Closes the file and gives it its name, once it is safe on disk.
    pub async fn keep(mut self, path: PathBuf) -> Result<Written> {
        self.end().await?;
        let from = self.path.clone();
        let written = tokio::task::spawn_blocking(move || {
            let written = measure(&from)?;
            std::fs::rename(&from, &path)?;
            Ok::<_, io::Error>(written)
        });
        let written = written
            .await
            .map_err(Error::internal)?
            .map_err(Error::internal)?;
        self.kept = true;
        Ok(written)
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = std::fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "An export that was given up could not be removed");
        }
    }
}

fn write(path: &Path, mut pieces: mpsc::Receiver<Piece>) -> io::Result<()> {
    let mut zip = ZipWriter::new(File::create(path)?);
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .large_file(true);
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            Piece::File(name) => zip.start_file(name, options).map_err(io::Error::other)?,
            Piece::Bytes(bytes) => zip.write_all(&bytes)?,
        }
    }
    zip.finish().map_err(io::Error::other)?.sync_all()
}

fn measure(path: &Path) -> io::Result<Written> {
    let mut file = File::open(path)?;
    let (mut hasher, mut size, mut buffer) = (Sha256::new(), 0_i64, vec![0; 256 * 1024]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        size += read as i64;
    }
    let sha256 = hasher.finalize();
    Ok(Written {
        size_bytes: size,
        sha256: sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}
