//! `orders events`: the history on standard output, for `jq`, `grep` and pipes.

use crate::roles::process::stop_token;
use crate::roles::{Asker, Core, Database, Failure};
use crate::settings::DatabaseArgs;
use crate::v1::events::line;
use commands::Log;
use domain::Position;
use std::io::{self, ErrorKind, Write};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

pub(super) const EXAMPLES: &str = "\
Examples:
  orders events --limit 10
  orders events --follow | jq -r '[.position, .type, .aggregate_id] | @tsv'";

/// Events per read of the log.
const READ_ROWS: u32 = 1_000;

/// How long a wait for the next event lasts before the log is looked at all the same.
const WAIT_AT_MOST: Duration = Duration::from_secs(5);

/// The arguments of `orders events`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct EventsArgs {
    /// Begin behind this position
    #[arg(long, value_name = "POSITION", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    after: u64,
    /// End after so many events [default: at the end of the log]
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
    /// Go on with what comes
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Writes until the end, the limit, a signal, or a reader that closed the pipe.
pub(super) async fn run(args: &EventsArgs) -> Result<(), Failure> {
    let stop = stop_token()?;
    let asker = Asker { command: "orders events", joins: true, passing: true };
    let database = Database::open(&args.database, None, asker).await?;
    let outcome = match Core::open(&database).await {
        Ok(core) => {
            let outcome = write(&core.log, args, &stop).await;
            core.close().await;
            outcome
        }
        Err(failure) => Err(failure),
    };
    database.close().await;
    outcome
}

async fn write(log: &Log, args: &EventsArgs, stop: &CancellationToken) -> Result<(), Failure> {
    let mut after = Position(args.after);
    let head = log.head().await?;
    if after > head {
        let text = format!("--after {after} is beyond the end of the history: its last event is at position {head}");
        return Err(Failure::new(text));
    }
    let mut left = args.limit.unwrap_or(u64::MAX);
    let mut lines = Vec::new();
    while left > 0 && !stop.is_cancelled() {
        let rows = u32::try_from(left).unwrap_or(READ_ROWS).min(READ_ROWS);
        let events = log.read(after, rows).await?;
        let Some(last) = events.last() else {
            if !args.follow {
                break;
            }
            stop.run_until_cancelled(log.wait_beyond(after, WAIT_AT_MOST)).await;
            continue;
        };
        after = last.position;
        left -= events.len() as u64;
        lines.clear();
        for event in &events {
            line::write(&mut lines, event)?;
        }
        if !write_out(&lines)? {
            break;
        }
    }
    Ok(())
}

/// Says whether there is still a reader.
fn write_out(lines: &[u8]) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(lines).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true),
    }
}
