//! Serving: the roles of a process, from the first connection to the last.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::app::App;
use crate::config::{Config, Role};
use crate::error::{Error, Result};
use crate::{http, identity, worker};

/// Opens the port.
pub async fn listen(config: &Config) -> Result<TcpListener> {
    let address = SocketAddr::new(config.host, config.port);
    TcpListener::bind(address).await.map_err(|error| {
        Error::invalid(
            "PORT",
            format!("{address} cannot be listened on: {error}; choose another with PORT or HOST"),
        )
    })
}

/// Serves `roles` until the process is asked to stop. Then it takes no new work, lets what runs finish for up to
/// `SHUTDOWN_SECONDS`, and cuts the rest: whatever is cut had not committed, and is done again by another process.
pub async fn serve(app: Arc<App>, roles: &[Role], listener: Option<TcpListener>) -> Result<()> {
    // before the first client; a database that is not there yet is asked again when a key is needed
    if let Err(error) = identity::keep_signing_keys(&app.handles).await {
        tracing::warn!(error = ?error, "The keys that sign access tokens could not be looked after");
    }
    let mut parts = JoinSet::new();
    if let Some(listener) = listener {
        let router = http::router(app.edge());
        let patience = app.handles.config.slow_client();
        let stopping = app.stopping.clone();
        parts.spawn(async move {
            let served = http::listener::serve(listener, router, patience, stopping).await;
            if let Err(error) = served {
                tracing::error!(%error, "The HTTP server stopped");
            }
        });
    }
    if roles.contains(&Role::Worker) {
        parts.spawn(worker::work(Arc::clone(&app)));
    }
    app.stopping.cancelled().await;
    tracing::info!("Stopping: finishing what has begun");
    let patience = Duration::from_secs(app.handles.config.shutdown_seconds);
    let finished = tokio::time::timeout(patience, async {
        while parts.join_next().await.is_some() {}
    })
    .await;
    if finished.is_err() {
        tracing::warn!("Some work did not finish in time and is cut; it will be done again");
        parts.abort_all();
    }
    app.close().await;
    Ok(())
}

/// Cancels `app.stopping` at SIGTERM or SIGINT; a second signal ends the process at once.
pub fn stop_on_signals(app: &App) {
    let stopping = app.stopping.clone();
    tokio::spawn(async move {
        signal().await;
        stopping.cancel();
        signal().await;
        tracing::warn!("Stopped at once");
        std::process::exit(130);
    });
}

async fn signal() {
    let interrupt = async { drop(tokio::signal::ctrl_c().await) };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut terminate) => drop(terminate.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
