//! `balance serve`.

use std::process::ExitCode;
use std::sync::Arc;

use crate::app::App;
use crate::clock::Clock;
use crate::config::{Config, Environment, Role};
use crate::error::Result;
use crate::{demo, run};

pub(super) async fn run(config: Config, roles: &[Role]) -> Result<ExitCode> {
    let app = App::connect(config, Clock::system()).await?;
    run::stop_on_signals(&app);
    let listener = if roles.contains(&Role::Api) {
        Some(run::listen(&app).await?)
    } else {
        None
    };
    if let Some(address) = listener
        .as_ref()
        .and_then(|listener| listener.local_addr().ok())
    {
        tracing::info!(
            "balance {} listens on http://{address}",
            env!("CARGO_PKG_VERSION")
        );
    }
    let config = &app.handles.config;
    let complete = roles.contains(&Role::Api) && roles.contains(&Role::Worker);
    if config.environment == Environment::Development && config.seed_demo && complete {
        tokio::spawn(welcome(Arc::clone(&app)));
    }
    run::serve(app, roles, listener).await?;
    Ok(ExitCode::SUCCESS)
}

/// A first start in development makes a company to look at, and says how; later ones say how to get in.
async fn welcome(app: Arc<App>) {
    let url = app.handles.config.public_url();
    match demo::open(&app.handles).await {
        Ok(Some(access)) => {
            println!("{}", demo::greeting(&url, &access));
            match demo::feed(&app.handles, access.tenant).await {
                Ok(rows) => tracing::info!(
                    rows,
                    "The demo company's statements are in its books; open GraphiQL to look around"
                ),
                Err(error) => tracing::warn!(error = ?error, "The demo company could not be fed"),
            }
        }
        Ok(None) => println!("\n  GraphiQL  {url}/graphiql\n"),
        Err(error) => tracing::warn!(error = ?error, "The demo company could not be made"),
    }
}
