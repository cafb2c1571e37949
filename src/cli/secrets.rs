//! `balance secrets`.

use std::process::ExitCode;

use clap::Subcommand;

use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{self, Progress};
use crate::error::Result;

#[derive(Subcommand)]
pub(super) enum Secrets {
    /// Seal every stored secret anew with today's DATA_KEY. Set DATA_KEY to a new key, name the one before in
    /// DATA_KEY_PREVIOUS, restart, run this, and `balance doctor` says when the one before can go. It can be interrupted
    /// and run again, while servers work.
    Rotate,
}

impl Secrets {
    pub(super) async fn run(self, config: Config) -> Result<ExitCode> {
        let Self::Rotate = self;
        let app = App::connect(config, Clock::system()).await?;
        let handles = &app.handles;
        println!("Sealing with key {}", handles.vault.current());
        let tell = |Progress {
                        table,
                        seen,
                        resealed,
                    }| {
            println!("{table}: {seen} rows seen, {resealed} values sealed anew");
        };
        let done = db::reseal(&handles.db, &handles.vault, tell).await;
        app.close().await;
        done?;
        println!("Done: every stored secret is under that key.");
        Ok(ExitCode::SUCCESS)
    }
}
