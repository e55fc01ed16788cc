//! The command line.

use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

const ABOUT: &str = "\
Measures the built program on real servers, beside a plain cqrs-es service and raw PostgreSQL in the same run.

Prints each figure beside its target, and writes all of them to target/bench/. A whole run, one with none of the options
below, also goes into docs/bench/history.jsonl, and the table and the drawing of docs/PERFORMANCE.md are made anew from it.";

/// What a whole run has, so that runs can be compared.
const ROUNDS: u32 = 3;
const SECONDS: u64 = 5;

const EXAMPLES: &str = "\
Examples:
  cargo run --release -p testkit --bin bench
  cargo run --release -p testkit --bin bench -- --list
  cargo run --release -p testkit --bin bench -- --only orders-64,payments --rounds 5 --seconds 8
  cargo run --release -p testkit --bin bench -- --quick";

/// What to measure, and for how long.
#[derive(Debug, Parser)]
#[command(name = "bench", about = ABOUT, after_help = EXAMPLES, max_term_width = 110)]
pub struct Options {
    /// Scenarios to measure, separated by commas [default: all]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub only: Vec<String>,
    /// How often each contender has its turn
    #[arg(long, value_name = "COUNT", default_value_t = ROUNDS, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// How long a turn is measured; a second of warming up comes before
    #[arg(long, value_name = "SECONDS", default_value_t = SECONDS, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// A look in a few minutes: one short round, a twentieth of the data. Its figures prove nothing
    #[arg(long)]
    pub quick: bool,
    /// How long the history of the scenario `history` is [default: 10,000,000]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1_000..))]
    pub events: Option<u64>,
    /// Shows after each scenario what PostgreSQL spent its time on; the counting costs a little
    #[arg(long)]
    pub statements: bool,
    /// Names the scenarios and ends
    #[arg(long)]
    pub list: bool,
    /// The program to measure [default: `orders` beside this program, built first when cargo runs this]
    #[arg(long, value_name = "FILE")]
    pub orders: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What this program is besides the load.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The peer as a process of its own
    #[command(hide = true)]
    PlainCqrs(PeerArgs),
}

/// What the peer is told. Its database comes in `DATABASE_URL`.
#[derive(Debug, Args)]
pub struct PeerArgs {
    /// Where it serves
    pub listen: SocketAddr,
}

impl Options {
    /// Whether this run says something about everything, and what every such run says: it has all scenarios, at the
    /// length they usually have, of the program that was built from these sources.
    pub fn is_whole(&self) -> bool {
        let usual = (self.rounds, self.seconds) == (ROUNDS, SECONDS);
        self.only.is_empty()
            && self.events.is_none()
            && !self.quick
            && !self.statements
            && self.orders.is_none()
            && usual
    }

    /// How often each contender has its turn.
    pub fn rounds(&self) -> u32 {
        if self.quick { 1 } else { self.rounds }
    }

    /// How long a turn is measured.
    pub fn turn(&self) -> Duration {
        Duration::from_secs(if self.quick { 1 } else { self.seconds })
    }

    /// So many of something, or a twentieth of it when in a hurry.
    pub fn scaled(&self, count: u64) -> u64 {
        if self.quick { count / 20 } else { count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_whole_if_nothing_was_chosen() {
        let whole = |line: &str| Options::parse_from(line.split_whitespace()).is_whole();
        assert!(whole("bench"));
        for chosen in [
            "--only whole",
            "--rounds 1",
            "--rounds 9",
            "--seconds 1",
            "--quick",
            "--statements",
            "--orders x",
            "--events 5000",
        ] {
            assert!(!whole(&format!("bench {chosen}")), "{chosen}");
        }
    }
}
