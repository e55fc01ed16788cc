//! `orders projections rebuild`: a view made anew, showing how far it is.

use super::Place;
use super::done::Done;
use crate::cli::actor::who;
use crate::cli::meter::Meter;
use crate::cli::tell::{json, say};
use crate::roles::Failure;
use crate::roles::process::stop_token;
use projections::{BuildState, Rebuilt, Views, build_beside, rebuild};
use tokio_util::sync::CancellationToken;

/// The arguments of `orders projections rebuild`.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct RebuildArgs {
    /// Which projection
    #[arg(value_name = "NAME")]
    name: String,
    /// Leave the build beside the one that serves, to be compared and promoted
    #[arg(long)]
    no_promote: bool,
    /// Write one JSON document instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Rebuilds, beside a running system or alone. Ctrl-C stops it; started again it goes on.
pub(super) async fn run(args: &RebuildArgs) -> Result<(), Failure> {
    let (stop, name) = (stop_token()?, &args.name);
    let rebuilt = args
        .place
        .with_views("orders projections rebuild", async |views| with_meter(views, name, !args.no_promote, &stop).await);
    let Rebuilt { schema, position } = rebuilt.await?;
    if args.json {
        let state = if args.no_promote { BuildState::Ready } else { BuildState::Active }.as_str();
        let position = Some(position.0);
        return say(&json(&Done { projection: name, build: &schema, state, position, instead_of: None })?);
    }
    say(&if args.no_promote {
        format!(
            "{schema} is built up to position {position}, and does not serve.\n\
             Compare it by `orders projections diff {name}`, then `orders projections promote {name} {schema}`.\n"
        )
    } else {
        format!("{name} is rebuilt and serves, up to position {position}.\n")
    })
}

async fn with_meter(views: &Views, name: &str, promotes: bool, stop: &CancellationToken) -> Result<Rebuilt, Failure> {
    let mut meter = Meter::new("events");
    let show = &mut |progress: projections::Progress| meter.show(name, progress.done_events, progress.total_events);
    let by = who();
    let outcome = if promotes {
        rebuild(views, name, &by, stop, show).await
    } else {
        build_beside(views, name, &by, stop, show).await
    };
    Ok(outcome?)
}
