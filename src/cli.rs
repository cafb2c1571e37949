//! The command line: each command connects what it needs and calls verbs.

mod doctor;
mod evaluate;
mod import;
mod keys;
mod migrate;
mod operations;
mod rules;
mod schema;
mod secrets;
mod serve;
mod tenant;
mod user;
mod vectors;
mod verify;
mod webhook;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, Role};
use crate::error::{Error, Result};
use crate::http::openapi;
use crate::telemetry;

/// The stack of a thread: the whole API in one future is deep where nothing is optimised. What is not used takes no memory.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// Turns money events into books people trust: one server, one GraphQL API.
///
/// Without a command it serves, with all roles: on a machine with nothing installed that means a SQLite file in `data/`
/// and, the first time, a demo company to look at.
#[derive(Parser)]
#[command(name = "balance", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    config: Config,
}

#[derive(Subcommand)]
enum Command {
    /// Serve clients and work on jobs.
    Serve {
        /// What this process does, comma separated.
        #[arg(long, value_enum, value_delimiter = ',', default_value = "api,worker")]
        roles: Vec<Role>,
    },
    /// Bring the database schema up to date.
    Migrate(migrate::Migrate),
    /// Print the GraphQL schema, or compare it with another one.
    Schema(schema::Schema),
    /// Look after the documents that apps have registered.
    #[command(subcommand)]
    Operations(operations::Operations),
    /// Print the OpenAPI document of the REST edge.
    Openapi,
    /// Import a bank statement (CSV or OFX) for a tenant.
    Import(import::Import),
    Evaluate(evaluate::Evaluate),
    /// Try out webhooks.
    #[command(subcommand)]
    Webhook(webhook::Webhook),
    /// Verify the event logs: gap free, unchanged, chained.
    Verify(verify::Verify),
    /// List tenants, put one on hold, and back to work.
    #[command(subcommand)]
    Tenant(tenant::Tenant),
    /// Look after people.
    #[command(subcommand)]
    User(user::User),
    /// Look after the keys of secrets at rest.
    #[command(subcommand)]
    Secrets(secrets::Secrets),
    /// Look after the keys that sign access tokens.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Look after the vectors that texts are compared by.
    #[command(subcommand)]
    Vectors(vectors::Vectors),
    /// Look after the rules of tenants.
    #[command(subcommand)]
    Rules(rules::Rules),
    /// Check every dependency and say what to fix.
    Doctor,
}

/// Runs the program with the arguments and environment of the process.
pub fn main() -> ExitCode {
    // two TLS providers are in the tree; one of them must be named before the first connection
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut cli = Cli::parse();
    cli.config = cli.config.without_empty();
    if !matches!(cli.command, None | Some(Command::Serve { .. })) {
        end_with_the_reader();
    }
    if let Err(message) = telemetry::start(&cli.config) {
        eprintln!("error: {message}");
        return ExitCode::from(2);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK_BYTES)
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime did not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(code) => code,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

/// Ends a command quietly when nobody reads on what it prints, as `balance schema | head` does. For the standard library
/// that is a panic.
fn end_with_the_reader() {
    /// What shells make of the signal that other programs end by.
    const BROKEN_PIPE: i32 = 141;
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload().downcast_ref::<String>();
        let lost =
            |said: &String| said.starts_with("failed printing to") && said.contains("Broken pipe");
        if said.is_some_and(lost) {
            std::process::exit(BROKEN_PIPE);
        }
        report(panic);
    }));
}

async fn run(cli: Cli) -> Result<ExitCode> {
    let config = cli.config;
    let serve = Command::Serve {
        roles: vec![Role::Api, Role::Worker],
    };
    match cli.command.unwrap_or(serve) {
        Command::Serve { roles } => serve::run(config, &roles).await,
        Command::Migrate(migrate) => migrate.run(config).await,
        Command::Schema(schema) => schema.run(),
        Command::Operations(operations) => operations.run(config).await,
        Command::Openapi => {
            print!("{}", openapi::text());
            Ok(ExitCode::SUCCESS)
        }
        Command::Import(import) => import.run(config).await,
        Command::Evaluate(evaluate) => evaluate.run(config).await,
        Command::Webhook(webhook) => webhook.run(config).await,
        Command::Verify(verify) => verify.run(config).await,
        Command::Tenant(tenant) => tenant.run(config).await,
        Command::User(user) => user.run(config).await,
        Command::Secrets(secrets) => secrets.run(config).await,
        Command::Keys(keys) => keys.run(config).await,
        Command::Vectors(vectors) => vectors.run(config).await,
        Command::Rules(rules) => rules.run(config).await,
        Command::Doctor => doctor::run(config).await,
    }
}

/// An error with its causes, for the person at the terminal.
fn report(error: &Error) {
    eprintln!("error: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        eprintln!("  because: {next}");
        cause = next.source();
    }
}
