//! The job that reads a file into records.

use entity::{AccountId, ImportId, account, import, job, record, refused_row};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter};

use super::accounts::{Owners, existing, numbers, refuse_unowned, resolve};
use super::find::load;
use super::options::Options;
use super::read::{Reading, read};
use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::integrations::{RefusedRow, StatementRow};
use crate::queue::Claim;
use crate::records::{NewRecord, receive};
use crate::{accounts, files};

/// Rows of one transaction.
const STEP: usize = 1_000;

/// Refused rows that are kept; the import counts all of them.
const KEPT_REFUSED: usize = 10_000;

/// The states an import may be read in. A failed one is read again when its job is driven again.
const READABLE: [import::Status; 3] = [
    import::Status::Queued,
    import::Status::Running,
    import::Status::Failed,
];

/// Reads a file into records, in steps of a thousand rows. Cut off anywhere, it can simply be run again: rows that are
/// stored are found as such, and what the import brought is counted from its records.
pub async fn ingest(ctx: &Ctx, claim: &Claim, job: &job::Model, import: ImportId) -> Result<()> {
    let import = load(ctx, import).await?;
    if !READABLE.contains(&import.status) {
        return complete(ctx, claim, job).await;
    }
    let account = chosen(ctx, import.account_id).await?;
    let file = files::load(ctx, import.file_id).await?;
    let bytes = files::open(ctx, &file).await?;
    let options = Options::of(&import)?;
    let work = Work {
        ctx,
        claim,
        job,
        import: &import,
    };
    let mut reading = match read(bytes, file.name, options).await? {
        Ok(reading) => reading,
        Err(error) => return work.refuse(error.to_string(), 0, &[]).await,
    };
    refuse_unowned(&mut reading.statement, &mut reading.keys, import.account_id);
    let total = reading.statement.rows.len() + reading.statement.refused.len();
    if let Some(first) = reading.statement.refused.first()
        && !import.skip_bad
    {
        let reason = why_refused(&reading, first);
        return work.refuse(reason, total, &reading.statement.refused).await;
    }
    let known = accounts::by_numbers(ctx, &numbers(&reading.statement)).await?;
    match existing(&reading.statement, account.as_ref(), &known) {
        Ok(owners) => work.store(reading, owners).await,
        Err(reason) => work.refuse(reason, total, &[]).await,
    }
}

/// Marks an import failed with the job that could not be done.
pub async fn give_up(
    ctx: &Ctx,
    claim: &Claim,
    job: &job::Model,
    import: ImportId,
    error: &str,
) -> Result<()> {
    let mut tx = ctx.begin().await?;
    tx.bury(claim, &[job.id], error).await?;
    let failed = tx
        .update::<import::Entity>()
        .col_expr(import::Column::Status, Expr::value(import::Status::Failed))
        .col_expr(import::Column::Error, Expr::value(error))
        .col_expr(import::Column::FinishedAt, Expr::value(ctx.now()))
        .filter(import::Column::Id.eq(import))
        .filter(import::Column::Status.is_in(READABLE))
        .exec(tx.on())
        .await?;
    if failed.rows_affected > 0 {
        tx.record(Event::ImportFailed { import });
    }
    tx.commit().await
}

/// An import on a worker.
struct Work<'w> {
    ctx: &'w Ctx,
    claim: &'w Claim,
    job: &'w job::Model,
    import: &'w import::Model,
}

impl Work<'_> {
    /// Refuses the whole file.
    async fn refuse(&self, reason: String, total: usize, rows: &[RefusedRow]) -> Result<()> {
        let mut tx = self.ctx.begin().await?;
        tx.complete(self.claim, &[self.job.id]).await?;
        self.keep_refused(&tx, rows).await?;
        let id = self.import.id;
        let refused = tx
            .update::<import::Entity>()
            .col_expr(import::Column::Status, Expr::value(import::Status::Refused))
            .col_expr(import::Column::Error, Expr::value(reason))
            .col_expr(import::Column::TotalRows, Expr::value(number(total)))
            .col_expr(import::Column::RefusedRows, Expr::value(number(rows.len())))
            .col_expr(import::Column::FinishedAt, Expr::value(self.ctx.now()))
            .filter(import::Column::Id.eq(id))
            .filter(import::Column::Status.is_in(READABLE))
            .exec(tx.on())
            .await?;
        if refused.rows_affected > 0 {
            tx.record(Event::ImportRefused { import: id });
        }
        tx.commit().await
    }

    /// Stores the rows of a file.
    async fn store(&self, reading: Reading, owners: Owners) -> Result<()> {
        let good = reading.statement.rows.len();
        let mut far = Far {
            total: number(good + reading.statement.refused.len()),
            refused: number(reading.statement.refused.len()),
            ..Far::default()
        };
        let owners = self.begin(&reading, owners, &mut far).await?;
        let refused = reading.statement.refused;
        let mut rows = reading.statement.rows.into_iter().zip(reading.keys);
        loop {
            let step: Vec<_> = rows.by_ref().take(STEP).collect();
            far.seen += number(step.len());
            let records = step
                .into_iter()
                .map(|(row, key)| self.record(row, key, &owners))
                .collect::<Result<Vec<_>>>()?;
            if rows.len() == 0 {
                return self.finish(records, far, &refused).await;
            }
            self.advance(records, &mut far).await?;
        }
    }

    /// Says that the rows are being stored, and whose they are.
    async fn begin(&self, reading: &Reading, owners: Owners, far: &mut Far) -> Result<Owners> {
        let mut tx = self.ctx.begin().await?;
        self.hold(&tx).await?;
        let owners = resolve(&mut tx, &reading.statement, owners).await?;
        far.new = brought(&tx, self.import.id).await?;
        self.mark(&tx, *far, import::Status::Running, None).await?;
        tx.commit().await?;
        Ok(owners)
    }

    async fn advance(&self, records: Vec<NewRecord>, far: &mut Far) -> Result<()> {
        let mut tx = self.ctx.begin().await?;
        self.hold(&tx).await?;
        let receipts = receive(&mut tx, records).await?;
        far.new += number(receipts.iter().filter(|receipt| receipt.new).count());
        self.mark(&tx, *far, import::Status::Running, None).await?;
        tx.record(Event::ImportAdvanced {
            import: self.import.id,
            new_rows: far.new,
            duplicate_rows: far.duplicates(),
            total_rows: far.total,
        });
        tx.commit().await?;
        let (done, total) = (far.seen.unsigned_abs(), far.total.unsigned_abs());
        self.ctx
            .tell_progress(self.job.id, done.into(), total.into());
        Ok(())
    }

    async fn finish(
        &self,
        records: Vec<NewRecord>,
        mut far: Far,
        refused: &[RefusedRow],
    ) -> Result<()> {
        let mut tx = self.ctx.begin().await?;
        tx.complete(self.claim, &[self.job.id]).await?;
        receive(&mut tx, records).await?;
        far.new = brought(&tx, self.import.id).await?;
        self.keep_refused(&tx, refused).await?;
        let now = Some(self.ctx.now());
        self.mark(&tx, far, import::Status::Done, now).await?;
        tx.record(Event::ImportFinished {
            import: self.import.id,
            new_rows: far.new,
            duplicate_rows: far.duplicates(),
            refused_rows: far.refused,
            total_rows: far.total,
        });
        tx.commit().await
    }

    fn record(&self, row: StatementRow, key: String, owners: &Owners) -> Result<NewRecord> {
        let account = owners
            .of(row.account.as_deref())
            .ok_or_else(|| Error::internal("a row of an import has no account"))?;
        Ok(NewRecord {
            source_id: account.0,
            external_id: row.external_id.unwrap_or(key),
            account_id: Some(account),
            connection_id: None,
            import_id: Some(self.import.id),
            occurred_on: row.occurred_on,
            amount: row.amount,
            description: row.description,
            raw: row.raw,
            tags: row.tags,
            metadata: None,
            created_by: self.import.created_by,
        })
    }

    /// Stops a worker whose claim went to another one, before it stores a step.
    async fn hold(&self, tx: &Tx<'_>) -> Result<()> {
        let held = tx
            .select::<job::Entity>()
            .filter(job::Column::Id.eq(self.job.id))
            .filter(job::Column::Claim.eq(self.claim.id))
            .filter(job::Column::State.eq(job::State::Running))
            .count(tx.on())
            .await?;
        if held == 1 {
            Ok(())
        } else {
            Err(Error::conflict(
                "the claim was lost: another worker has the work",
            ))
        }
    }

    /// Writes how far the import is.
    async fn mark(
        &self,
        tx: &Tx<'_>,
        far: Far,
        status: import::Status,
        finished_at: Option<chrono::DateTime<chrono::Utc>>,
    ) -> Result<()> {
        use import::Column as C;
        let marked = tx
            .update::<import::Entity>()
            .col_expr(C::Status, Expr::value(status))
            .col_expr(C::TotalRows, Expr::value(far.total))
            .col_expr(C::NewRows, Expr::value(far.new))
            .col_expr(C::DuplicateRows, Expr::value(far.duplicates()))
            .col_expr(C::RefusedRows, Expr::value(far.refused))
            .col_expr(C::Error, Expr::value(Option::<String>::None))
            .col_expr(C::FinishedAt, Expr::value(finished_at))
            .filter(C::Id.eq(self.import.id))
            .filter(C::Status.is_in(READABLE))
            .exec(tx.on())
            .await?;
        if marked.rows_affected == 1 {
            Ok(())
        } else {
            Err(Error::conflict("the import is not being read any more"))
        }
    }

    /// Keeps the refused rows, instead of those of an earlier attempt.
    async fn keep_refused(&self, tx: &Tx<'_>, rows: &[RefusedRow]) -> Result<()> {
        tx.delete::<refused_row::Entity>()
            .filter(refused_row::Column::ImportId.eq(self.import.id))
            .exec(tx.on())
            .await?;
        let rows = rows
            .iter()
            .take(KEPT_REFUSED)
            .map(|row| refused_row::Model {
                tenant_id: self.ctx.tenant(),
                id: self.ctx.id(),
                import_id: self.import.id,
                line: i32::try_from(row.line).unwrap_or(i32::MAX),
                field: row.field.map(str::to_owned),
                reason: row.reason.replace('\0', ""),
                raw: row.raw.replace('\0', ""),
            });
        tx.insert_all(rows.collect()).await
    }
}

/// How far an import is.
#[derive(Clone, Copy, Debug, Default)]
struct Far {
    total: i32,
    refused: i32,
    /// Good rows that were looked at in this attempt.
    seen: i32,
    /// Records it brought, in earlier attempts too.
    new: i32,
}

impl Far {
    /// Rows that were known. While an attempt repeats the rows of one before it, their number is not known yet.
    fn duplicates(self) -> i32 {
        (self.seen - self.new).max(0)
    }
}

/// Records an import brought.
async fn brought(tx: &Tx<'_>, import: ImportId) -> Result<i32> {
    let records = tx
        .select::<record::Entity>()
        .filter(record::Column::ImportId.eq(import))
        .count(tx.on())
        .await?;
    i32::try_from(records).map_err(Error::internal)
}

async fn chosen(ctx: &Ctx, account: Option<AccountId>) -> Result<Option<account::Model>> {
    match account {
        Some(id) => Ok(Some(accounts::load(ctx, id).await?)),
        None => Ok(None),
    }
}

async fn complete(ctx: &Ctx, claim: &Claim, job: &job::Model) -> Result<()> {
    let tx = ctx.begin().await?;
    tx.complete(claim, &[job.id]).await?;
    tx.commit().await
}

fn why_refused(reading: &Reading, first: &RefusedRow) -> String {
    let bad = reading.statement.refused.len();
    let all = bad + reading.statement.rows.len();
    let field = first
        .field
        .map(|field| format!("{field}: "))
        .unwrap_or_default();
    format!(
        "{bad} of {all} rows could not be read, and nothing was stored. The first is on line {}: {field}{}. \
         Correct the file, or import it and leave bad rows out",
        first.line, first.reason
    )
}

/// A number of rows; a file holds 200,000 at most.
fn number(rows: usize) -> i32 {
    i32::try_from(rows).unwrap_or(i32::MAX)
}
