//! `balance evaluate`: how well would balance have proposed, on books that people have filed already?

mod rows;
mod score;
mod stream;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::config::{Config, Environment};
use crate::error::{Error, Result};
use crate::secret;

/// Measure how well balance would have proposed categories for books that people have filed already.
///
/// Reads a CSV file with a header, one row per movement of money, each with the category it was filed under. The rows are
/// taken in the order of their dates. For each, balance proposes a category without knowing the answer; then it is told
/// and learns from it, as if a reviewer had approved or corrected the proposal. Everything runs through the real
/// pipeline, in a store that is thrown away: nothing of yours is changed and nothing leaves this machine.
///
/// The table shows, after some rows and at the end:
///   acc      share of rows for which the right category was proposed
///   seen     the same among rows of merchants that occurred before
///   unseen   the same among rows of merchants that did not (how many in brackets)
///   auto     share that could have passed without review, and how much of that was right: a threshold for the
///            confidence is chosen from past answers only, so that 98 % would be right with 90 % certainty
///   ece      how far the confidence is from the truth, on average; 0 is perfect
///
/// With --delay the reviewer is some rows behind. What waits is proposed anew as answers come in; one more line shows how
/// much was right when its turn came, beside how much was right when it came in.
///
/// With --accept-suggestions every rule that the answers suggest is accepted at once, and may approve by itself. Two more
/// lines show what such rules were worth: the share of rows they decided and how much of it was right, and the share that
/// would have passed by itself and how much of that was right.
///
/// For example:
///   balance evaluate ledger.csv --category "Ledger account" --account Card --spent-positive
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Evaluate {
    /// The file: CSV with a header.
    file: PathBuf,
    /// The column with the date, written as 2026-03-31.
    #[arg(long, default_value = "date")]
    date: String,
    /// The column with the amount, a decimal with a point.
    #[arg(long, default_value = "amount")]
    amount: String,
    /// The column with the text of the bank.
    #[arg(long, default_value = "description")]
    description: String,
    /// The column that names the account or card, which often says as much as the text; without it there is one account.
    #[arg(long, default_value = "account")]
    account: String,
    /// The column with the category it was filed under.
    #[arg(long, default_value = "category")]
    category: String,
    /// The currency of all rows.
    #[arg(long, default_value = "EUR")]
    currency: String,
    /// The file counts money spent as positive.
    #[arg(long)]
    spent_positive: bool,
    /// Only rows in which a column has this value, as COLUMN=VALUE; may be repeated.
    #[arg(long = "only", value_name = "COLUMN=VALUE")]
    only: Vec<String>,
    /// Stop after so many rows.
    #[arg(long)]
    limit: Option<usize>,
    /// How many rows the reviewer is behind: each answer is told so much later.
    #[arg(long, default_value_t = 0)]
    delay: usize,
    /// Accept each suggested rule as soon as it is suggested, and let it approve by itself.
    #[arg(long)]
    accept_suggestions: bool,
    /// Write each row beside what was proposed for it to this file, as CSV.
    #[arg(long, value_name = "FILE")]
    rows: Option<PathBuf>,
}

impl Evaluate {
    pub(super) async fn run(self, config: Config) -> Result<ExitCode> {
        let rows = rows::read(&self)?;
        let folder = std::env::temp_dir().join(format!("balance-evaluate-{}", secret::token()));
        let outcome = self.measure(throwaway(config, folder.clone()), &rows).await;
        if let Err(error) = std::fs::remove_dir_all(&folder) {
            tracing::warn!(%error, folder = %folder.display(), "The temporary store could not be removed");
        }
        let score = outcome?;
        if let Some(file) = &self.rows {
            let refused = |error: csv::Error| {
                Error::invalid("--rows", format!("{}: {error}", file.display()))
            };
            score.write(file, &rows).map_err(refused)?;
        }
        score.print();
        Ok(ExitCode::SUCCESS)
    }

    async fn measure(&self, config: Config, rows: &[rows::Row]) -> Result<score::Score> {
        let bar = ProgressBar::new(rows.len() as u64);
        let style =
            ProgressStyle::with_template("{msg:<10} {wide_bar} {pos}/{len} {per_sec} {eta}")
                .map_err(Error::internal)?;
        bar.set_style(style);
        bar.set_message("proposing");
        let how = stream::How {
            delay: self.delay,
            accept: self.accept_suggestions,
        };
        let score = stream::run(config, rows, how, || bar.inc(1)).await;
        bar.finish_and_clear();
        score
    }
}

/// Settings of a store of its own in this folder, with nobody to ask outside.
fn throwaway(config: Config, folder: PathBuf) -> Config {
    Config {
        environment: Environment::Development,
        data_dir: folder,
        database_url: None,
        redis_url: None,
        openai_api_key: None,
        seed_demo: false,
        ..config
    }
}
