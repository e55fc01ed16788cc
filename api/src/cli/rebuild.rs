//! `orders projections rebuild`: a view made anew, showing how far it is.

use super::meter::Meter;
use crate::roles::process::stop_token;
use crate::roles::{Asker, Core, Database, Failure};
use crate::settings::{DatabaseArgs, ViewArgs};
use projections::{Rebuilt, RunError, Views, rebuild};
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
            let outcome = with_meter(&views, &args.name, &stop).await;
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

async fn with_meter(views: &Views, name: &str, stop: &CancellationToken) -> Result<Rebuilt, RunError> {
    let mut meter = Meter::new("events");
    rebuild(views, name, stop, &mut |progress| meter.show(name, progress.done_events, progress.total_events)).await
}
