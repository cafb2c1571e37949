//! Everything of a tenant as one file.

use async_graphql::{Enum, ID, SimpleObject};
use chrono::{DateTime, Utc};
use entity::export::{self, Status};

use crate::ctx::Ctx;
use crate::graphql::node::global;
use crate::tenants::export::download_url;

/// How far an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Status")]
pub enum TenantExportStatus {
    /// Waiting for a worker.
    Queued,
    /// Being written.
    Running,
    /// Written; its file can be downloaded until it expires.
    Ready,
    /// It could not be made; ask for it again.
    Failed,
}

/// Everything of a tenant as one file: a ZIP of a text file per table, a JSON object a line, with the uploaded files and
/// a `manifest.json`.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct TenantExport {
    /// Opaque global id.
    pub id: ID,
    /// How far it is.
    pub status: TenantExportStatus,
    /// Rows written so far.
    pub rows_done: i64,
    /// Rows there were when it began; 0 before.
    pub rows_total: i64,
    /// Size of the file, in bytes; 0 until ready.
    pub size_bytes: i64,
    /// SHA-256 of the file, hex.
    pub sha256: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it was ready or failed.
    pub finished_at: Option<DateTime<Utc>>,
    /// When its file is removed; absent until ready.
    pub expires_at: Option<DateTime<Utc>>,
    /// Where to GET the file, without a sign-in and for a quarter of an hour; ask again for another link. Absent while there
    /// is no file.
    pub download_url: Option<String>,
}

impl TenantExport {
    /// An export as somebody sees it who asks now.
    pub fn of(op: &Ctx, row: export::Model) -> Self {
        Self {
            id: global("TenantExport", row.id),
            download_url: download_url(op, &row),
            status: row.status.into(),
            rows_done: row.rows_done,
            rows_total: row.rows_total,
            size_bytes: row.size_bytes,
            sha256: row.sha256,
            created_at: row.created_at,
            finished_at: row.finished_at,
            expires_at: row.expires_at,
        }
    }
}
