//! `balance verify`.

use std::process::ExitCode;

use clap::Args;

use super::tenant;
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::Result;
use crate::events;

#[derive(Args)]
pub(super) struct Verify {
    /// Verify one tenant, by id or name; all of them without this.
    #[arg(long)]
    tenant: Option<String>,
}

impl Verify {
    pub(super) async fn run(self, config: Config) -> Result<ExitCode> {
        let app = App::connect(config, Clock::system()).await?;
        let tenants = match &self.tenant {
            Some(text) => vec![tenant::find(&app.handles, text).await?],
            None => tenant::all(&app.handles)
                .await?
                .into_iter()
                .map(|tenant| tenant.id)
                .collect(),
        };
        let mut whole = true;
        for tenant in &tenants {
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
        if tenants.is_empty() {
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
