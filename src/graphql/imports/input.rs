//! What clients say about statement files.

use async_graphql::{ID, InputObject, Json};
use serde_json::Value;

use super::ImportStatus;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::graphql::accounts::{csv_mapping, currency};
use crate::graphql::node::{local, local_opt};
use crate::imports;

/// A file to be sent.
#[derive(InputObject)]
pub struct CreateUploadInput {
    /// Its name.
    pub name: String,
    /// Its size, when it is known; one that is too large is refused at once.
    pub size_bytes: Option<i64>,
}

impl CreateUploadInput {
    pub(super) fn read_size(&self) -> Result<Option<u64>> {
        let read = |size| {
            u64::try_from(size).map_err(|_| Error::invalid("sizeBytes", "cannot be negative"))
        };
        self.size_bytes.map(read).transpose()
    }
}

/// Which imports are wanted.
#[derive(InputObject, Default)]
pub struct ImportFilter {
    /// How far they are: any of these.
    pub status: Option<Vec<ImportStatus>>,
    /// The account they were for.
    pub account_id: Option<ID>,
}

impl ImportFilter {
    pub(super) fn read(self) -> Result<imports::ImportFilter> {
        Ok(imports::ImportFilter {
            status: self.status.into_iter().flatten().map(Into::into).collect(),
            account: local_opt("Account", "filter.accountId", self.account_id.as_ref())?,
        })
    }
}

/// A statement to look into.
#[derive(InputObject)]
pub struct PreviewStatementInput {
    /// The file, once its bytes were sent.
    pub file_id: ID,
    /// The account of rows that name none.
    pub account_id: Option<ID>,
    /// The columns of a CSV file, as an earlier preview gave them; those saved with the account, or guessed, when left
    /// out.
    pub mapping: Option<Json<Value>>,
    /// ISO 4217 code of rows that name none; that of the account when left out.
    pub default_currency: Option<String>,
}

impl PreviewStatementInput {
    pub(super) async fn look(self, op: &Ctx) -> Result<imports::Preview> {
        let file = local("File", "fileId", &self.file_id)?;
        let account = local_opt("Account", "accountId", self.account_id.as_ref())?;
        let mapping = self.mapping.map(|json| csv_mapping("mapping", json));
        let code = self.default_currency.as_deref();
        let code = code.map(|code| currency("defaultCurrency", code));
        imports::preview(op, file, account, mapping.transpose()?, code.transpose()?).await
    }
}

/// A statement to read into records.
#[derive(InputObject)]
pub struct ImportStatementInput {
    /// The file, once its bytes were sent.
    pub file_id: ID,
    /// The account of rows that name none. A file of one account belongs to it whatever number stands in the file.
    pub account_id: Option<ID>,
    /// The columns of a CSV file, as `previewStatement` gave them; those saved with the account, or guessed, when left
    /// out.
    pub mapping: Option<Json<Value>>,
    /// Whether the mapping is kept with the account for later files.
    #[graphql(default)]
    pub save_mapping: bool,
    /// Whether bad rows are left out instead of refusing the file.
    #[graphql(default)]
    pub skip_bad: bool,
    /// ISO 4217 code of rows that name none; that of the account when left out.
    pub default_currency: Option<String>,
}

impl ImportStatementInput {
    pub(super) fn read(self) -> Result<imports::Input> {
        let mapping = self.mapping.map(|json| csv_mapping("mapping", json));
        let code = self.default_currency.as_deref();
        let code = code.map(|code| currency("defaultCurrency", code));
        Ok(imports::Input {
            file: local("File", "fileId", &self.file_id)?,
            account: local_opt("Account", "accountId", self.account_id.as_ref())?,
            mapping: mapping.transpose()?,
            save_mapping: self.save_mapping,
            skip_bad: self.skip_bad,
            default_currency: code.transpose()?,
        })
    }
}

/// An import to take back.
#[derive(InputObject)]
pub struct VoidImportInput {
    /// Which import.
    pub import_id: ID,
}
