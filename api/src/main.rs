//! The program `orders`: one binary, its roles are subcommands.

use std::process::ExitCode;

/// A command allocates some two hundred times, on one thread, and is freed on another: glibc's allocator takes a third
/// of its time for that. This one serves librdkafka too, which allocates for each header of each record, and gives
/// memory back soon.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // PostgreSQL's programs are started through this program itself.
    api::embedded::launcher::become_if_asked().unwrap_or_else(api::cli::run)
}
