//! `balance rules`.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::tenant;
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::ctx::Ctx;
use crate::error::Result;
use crate::rules;

#[derive(Subcommand)]
pub(super) enum Rules {
    /// Count anew what became of the records that rules met: after an older version worked on the same books. It can be
    /// interrupted, and run beside a server.
    Recount(Which),
}

#[derive(Args)]
pub(super) struct Which {
    /// One tenant, by id or name; all of them without this.
    #[arg(long)]
    tenant: Option<String>,
}

impl Rules {
    pub(super) async fn run(self, config: Config) -> Result<ExitCode> {
        let Self::Recount(which) = self;
        let app = App::connect(config, Clock::system()).await?;
        let tenants = match &which.tenant {
            Some(text) => vec![tenant::find(&app.handles, text).await?],
            None => crate::identity::tenants(&app.handles).await?,
        };
        for tenant in tenants {
            let ctx = Ctx::system(Arc::clone(&app.handles), tenant);
            let records = rules::recount(&ctx).await?;
            println!("{tenant}  {records} records");
        }
        app.close().await;
        Ok(ExitCode::SUCCESS)
    }
}
