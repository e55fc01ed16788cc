//! The benchmark: the built program on real servers, beside what people would otherwise run, in the same run.
//!
//! `cargo run --release -p testkit --bin bench`; `--help` says what can be chosen. PostgreSQL (fsync on, data on disk)
//! and Kafka are real servers, the program is its release binary in processes of its own, the peers run beside it on
//! the same servers, and this process is the load. Contenders take turns within each round, so that what disturbs the
//! machine disturbs all alike; what was acknowledged is looked for in the database afterwards.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measurement that can't be made ends there, with the place and the reason"
)]

mod bench;
mod contenders;
mod disk;
mod fill;
mod http;
mod kafka;
mod load;
mod options;
mod orders;
mod plain_cqrs;
mod report;
mod roles;
mod scenarios;
mod shop;
mod smtp;
mod statements;
mod stats;
mod usage;
mod visitor;

use bench::Bench;
use clap::Parser;
use futures::FutureExt;
use options::{Command, Options};
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    match &options.command {
        Some(Command::PlainCqrs(peer)) => {
            runtime.block_on(plain_cqrs::serve(peer));
            ExitCode::SUCCESS
        }
        None if options.list => {
            scenarios::print_list();
            ExitCode::SUCCESS
        }
        None => runtime.block_on(measure(options)),
    }
}

async fn measure(options: Options) -> ExitCode {
    let chosen = match scenarios::choose(&options) {
        Ok(chosen) => chosen,
        Err(unknown) => {
            eprintln!("bench: no scenario is called `{unknown}`; --list names them all");
            return ExitCode::from(2);
        }
    };
    let whole = options.is_whole();
    let mut bench = Bench::new(options);
    let mut failed = Vec::new();
    for scenario in chosen {
        eprintln!("\n{}: {}", scenario.name, scenario.about);
        let started = Instant::now();
        let outcome = AssertUnwindSafe((scenario.run)(&mut bench)).catch_unwind().await;
        eprintln!("  took {:.0} s", started.elapsed().as_secs_f64());
        bench.tell_statements().await;
        if outcome.is_err() {
            failed.push(scenario.name);
        }
    }
    let report = bench.finish();
    report.print();
    report.write(whole && failed.is_empty());
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("bench: not measured to the end: {}", failed.join(", "));
    ExitCode::FAILURE
}
