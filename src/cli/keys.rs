//! `balance keys`.

use std::process::ExitCode;

use clap::Subcommand;

use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::identity;

#[derive(Subcommand)]
pub(super) enum Keys {
    /// Add a key that signs access tokens. It takes over in ten minutes, and the one before is believed until the last
    /// token it signed has expired. Servers do this by themselves when a key is TOKEN_KEY_DAYS old.
    Rotate {
        /// A key has leaked: stop believing every earlier key now. Access tokens stop working within seconds; clients
        /// refresh and go on.
        #[arg(long)]
        revoke: bool,
    },
    /// List the keys whose tokens are believed.
    List,
}

impl Keys {
    pub(super) async fn run(self, config: Config) -> Result<ExitCode> {
        let app = App::connect(config, Clock::system()).await?;
        let done = self.act(&app).await;
        app.close().await;
        done?;
        Ok(ExitCode::SUCCESS)
    }

    async fn act(self, app: &App) -> Result<()> {
        let handles = &app.handles;
        if handles.secrets.jwt().is_some() {
            return Err(Error::invalid(
                "JWT_SECRET",
                "signs the tokens of this deployment: set another one to replace it, or none to sign with key pairs",
            ));
        }
        if let Self::Rotate { revoke } = self {
            identity::rotate_signing_key(handles, revoke).await?;
        }
        for key in identity::signing_keys(handles).await? {
            let until = key
                .until
                .map_or_else(String::new, |until| format!(", believed until {until}"));
            println!("{} signs from {}{until}", key.id, key.signs_from);
        }
        Ok(())
    }
}
