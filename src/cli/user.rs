//! `balance user`.

use std::process::ExitCode;

use clap::Subcommand;

use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::{identity, secret};

#[derive(Subcommand)]
pub(super) enum User {
    /// Set a new password and end every session of a person. The password is read from the first line of standard
    /// input when --stdin is given; else one is made and printed once.
    ResetPassword {
        /// Whose password.
        #[arg(long)]
        email: String,
        /// Read the new password from standard input.
        #[arg(long)]
        stdin: bool,
    },
}

impl User {
    pub(super) async fn run(self, config: Config) -> Result<ExitCode> {
        let Self::ResetPassword { email, stdin } = self;
        let password = if stdin {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).map_err(|error| {
                Error::invalid("--stdin", format!("standard input cannot be read: {error}"))
            })?;
            line.trim_end_matches(['\r', '\n']).to_owned()
        } else {
            secret::token()[..20].to_owned()
        };
        let app = App::connect(config, Clock::system()).await?;
        identity::reset_password(&app.handles, &email, &password).await?;
        if stdin {
            println!("The password of {email} is set, and every session is ended.");
        } else {
            println!("The new password of {email} is {password}\nEvery session is ended.");
        }
        app.close().await;
        Ok(ExitCode::SUCCESS)
    }
}
