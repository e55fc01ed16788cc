//! `orders projections promote`, `rollback` and `drop`: which build serves.

use super::Place;
use crate::cli::actor::who;
use crate::cli::meter::Meter;
use crate::roles::Failure;
use crate::roles::process::stop_token;
use projections::{Asked, Rebuilt};

#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct PromoteArgs {
    /// Which projection
    #[arg(value_name = "NAME")]
    name: String,
    /// Which build, as `orders projections list` shows them
    #[arg(value_name = "BUILD")]
    build: String,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct RollbackArgs {
    /// Which projection
    #[arg(value_name = "NAME")]
    name: String,
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
    #[command(flatten)]
    place: Place,
}

pub(super) async fn promote(args: &PromoteArgs) -> Result<(), Failure> {
    let (stop, PromoteArgs { name, build, place }) = (stop_token()?, args);
    let rebuilt = place.with_views("orders projections promote", async |views| {
        let mut meter = Meter::new("events");
        let show = &mut |progress: projections::Progress| meter.show(name, progress.done_events, progress.total_events);
        let asked = Asked { expected: None, by: &who() };
        Ok(projections::promote(views, name, build, asked, &stop, show).await?)
    });
    tell(name, rebuilt.await?);
    Ok(())
}

pub(super) async fn rollback(args: &RollbackArgs) -> Result<(), Failure> {
    let (stop, RollbackArgs { name, place }) = (stop_token()?, args);
    let rebuilt = place.with_views("orders projections rollback", async |views| {
        let mut meter = Meter::new("events");
        let show = &mut |progress: projections::Progress| meter.show(name, progress.done_events, progress.total_events);
        let asked = Asked { expected: None, by: &who() };
        Ok(projections::rollback(views, name, asked, &stop, show).await?)
    });
    tell(name, rebuilt.await?);
    Ok(())
}

pub(super) async fn drop(args: &DropArgs) -> Result<(), Failure> {
    let DropArgs { name, build, place } = args;
    place
        .with_views("orders projections drop", async |views| {
            Ok(projections::drop_build(views, name, build, &who()).await?)
        })
        .await?;
    println!("{build} is dropped.");
    Ok(())
}

fn tell(name: &str, Rebuilt { schema, position }: Rebuilt) {
    println!("{name} is served by {schema}, up to position {position}.");
}
