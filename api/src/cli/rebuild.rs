//! `orders projections rebuild`: a view made anew, with a bar.

use crate::roles::process::stop_token;
use crate::roles::{Asker, Core, Database, Failure};
use crate::settings::{DatabaseArgs, ViewArgs};
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use projections::{Progress, Rebuilt, RunError, Views, rebuild};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The arguments of `orders projections rebuild`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct RebuildArgs {
    /// Which projection
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    views: ViewArgs,
}

/// Rebuilds, beside a running system or alone. Ctrl-C stops it; started again it goes on.
pub(super) async fn run(args: &RebuildArgs) -> Result<(), Failure> {
    let stop = stop_token()?;
    let asker = Asker { command: "orders projections rebuild", joins: true, passing: true };
    let database = Database::open(&args.database, None, asker).await?;
    let outcome = match Core::open(&database).await {
        Ok(core) => {
            let views = core.views(projections::Settings { time_zone: args.views.time_zone });
            let outcome = with_bar(&views, &args.name, &stop).await;
            core.close().await;
            outcome.map_err(Failure::from)
        }
        Err(failure) => Err(failure),
    };
    database.close().await;
    let Rebuilt { position, .. } = outcome?;
    println!("{} is rebuilt and serves, up to position {position}.", args.name);
    Ok(())
}

async fn with_bar(views: &Views, name: &str, stop: &CancellationToken) -> Result<Rebuilt, RunError> {
    let bar = bar();
    let outcome = rebuild(views, name, stop, &mut |progress| show(&bar, &progress)).await;
    bar.finish_and_clear();
    outcome
}

/// On a terminal only, on standard error.
fn bar() -> ProgressBar {
    let template = "{wide_bar} {percent:>3} %  {msg}";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}

fn show(bar: &ProgressBar, progress: &Progress) {
    bar.set_length(progress.total_events);
    bar.set_position(progress.done_events);
    let left = progress.left.map_or_else(String::new, |left| format!(", {} left", HumanDuration(whole_seconds(left))));
    // A rate is never negative, and far below 2^53.
    let rate = HumanCount(progress.events_per_second as u64);
    bar.set_message(format!(
        "{} of {} events, {rate}/s{left}",
        HumanCount(progress.done_events),
        HumanCount(progress.total_events)
    ));
}

fn whole_seconds(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_secs())
}
