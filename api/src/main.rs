//! The program `orders`: one binary, its roles are subcommands.

use std::process::ExitCode;

/// A command allocates some two hundred times, on one thread, and is freed on another: glibc's allocator takes a third of
/// its time for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // PostgreSQL's programs are started through this program itself.
    api::embedded::launcher::become_if_asked().unwrap_or_else(api::cli::run)
}
