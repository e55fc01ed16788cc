//! `orders verify`: whether log, views, Kafka and the consumers' ledger agree.

pub(super) mod kafka;
mod parts;
mod report;
mod silence;

use super::meter::Meter;
use super::tell::{say, with_core};
use crate::roles::process::stop_token;
use crate::roles::{Core, Database, Failure};
use crate::settings::{DatabaseArgs, KafkaArgs};
use clap::ValueEnum;
use commands::verify::{Progress, Watch};
pub(super) use kafka::Kafka;
use report::Report;
use std::process::ExitCode;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

pub(super) const DETAILS: &str = "\
It looks at everything up to the head that the log has when it begins, and changes nothing; it may
run beside a system that takes orders, and of a view it copies the rows for a while.

  log     positions and each aggregate's sequences are dense, every event can be read, and
          postgres-es loads each aggregate to the state that we have
  views   each view's rows are those of a rebuild to the same position
  topics  Kafka holds each event once, in order within its aggregate, as the log has it
  mails   each event that calls for a mail has one entry in the ledger, each entry has an event

Exit codes: 0 everything agrees, 1 something differs, 2 something could not be checked.

Examples:
  orders verify
  orders verify --only log,views
  orders verify --json | jq '.checks[] | select(.differences > 0)'";

/// The exit codes besides success.
const DIFFERS: u8 = 1;
const NOT_CHECKED: u8 = 2;

/// What can be checked by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    /// The log by itself
    Log,
    /// The views against the log
    Views,
    /// Kafka against the log
    Topics,
    /// The consumers' ledger against the log
    Mails,
}

/// The arguments of `orders verify`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct VerifyArgs {
    /// Check these parts alone: log, views, topics, mails; separated by commas [default: all]
    #[arg(long, value_name = "PARTS", value_enum, value_delimiter = ',', hide_possible_values = true)]
    only: Vec<Part>,
    /// Differences that are listed of each check; all are counted
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    limit: usize,
    /// Write one JSON document instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    kafka: KafkaArgs,
}

impl VerifyArgs {
    fn asks_for(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

/// Checks, prints what came out, and says it by the exit code.
pub(super) async fn run(args: &VerifyArgs) -> ExitCode {
    told(args).await.unwrap_or_else(|failure| {
        eprintln!("orders: {failure}");
        ExitCode::from(NOT_CHECKED)
    })
}

async fn told(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let report = verify(args).await?;
    say(&if args.json { report.json() } else { report.text() })?;
    Ok(report.exit_code())
}

async fn verify(args: &VerifyArgs) -> Result<Report, Failure> {
    let stop = stop_token()?;
    let configured = args.kafka.settings()?;
    let checked = async |core: &Core, database: &Database| {
        check(args, core, &Kafka::of(configured, &args.kafka, database), &stop).await
    };
    with_core(&args.database, "orders verify", checked).await
}

async fn check(args: &VerifyArgs, core: &Core, kafka: &Kafka, stop: &CancellationToken) -> Result<Report, Failure> {
    let begun = Instant::now();
    let up_to = core.log.head().await?;
    let mut meter = Meter::new("");
    let mut show = |progress: Progress<'_>| meter.show(progress.what, progress.done, progress.total);
    let mut watch = Watch { most_listed: args.limit, cancel: stop, progress: &mut show };
    let mut report = Report::new(core.log.identity(), up_to);
    if args.asks_for(Part::Log) {
        report.take(parts::log(core, up_to, &mut watch).await?);
    }
    if args.asks_for(Part::Views) {
        report.take(parts::views(core, &mut watch).await?);
    }
    if args.asks_for(Part::Topics) {
        report.take(parts::topics(core, kafka, &mut watch).await?);
    }
    if args.asks_for(Part::Mails) {
        let relay_is_told = report.tells_of(parts::RELAY);
        report.take(parts::mails(core, kafka, relay_is_told, &mut watch).await?);
    }
    report.took = begun.elapsed();
    Ok(report)
}
