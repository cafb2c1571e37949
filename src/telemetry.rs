//! Logs: JSON for machines in production, lines for people in development; and the traces they belong to.

pub mod trace;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

use crate::config::Config;

/// Starts logging for the process, to standard error. A second call does nothing.
pub fn start(config: &Config) -> Result<(), String> {
    let filter = EnvFilter::try_new(&config.log).map_err(|error| format!("LOG: {error}"))?;
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let started = if config.is_production() {
        registry
            .with(layer.json().flatten_event(true).with_current_span(true))
            .try_init()
    } else {
        registry.with(layer.compact().with_target(false)).try_init()
    };
    drop(started); // the only failure is that logging runs already
    Ok(())
}
