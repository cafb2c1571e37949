//! Statement files and their imports, as clients see them.

mod input;
mod preview;

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, Enum, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{AccountId, ImportId, import, refused_row};
pub use input::{
    CreateUploadInput, ImportFilter, ImportStatementInput, PreviewStatementInput, VoidImportInput,
};
pub use preview::{StatementAccount, StatementPreview, StatementRow};

use super::accounts::Account;
use super::loader::{OpLoader, find, load};
use super::node::{global, local};
use super::op::Op;
use super::page::{Connection, as_of, asks, window};
use super::payload::payloads;
use super::records::feed_accounts;
use crate::error::{Error, Result};
use crate::{files, imports};

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "import::Status")]
pub enum ImportStatus {
    /// Waiting for a worker.
    Queued,
    /// Rows are being stored.
    Running,
    /// Every row is stored.
    Done,
    /// The file could not be accepted; nothing was stored.
    Refused,
    /// Storing failed for good; see the error.
    Failed,
    /// Taken back.
    Voided,
}

/// The reading of one statement file.
#[derive(Clone, SimpleObject)]
#[graphql(complex, serial)]
pub struct Import {
    /// Opaque global id.
    pub id: ID,
    /// The name of the file.
    pub file_name: String,
    /// `CSV` or `OFX`.
    pub format: String,
    /// How far it is.
    pub status: ImportStatus,
    /// Whether bad rows are left out instead of refusing the file.
    pub skip_bad: bool,
    /// Rows read.
    pub total_rows: i32,
    /// Records it brought.
    pub new_rows: i32,
    /// Rows that were known.
    pub duplicate_rows: i32,
    /// Rows that could not be read.
    pub refused_rows: i32,
    /// Why it was refused or failed.
    pub error: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When the last row was stored.
    pub finished_at: Option<DateTime<Utc>>,
    /// When it was taken back.
    pub voided_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    row: Arc<import::Model>,
}

#[ComplexObject]
impl Import {
    /// The account of rows that name none.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<Account>> {
        match self.row.account_id {
            Some(id) => find(ctx, id).await,
            None => Ok(None),
        }
    }

    /// How far it is, from the file to the last decision.
    async fn progress(&self, ctx: &Context<'_>) -> Result<ImportProgress> {
        load(ctx, ProgressOf(self.row.id), "import").await
    }
}

impl From<import::Model> for Import {
    fn from(row: import::Model) -> Self {
        Self {
            id: global("Import", row.id),
            file_name: row.file_name.clone(),
            format: row.format.clone(),
            status: row.status.into(),
            skip_bad: row.skip_bad,
            total_rows: row.total_rows,
            new_rows: row.new_rows,
            duplicate_rows: row.duplicate_rows,
            refused_rows: row.refused_rows,
            error: row.error.clone(),
            created_at: row.created_at,
            finished_at: row.finished_at,
            voided_at: row.voided_at,
            row: Arc::new(row),
        }
    }
}

impl Loader<ImportId> for OpLoader {
    type Value = Import;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[ImportId]) -> Result<HashMap<ImportId, Import>, Arc<Error>> {
        let found = imports::by_ids(&self.ctx, ids).await.map_err(Arc::new)?;
        Ok(found.into_iter().map(|row| (row.id, row.into())).collect())
    }
}

/// Asks how far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProgressOf(pub ImportId);

impl Loader<ProgressOf> for OpLoader {
    type Value = ImportProgress;
    type Error = Arc<Error>;

    async fn load(
        &self,
        keys: &[ProgressOf],
    ) -> Result<HashMap<ProgressOf, ImportProgress>, Arc<Error>> {
        let ids: Vec<ImportId> = keys.iter().map(|key| key.0).collect();
        let far = async {
            let rows = imports::by_ids(&self.ctx, &ids).await?;
            imports::progress(&self.ctx, &rows).await
        };
        let far = far.await.map_err(Arc::new)?;
        Ok(far
            .into_iter()
            .map(|(id, progress)| (ProgressOf(id), progress.into()))
            .collect())
    }
}

/// How far an import is, from the file to the last decision.
#[derive(Clone, SimpleObject)]
#[graphql(serial)]
pub struct ImportProgress {
    /// Rows of the file.
    pub total: i64,
    /// Rows that are records, new ones and known ones.
    pub stored: i64,
    /// Records it brought that the pipeline is done with, failed ones among them.
    pub processed: i64,
    /// Records it brought that the pipeline gave up on.
    pub failed: i64,
}

impl From<imports::Progress> for ImportProgress {
    fn from(progress: imports::Progress) -> Self {
        Self {
            total: progress.total as i64,
            stored: progress.stored as i64,
            processed: progress.processed as i64,
            failed: progress.failed as i64,
        }
    }
}

/// A row of a statement that could not be read.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct RefusedRow {
    /// Line in the file, from 1.
    pub line: i32,
    /// The field at fault.
    pub field: Option<String>,
    /// What was wrong and what is accepted.
    pub reason: String,
    /// The row as it stood.
    pub raw: String,
}

impl From<refused_row::Model> for RefusedRow {
    fn from(row: refused_row::Model) -> Self {
        Self {
            line: row.line,
            field: row.field,
            reason: row.reason,
            raw: row.raw,
        }
    }
}

/// What taking an import back would undo.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct VoidPreview {
    /// Records that would be voided.
    pub records: i64,
    /// Those among them that are in the books.
    pub approved: i64,
    /// Those among them that were found not to belong there.
    pub rejected: i64,
    /// Those among them that wait for a decision of a person.
    pub pending: i64,
}

impl From<imports::VoidPreview> for VoidPreview {
    fn from(preview: imports::VoidPreview) -> Self {
        Self {
            records: preview.records as i64,
            approved: preview.approved as i64,
            rejected: preview.rejected as i64,
            pending: preview.pending as i64,
        }
    }
}

/// A link to send a file to.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct Upload {
    /// The file that waits for its bytes; what `importStatement` takes.
    pub file_id: ID,
    /// Where to PUT the bytes. The link needs no sign-in: whoever has it may use it.
    pub url: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

impl From<files::Upload> for Upload {
    fn from(upload: files::Upload) -> Self {
        Self {
            file_id: global("File", upload.file.id),
            url: upload.url,
            expires_at: upload.expires_at,
        }
    }
}

payloads! {
    /// A link that was made.
    CreateUploadPayload {
        /// The link.
        upload: Upload
    },
    /// A file that was looked into.
    PreviewStatementPayload {
        /// What an import would bring.
        preview: StatementPreview
    },
    /// An import that was queued.
    ImportStatementPayload {
        /// The import; follow its progress.
        import: Import
    },
    /// An import that was taken back.
    VoidImportPayload {
        /// The import.
        import: Import
    },
}

/// Questions about imports.
#[derive(Default)]
pub struct ImportsQuery;

#[Object]
impl ImportsQuery {
    /// One import. Needs `records:read`.
    async fn import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its global id.")] id: ID,
    ) -> Result<Import> {
        let id = local("Import", "id", &id)?;
        Ok(imports::load(ctx.op()?, id).await?.into())
    }

    /// The imports, newest first. Needs `records:read`.
    async fn imports(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which imports; all when left out.")] filter: Option<ImportFilter>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor to start after.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor to end before.")] before: Option<String>,
    ) -> Result<Connection<Import>> {
        let window = window(first, after, last, before)?;
        let filter = filter.unwrap_or_default().read()?;
        let op = ctx.op()?;
        let as_of = as_of(ctx).await?;
        let page = imports::list(op, &filter, &window).await?;
        let rows = || page.rows.iter().map(|(_, row)| row);
        if asks(ctx, "edges.node.account") {
            let ids: Vec<AccountId> = rows().filter_map(|row| row.account_id).collect();
            feed_accounts(ctx, ids).await?;
        }
        if asks(ctx, "edges.node.progress") {
            let rows: Vec<import::Model> = rows().cloned().collect();
            let far = imports::progress(op, &rows).await?;
            let far = far
                .into_iter()
                .map(|(id, progress)| (ProgressOf(id), ImportProgress::from(progress)));
            let far: Vec<_> = far.collect();
            ctx.loader()?.feed_many(far).await;
        }
        let mut found = Connection::of(page, Import::from);
        found.as_of = as_of;
        if asks(ctx, "totalCount") {
            found.total_count = Some(imports::count(op, &filter).await? as i64);
        }
        Ok(found)
    }

    /// The rows of an import that could not be read, in the order of the file; of very many the first 10,000 are kept.
    /// Needs `records:read`.
    async fn refused_rows(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which import.")] import_id: ID,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor to start after.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor to end before.")] before: Option<String>,
    ) -> Result<Connection<RefusedRow>> {
        let window = window(first, after, last, before)?;
        let id = local("Import", "importId", &import_id)?;
        let op = ctx.op()?;
        let import = imports::load(op, id).await?;
        let as_of = as_of(ctx).await?;
        let page = imports::refused_rows(op, id, &window).await?;
        let mut refused = Connection::of(page, RefusedRow::from);
        refused.as_of = as_of;
        refused.total_count = Some(import.refused_rows.into());
        Ok(refused)
    }

    /// What taking an import back would undo. Needs `records:read`.
    async fn void_preview(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which import.")] import_id: ID,
    ) -> Result<VoidPreview> {
        let id = local("Import", "importId", &import_id)?;
        Ok(imports::void_preview(ctx.op()?, id).await?.into())
    }
}

/// What is done with statement files.
#[derive(Default)]
pub struct ImportsMutation;

#[Object]
impl ImportsMutation {
    /// Make a link to send a file to. Needs `records:import`.
    async fn create_upload(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: CreateUploadInput,
    ) -> Result<CreateUploadPayload> {
        let op = ctx.op()?;
        let made = async {
            let size = input.read_size()?;
            files::create_upload(op, &input.name, size).await
        };
        CreateUploadPayload::of(made.await)
    }

    /// Look into a statement: how it would be read and what it would bring. Nothing is stored. Needs `records:import`.
    async fn preview_statement(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: PreviewStatementInput,
    ) -> Result<PreviewStatementPayload> {
        let op = ctx.op()?;
        PreviewStatementPayload::of(input.look(op).await)
    }

    /// Queue a statement to be read into records. Needs `records:import`.
    async fn import_statement(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ImportStatementInput,
    ) -> Result<ImportStatementPayload> {
        let op = ctx.op()?;
        let queued = async { imports::import_statement(op, input.read()?).await };
        ImportStatementPayload::of(queued.await)
    }

    /// Take a whole import back, approved records included; `voidPreview` tells how many. Needs `records:void`.
    async fn void_import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: VoidImportInput,
    ) -> Result<VoidImportPayload> {
        let op = ctx.op()?;
        let voided = async {
            let id = local("Import", "importId", &input.import_id)?;
            imports::void_import(op, id).await
        };
        VoidImportPayload::of(voided.await)
    }
}
