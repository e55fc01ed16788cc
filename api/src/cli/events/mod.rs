//! `orders events`: the history on standard output, for `jq`, `grep` and pipes, or as a file for whoever analyses it.
//!
//! However long it is, what is in memory is one read of the log, and one group of rows, compressed, where the file is
//! made of such.

mod args;
mod output;
mod pages;
mod parquet;
mod persist;

pub(super) use args::EventsArgs;

use super::meter::Meter;
use super::priority::give_way;
use super::tell::{say, with_core};
use super::which_order::id_of;
use crate::roles::process::stop_token;
use crate::roles::{Core, Database, Failure};
use crate::v1::events::pace::Pace;
use chrono::{DateTime, Utc};
use commands::{EventFilter, Log};
use domain::Position;
use output::Output;
use persist::persistently;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(super) const EXAMPLES: &str = "\
Examples:
  orders events --limit 10
  orders events --follow | jq -r '[.position, .type, .aggregate_id] | @tsv'
  orders events --type OrderPaid --from 2026-01-01 --format parquet -o paid.parquet";

/// Events per read of the log.
const READ_ROWS: u32 = 1_000;

/// How long a wait for the next event lasts before the log is looked at all the same.
const WAIT_AT_MOST: Duration = Duration::from_secs(5);

/// Writes until the end, the limit, a signal, or a reader that closed the pipe.
pub(super) async fn run(args: &EventsArgs) -> Result<(), Failure> {
    args.check()?;
    let stop = stop_token()?;
    let written = async |core: &Core, _: &Database| {
        // Whoever follows waits for news; all others take as much as there is.
        if !args.follow {
            give_way();
        }
        write(core, args, &stop).await
    };
    with_core(&args.database, "orders events", written).await
}

async fn write(core: &Core, args: &EventsArgs, stop: &CancellationToken) -> Result<(), Failure> {
    let log = &core.log;
    let head = log.head().await?;
    if args.after > head.0 {
        let text =
            format!("--after {} is beyond the end of the history: its last event is at position {head}", args.after);
        return Err(Failure::new(text));
    }
    let (after, last) = args.range().resolve(log, head).await?;
    let order = match args.order {
        Some(name) => Some(id_of(core, name).await?),
        None => None,
    };
    let mut output = Output::open(args.format, args.output.as_deref())?;
    let (filter, left) = (args.filter(order), args.limit.unwrap_or(u64::MAX));
    let mut walk = Walk { log, filter, from: args.from, after, left, took: Duration::ZERO, stop };
    let mut meter = output.is_file().then(|| Meter::new("events"));
    let begun = after.0;
    let mut is_read = true;
    let mut pace = Pace::new(head);
    while is_read && walk.goes_on() && walk.after < last {
        is_read = walk.step(last, &mut output).await?;
        pace.took(walk.took);
        stop.run_until_cancelled(pace.rest(log.known_head())).await;
        if let Some(meter) = &mut meter {
            meter.show("history", walk.after.0 - begun, last.0 - begun);
        }
    }
    drop(meter);
    if args.follow && is_read {
        walk.follow(&mut output).await?;
    }
    if output.is_file() && stop.is_cancelled() {
        let left = if output.is_there_at_the_end() { ": nothing was written" } else { "" };
        return Err(Failure::new(format!("stopped before the file was whole{left}")));
    }
    if let Some(written) = output.finish()? {
        say(&((if args.json { written.json() } else { written.text() }) + "\n"))?;
    }
    Ok(())
}

/// On its way through the history.
struct Walk<'a> {
    log: &'a Log,
    filter: EventFilter,
    /// What is recorded before this time is passed over. A time that is to come is no position yet.
    from: Option<DateTime<Utc>>,
    /// All up to here is written.
    after: Position,
    /// How many more events are.
    left: u64,
    /// How long the last step took, without what it waited for.
    took: Duration,
    stop: &'a CancellationToken,
}

impl Walk<'_> {
    fn goes_on(&self) -> bool {
        self.left > 0 && !self.stop.is_cancelled()
    }

    /// Writes the next events, none beyond `last`. Says whether there is still somebody who reads.
    async fn step(&mut self, last: Position, output: &mut Output) -> Result<bool, Failure> {
        let rows = u32::try_from(self.left).unwrap_or(READ_ROWS).min(READ_ROWS);
        let read = async || {
            let begun = Instant::now();
            let read = self.log.read_filtered(&self.filter, self.after, last, rows).await?;
            Ok((read, begun.elapsed()))
        };
        let (mut read, took) = persistently(self.stop, read).await?;
        if read.up_to == self.after {
            return Err(Failure::new(format!("the log has nothing behind position {}", self.after)));
        }
        read.events.retain(|event| self.from.is_none_or(|from| event.recorded_at >= from));
        self.after = read.up_to;
        self.left -= read.events.len() as u64;
        let begun = Instant::now();
        let is_read = output.write(&read.events);
        self.took = took + begun.elapsed();
        is_read
    }

    /// Writes what comes.
    async fn follow(&mut self, output: &mut Output) -> Result<(), Failure> {
        while self.goes_on() {
            let head = self.log.known_head();
            if self.after >= head {
                self.stop.run_until_cancelled(self.log.wait_beyond(self.after, WAIT_AT_MOST)).await;
            } else if !self.step(head, output).await? {
                break;
            }
        }
        Ok(())
    }
}
