//! `balance schema`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::error::{Error, Result};
use crate::graphql::documents::diff::{Model, Severity, compare};
use crate::graphql::schema;

#[derive(Args)]
pub(super) struct Schema {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Say what changed between two schemas: what breaks documents, what may surprise clients, what is safe. Exits with 1
    /// when something breaks.
    Diff {
        /// The SDL of the earlier one, such as schema/released.graphql.
        old: PathBuf,
        /// The SDL of the later one; the schema of this program when absent.
        new: Option<PathBuf>,
        /// Leave out what is safe.
        #[arg(long)]
        brief: bool,
    },
}

impl Schema {
    pub(super) fn run(self) -> Result<ExitCode> {
        match self.command {
            None => {
                print!("{}", schema::sdl());
                Ok(ExitCode::SUCCESS)
            }
            Some(Command::Diff { old, new, brief }) => {
                let before = read(&old, "OLD")?;
                let after = match new {
                    Some(new) => read(&new, "NEW")?,
                    None => parse(&schema::sdl(), "the schema of this program")?,
                };
                Ok(diff(&before, &after, brief))
            }
        }
    }
}

fn diff(old: &Model, new: &Model, brief: bool) -> ExitCode {
    let changes = compare(old, new);
    let count = |severity| {
        let alike = changes.iter().filter(|change| change.severity == severity);
        alike.count()
    };
    for change in &changes {
        if !(brief && change.severity == Severity::Safe) {
            println!(
                "{:<10} {} {}",
                change.severity.to_string(),
                change.member,
                change.what
            );
        }
    }
    let breaking = count(Severity::Breaking);
    println!(
        "{breaking} breaking, {} dangerous, {} safe",
        count(Severity::Dangerous),
        count(Severity::Safe)
    );
    match breaking {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// The text of a file that an argument names.
pub(super) fn text(path: &Path, argument: &'static str) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        let path = path.display();
        Error::invalid(argument, format!("{path} cannot be read: {error}"))
    })
}

fn read(path: &Path, argument: &'static str) -> Result<Model> {
    parse(&text(path, argument)?, argument)
}

fn parse(sdl: &str, argument: &'static str) -> Result<Model> {
    Model::read(sdl).map_err(|error| Error::invalid(argument, format!("is no schema: {error}")))
}
