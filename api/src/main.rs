//! The program `orders`: one binary, its roles are subcommands.

use std::process::ExitCode;

fn main() -> ExitCode {
    // PostgreSQL's programs are started through this program itself.
    api::embedded::launcher::become_if_asked().unwrap_or_else(api::cli::run)
}
