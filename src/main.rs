//! The `balance` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    balance::cli::main()
}
