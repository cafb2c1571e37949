//! `balance import`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use entity::import::{self, Status};
use entity::{AccountId, ImportId, account};
use indicatif::{ProgressBar, ProgressStyle};

use super::tenant;
use crate::accounts::{self, NewAccount};
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::imports::{self, Input};
use crate::integrations::csv::CsvMapping;
use crate::money::Currency;
use crate::page::Window;
use crate::{files, queue, worker};

/// Refused rows shown at most.
const SHOWN: u64 = 20;

#[derive(Args)]
pub(super) struct Import {
    /// The statement: CSV, OFX or QFX.
    file: PathBuf,
    /// Whose books, by id or name.
    #[arg(long)]
    tenant: String,
    /// The account of rows that name none: the number of an account, made when there is none.
    #[arg(long)]
    account: Option<String>,
    /// The currency of rows that name none, such as EUR.
    #[arg(long)]
    currency: Option<String>,
    /// The columns of a CSV file, as JSON (see docs/importing.md); guessed or as saved with the account when absent.
    #[arg(long)]
    mapping: Option<String>,
    /// The file counts money spent as positive.
    #[arg(long)]
    spent_positive: bool,
    /// Leave bad rows out instead of refusing the whole file.
    #[arg(long)]
    skip_bad: bool,
    /// Wait until every record has a proposal. Without a worker at work elsewhere, this process does the work.
    #[arg(long)]
    wait: bool,
}

impl Import {
    pub(super) async fn run(self, config: Config) -> Result<ExitCode> {
        let app = App::connect(config, Clock::system()).await?;
        let tenant = tenant::find(&app.handles, &self.tenant).await?;
        let ctx = Ctx::system(Arc::clone(&app.handles), tenant);
        let started = std::time::Instant::now();

        let id = self.start(&ctx).await?;
        let mut working = None;
        if self.wait || !busy(&app).await? {
            // several workers share a queue safely, so it does no harm if one starts elsewhere meanwhile
            working = Some(tokio::spawn(worker::work(Arc::clone(&app))));
        }
        let finished = follow(&ctx, id, self.wait).await?;
        app.stopping.cancel();
        if let Some(working) = working {
            drop(working.await);
        }
        let code = summary(&ctx, &finished, started.elapsed()).await?;
        ctx.refresh().await;
        app.close().await;
        Ok(code)
    }

    async fn start(&self, ctx: &Ctx) -> Result<ImportId> {
        let bytes = std::fs::read(&self.file).map_err(|error| {
            Error::invalid(
                "FILE",
                format!("{} cannot be read: {error}", self.file.display()),
            )
        })?;
        let currency = match &self.currency {
            Some(code) => Some(
                code.parse::<Currency>()
                    .map_err(|error| Error::invalid("--currency", error.to_string()))?,
            ),
            None => None,
        };
        let account = match &self.account {
            Some(number) => Some(account(ctx, number).await?),
            None => None,
        };
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        let file = files::store_bytes(ctx, &name, &bytes).await?;
        let input = Input {
            file: file.id,
            account,
            mapping: self.mapping(&bytes)?,
            save_mapping: false,
            skip_bad: self.skip_bad,
            default_currency: currency,
        };
        Ok(imports::import_statement(ctx, input).await?.id)
    }

    fn mapping(&self, bytes: &[u8]) -> Result<Option<CsvMapping>> {
        use crate::integrations::csv;
        let given = match &self.mapping {
            Some(json) => Some(
                serde_json::from_str::<CsvMapping>(json)
                    .map_err(|error| Error::invalid("--mapping", error.to_string()))?,
            ),
            None => None,
        };
        if !self.spent_positive {
            return Ok(given);
        }
        let mut mapping = match given {
            Some(mapping) => mapping,
            None => {
                csv::guess(bytes)
                    .map_err(|error| Error::invalid("FILE", error.to_string()))?
                    .0
            }
        };
        mapping.sign = csv::Sign::MoneyOutPositive;
        Ok(Some(mapping))
    }
}

/// Whether a worker elsewhere will see to it: something is being worked on, or the queue is not ours to drain.
async fn busy(app: &App) -> Result<bool> {
    queue::is_worked(&app.handles.db, app.handles.clock.now()).await
}

async fn account(ctx: &Ctx, number: &str) -> Result<AccountId> {
    if let Some(known) = accounts::by_numbers(ctx, &[number.to_owned()])
        .await?
        .into_iter()
        .next()
    {
        return Ok(known.id);
    }
    let new = NewAccount {
        name: number.to_owned(),
        number: Some(number.to_owned()),
        kind: account::Kind::Bank,
        currency: None,
        csv_mapping: None,
    };
    Ok(accounts::create(ctx, new).await?.id)
}

/// Shows how far it is until its rows are stored, and, when asked, until each has a proposal.
async fn follow(ctx: &Ctx, id: ImportId, to_the_end: bool) -> Result<import::Model> {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{msg:<11} {wide_bar} {pos}/{len} {per_sec} {eta}")
        .expect("the template is well formed");
    bar.set_style(style);
    loop {
        ctx.refresh().await;
        let import = imports::load(ctx, id).await?;
        let progress = imports::progress(ctx, std::slice::from_ref(&import)).await?;
        let progress = progress.get(&id).copied().unwrap_or_default();
        let stored = !matches!(import.status, Status::Queued | Status::Running);
        let new = u64::try_from(import.new_rows).unwrap_or_default();
        if stored {
            bar.set_message("processing");
            bar.set_length(new);
            bar.set_position(progress.processed);
        } else {
            bar.set_message("storing");
            bar.set_length(progress.total);
            bar.set_position(progress.stored);
        }
        if stored && (!to_the_end || progress.processed >= new || import.status != Status::Done) {
            bar.finish_and_clear();
            return Ok(import);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn summary(ctx: &Ctx, import: &import::Model, took: Duration) -> Result<ExitCode> {
    ctx.refresh().await;
    println!(
        "{}: {} rows, {} new, {} known already, {} refused ({:.1} s)",
        import.file_name,
        import.total_rows,
        import.new_rows,
        import.duplicate_rows,
        import.refused_rows,
        took.as_secs_f64()
    );
    if import.refused_rows > 0 {
        let window = Window {
            size: SHOWN,
            ..Window::default()
        };
        let refused = imports::refused_rows(ctx, import.id, &window).await?;
        for (_, row) in &refused.rows {
            println!("  line {}: {}", row.line, row.reason);
        }
        if refused.has_next {
            println!("  … and more; the API lists them all (`import {{ refusedRows }}`)");
        }
    }
    if let Some(error) = &import.error {
        println!("Nothing was stored: {error}");
    }
    Ok(if import.status == Status::Done {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
