//! `orders projections`: the read models, and their builds.

mod diff;
mod done;
mod list;
mod rebuild;
mod switch;

use super::With;
use super::tell::with_core;
use crate::roles::{Failure, apart};
use crate::settings::{DatabaseArgs, LogArgs, ViewArgs};
use clap::{Args, Subcommand};
use projections::Views;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum Projections {
    /// Follows the log with read models
    Run(With<apart::ProjectionsArgs>),
    /// Lists the read models with their builds: which serves, how far each is, how large
    List(With<list::ListArgs>),
    /// Makes a read model anew beside the one that serves, then swaps; goes on where an earlier run was cut off
    Rebuild(With<rebuild::RebuildArgs>),
    /// Compares two builds row by row, at one position
    #[command(after_help = diff::DETAILS)]
    Diff(With<diff::DiffArgs>),
    /// Lets another build serve, brought up to date before
    #[command(after_help = switch::DETAILS)]
    Promote(With<switch::PromoteArgs>),
    /// Lets the build serve again that did before; done twice, it comes to where it began
    #[command(after_help = switch::DETAILS)]
    Rollback(With<switch::RollbackArgs>),
    /// Drops a build that does not serve
    Drop(With<switch::DropArgs>),
}

/// Which database, and which views.
#[derive(Debug, Clone, Args)]
struct Place {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    views: ViewArgs,
}

impl Projections {
    pub(super) fn log_args(&self) -> &LogArgs {
        match self {
            Self::Run(with) => &with.log,
            Self::List(with) => &with.log,
            Self::Rebuild(with) => &with.log,
            Self::Diff(with) => &with.log,
            Self::Promote(with) => &with.log,
            Self::Rollback(with) => &with.log,
            Self::Drop(with) => &with.log,
        }
    }

    /// Only a comparison says more by its exit code than whether it was carried out.
    pub(super) async fn run(&self) -> Result<ExitCode, Failure> {
        let outcome = match self {
            Self::Run(with) => apart::project(&with.args).await,
            Self::List(with) => list::run(&with.args).await,
            Self::Rebuild(with) => rebuild::run(&with.args).await,
            Self::Diff(with) => return Ok(diff::run(&with.args).await),
            Self::Promote(with) => switch::promote(&with.args).await,
            Self::Rollback(with) => switch::rollback(&with.args).await,
            Self::Drop(with) => switch::drop(&with.args).await,
        };
        outcome.map(|()| ExitCode::SUCCESS)
    }
}

impl Place {
    /// Opens the views beside a running system or alone, and closes them after `work`.
    async fn with_views<T>(
        &self,
        command: &'static str,
        work: impl AsyncFnOnce(&Views) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let settings = projections::Settings { time_zone: self.views.time_zone };
        with_core(&self.database, command, async |core, _| work(&core.views(settings)).await).await
    }
}
