//! Asking for an import.

use entity::{AccountId, FileId, account, file, import};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter};

use super::options::{Options, name_of};
use crate::ctx::{Ctx, Event, Job};
use crate::error::{Error, Result};
use crate::integrations::csv::CsvMapping;
use crate::integrations::{Format, detect};
use crate::money::Currency;
use crate::permission::Permission;
use crate::{accounts, files};

/// How much of a file is looked at to tell its format.
const HEAD_BYTES: u64 = 64 * 1024;

/// What is to be imported, and how.
#[derive(Clone, Debug)]
pub struct Input {
    /// The file, with its bytes.
    pub file: FileId,
    /// The account of rows that name none.
    pub account: Option<AccountId>,
    /// The columns of a CSV file; those saved with the account, or guessed, when absent.
    pub mapping: Option<CsvMapping>,
    /// Whether the mapping is kept with the account for later files.
    pub save_mapping: bool,
    /// Whether bad rows are left out instead of refusing the file.
    pub skip_bad: bool,
    /// The currency of rows that name none; that of the account when absent.
    pub default_currency: Option<Currency>,
}

/// Queues the reading of a file.
pub async fn import_statement(ctx: &Ctx, input: Input) -> Result<import::Model> {
    ctx.require(Permission::ImportRecords)?;
    let file = ready(ctx, input.file).await?;
    let account = match input.account {
        Some(id) => Some(usable(ctx, id).await?),
        None => None,
    };
    let saved = match (&account, input.save_mapping, &input.mapping) {
        (_, false, _) => None,
        (Some(account), true, Some(mapping)) => Some((account.id, mapping.clone())),
        (None, true, _) => return Err(Error::invalid("accountId", "is needed to save a mapping")),
        (_, true, None) => {
            return Err(Error::invalid(
                "mapping",
                "is needed to be saved; previewStatement proposes one",
            ));
        }
    };
    let head = files::head(ctx, &file, HEAD_BYTES).await?;
    let format = detect(&head, Some(&file.name))
        .map_err(|error| Error::invalid("fileId", error.to_string()))?;
    let options = options(
        format,
        account.as_ref(),
        input.mapping,
        input.default_currency,
    )?;

    let row = import::Model {
        tenant_id: ctx.tenant(),
        id: ctx.id(),
        account_id: account.as_ref().map(|account| account.id),
        file_id: file.id,
        file_name: file.name,
        format: name_of(format).to_owned(),
        status: import::Status::Queued,
        options: serde_json::to_string(&options)?,
        skip_bad: input.skip_bad,
        total_rows: 0,
        new_rows: 0,
        duplicate_rows: 0,
        refused_rows: 0,
        error: None,
        created_by: ctx.user(),
        created_at: ctx.now(),
        finished_at: None,
        voided_at: None,
    };
    let mut tx = ctx.begin().await?;
    if let Some((account, mapping)) = saved {
        let mapping = serde_json::to_string(&mapping)?;
        tx.update::<account::Entity>()
            .col_expr(account::Column::CsvMapping, Expr::value(mapping))
            .col_expr(account::Column::UpdatedAt, Expr::value(ctx.now()))
            .filter(account::Column::Id.eq(account))
            .exec(tx.on())
            .await?;
        tx.record(Event::AccountChanged { account });
    }
    tx.insert(row.clone()).await?;
    tx.record(Event::ImportStarted { import: row.id });
    tx.enqueue(Job::IngestImport { import: row.id });
    tx.commit().await?;
    Ok(row)
}

/// The file, when its bytes are there.
pub(super) async fn ready(ctx: &Ctx, id: FileId) -> Result<file::Model> {
    let file = files::load(ctx, id).await?;
    if file.stored_at.is_none() {
        return Err(Error::invalid(
            "fileId",
            "has no bytes yet; PUT them to its upload link first",
        ));
    }
    Ok(file)
}

/// The account, when it takes imports.
pub(super) async fn usable(ctx: &Ctx, id: AccountId) -> Result<account::Model> {
    let account = accounts::load(ctx, id).await?;
    if account.archived_at.is_some() {
        return Err(Error::invalid(
            "accountId",
            "is archived; restore it or choose another account",
        ));
    }
    Ok(account)
}

/// How a file is read: what is said now goes before what the account says.
pub(super) fn options(
    format: Format,
    account: Option<&account::Model>,
    mapping: Option<CsvMapping>,
    default_currency: Option<Currency>,
) -> Result<Options> {
    let saved = match account {
        Some(account) if format == Format::Csv => accounts::mapping(account)?,
        _ => None,
    };
    let own = account.and_then(|account| account.currency.as_deref()?.parse().ok());
    Ok(Options {
        mapping: mapping.filter(|_| format == Format::Csv).or(saved),
        default_currency: default_currency.or(own),
    })
}
