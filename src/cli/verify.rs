//! `balance verify`.

use std::process::ExitCode;

use clap::Args;

use super::tenant;
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::Result;
use crate::{events, tenants};

#[derive(Args)]
pub(super) struct Verify {
    /// Verify one tenant, by id or name; all of them without this.
    #[arg(long)]
    tenant: Option<String>,
}

impl Verify {
    pub(super) async fn run(self, config: Config) -> Result<ExitCode> {
        let app = App::connect(config, Clock::system()).await?;
        let logs = match &self.tenant {
            Some(text) => vec![tenant::find(&app.handles, text).await?],
            None => {
                let tenants = tenant::all(&app.handles).await?.into_iter();
                // the log of one that is being erased is no log any more
                let kept = tenants.filter(|tenant| tenant.erase_begun_at.is_none());
                kept.map(|tenant| tenant.id).collect()
            }
        };
        let mut whole = true;
        if self.tenant.is_none() {
            for erased in tenants::erased(&app.handles).await? {
                let (word, stone) = match erased.is_whole {
                    true => ("erased ", erased.tombstone),
                    false => ("BROKEN ", erased.tombstone),
                };
                whole &= erased.is_whole;
                println!("{word} {}  head {}", stone.id, stone.sequence);
            }
        }
        for tenant in &logs {
            let verdict = events::verify(&app.handles, *tenant).await?;
            if verdict.is_whole() {
                println!(
                    "ok      {tenant}  {} events, head {}",
                    verdict.events, verdict.head
                );
            } else {
                whole = false;
                println!(
                    "BROKEN  {tenant}  {} events, head {}",
                    verdict.events, verdict.head
                );
                for problem in &verdict.problems {
                    println!("        at {}: {}", problem.sequence, problem.what);
                }
            }
        }
        if logs.is_empty() {
            println!("There is no tenant yet.");
        }
        app.close().await;
        Ok(if whole {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}
