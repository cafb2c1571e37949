//! `balance migrate`.

use std::process::ExitCode;

use clap::Args;

use crate::config::Config;
use crate::db::{self, Db};
use crate::error::Result;
use crate::outbound::embeddings::{Embedder, OpenAi};

#[derive(Args)]
pub(super) struct Migrate {
    /// Grant this PostgreSQL role what the server needs and nothing more. The role must exist.
    #[arg(long, value_name = "NAME")]
    app_role: Option<String>,
}

impl Migrate {
    pub(super) async fn run(self, config: Config) -> Result<ExitCode> {
        let url = config
            .migration_database_url
            .clone()
            .unwrap_or_else(|| config.database_url());
        let db = Db::connect(&url, 2, false).await?;
        db::migrate(&db).await?;
        if let Some(embedder) = OpenAi::configured(&config) {
            db::prepare_pgvector(&db, &[embedder.dimension()]).await?;
        }
        eprintln!("The schema is up to date.");
        if let Some(role) = &self.app_role {
            db::grant_app_role(&db, role).await?;
            eprintln!("The role {role} may work in it.");
        }
        db.close().await;
        Ok(ExitCode::SUCCESS)
    }
}
