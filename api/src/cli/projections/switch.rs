//! `orders projections promote`, `rollback` and `drop`: which build serves.

use super::Place;
use super::done::Done;
use crate::cli::actor::who;
use crate::cli::meter::Meter;
use crate::cli::tell::{json, say};
use crate::roles::Failure;
use crate::roles::process::stop_token;
use projections::{Asked, BuildState, Rebuilt, Views};

pub(super) const DETAILS: &str = "\
Nothing is changed where another build serves, at the end, than did when the command began: somebody else
exchanged builds meanwhile. Where it is not known whether a command came to its end (the terminal is lost, say),
name the build that it was to replace: a command that was carried out is then refused the second time.

Example:
  orders projections rollback order_list --instead-of order_list_v3_2";

#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct PromoteArgs {
    /// Which projection
    #[arg(value_name = "NAME")]
    name: String,
    /// Which build, as `orders projections list` shows them
    #[arg(value_name = "BUILD")]
    build: String,
    #[command(flatten)]
    exchange: ExchangeArgs,
}

#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct RollbackArgs {
    /// Which projection
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    exchange: ExchangeArgs,
}

/// What each exchange of builds is told.
#[derive(Debug, Clone, clap::Args)]
struct ExchangeArgs {
    /// The build that is replaced: where another one serves, nothing is changed [default: the one that serves now]
    #[arg(long, value_name = "BUILD")]
    instead_of: Option<String>,
    /// Write one JSON document instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct DropArgs {
    /// Which projection
    #[arg(value_name = "NAME")]
    name: String,
    /// Which build, as `orders projections list` shows them
    #[arg(value_name = "BUILD")]
    build: String,
    /// Write one JSON document instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// What stands for the build that serves where there is none, as what is expected.
const NONE: &str = "none";

/// An exchange that was made.
struct Exchanged {
    /// The build that served when the command began.
    before: String,
    now: Rebuilt,
}

pub(super) async fn promote(args: &PromoteArgs) -> Result<(), Failure> {
    let (stop, PromoteArgs { name, build, exchange }) = (stop_token()?, args);
    let exchanged = exchange.place.with_views("orders projections promote", async |views| {
        let mut meter = Meter::new("events");
        let show = &mut |progress: projections::Progress| meter.show(name, progress.done_events, progress.total_events);
        let before = exchange.replaced(views, name).await?;
        let asked = Asked { expected: Some(&before), by: &who() };
        let now = projections::promote(views, name, build, asked, &stop, show).await?;
        Ok(Exchanged { before, now })
    });
    served(name, &exchanged.await?, exchange.json)
}

pub(super) async fn rollback(args: &RollbackArgs) -> Result<(), Failure> {
    let (stop, RollbackArgs { name, exchange }) = (stop_token()?, args);
    let exchanged = exchange.place.with_views("orders projections rollback", async |views| {
        let mut meter = Meter::new("events");
        let show = &mut |progress: projections::Progress| meter.show(name, progress.done_events, progress.total_events);
        let before = exchange.replaced(views, name).await?;
        let asked = Asked { expected: Some(&before), by: &who() };
        let now = projections::rollback(views, name, asked, &stop, show).await?;
        Ok(Exchanged { before, now })
    });
    served(name, &exchanged.await?, exchange.json)
}

pub(super) async fn drop(args: &DropArgs) -> Result<(), Failure> {
    let DropArgs { name, build, json: as_json, place } = args;
    place
        .with_views("orders projections drop", async |views| {
            Ok(projections::drop_build(views, name, build, &who()).await?)
        })
        .await?;
    if *as_json {
        return say(&json(&Done { projection: name, build, state: "dropped", position: None, instead_of: None })?);
    }
    say(&format!("{build} is dropped.\n"))
}

impl ExchangeArgs {
    /// The build that is to be replaced: as it is said, or the one that serves at this moment.
    async fn replaced(&self, views: &Views, name: &str) -> Result<String, Failure> {
        if let Some(build) = &self.instead_of {
            return Ok(build.clone());
        }
        let (_, found) = projections::overview(views).await?;
        let mut builds = found.into_iter().filter(|view| view.name == name).flat_map(|view| view.builds);
        let serving = builds.find(|build| build.state == BuildState::Active);
        Ok(serving.map_or_else(|| NONE.to_owned(), |build| build.schema))
    }
}

fn served(name: &str, Exchanged { before, now }: &Exchanged, as_json: bool) -> Result<(), Failure> {
    let Rebuilt { schema, position } = now;
    let replaced = Some(before.as_str()).filter(|before| *before != NONE && *before != schema.as_str());
    if as_json {
        let (state, instead_of) = (BuildState::Active.as_str(), Some(replaced));
        return say(&json(&Done { projection: name, build: schema, state, position: Some(position.0), instead_of })?);
    }
    let replaced = match replaced {
        Some(replaced) => format!(" instead of {replaced}"),
        None if before == schema => " already".to_owned(),
        None => String::new(),
    };
    say(&format!("{name} is served by {schema}{replaced}, up to position {position}.\n"))
}
