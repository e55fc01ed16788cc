//! `orders log`: the log as a whole, for its owner.

use super::With;
use super::tell::say;
use crate::roles::Failure;
use crate::settings::{LogArgs, MigrationArgs, SettingsError};
use clap::{Args, Subcommand};
use commands::db;
use commands::log::{LogEnd, NewEpoch, log_end, new_epoch};
use domain::Position;

#[derive(Debug, Subcommand)]
pub(super) enum LogCommand {
    /// Begins a new epoch of a log that was restored to an earlier point than others have seen
    #[command(after_help = "\
What was published, and is gone from the log, is told from what comes now: Kafka's topics of before are
refused, and so are views until they are rebuilt. Without --head it changes nothing and says where the
log ends. docs/OPERATIONS.md shows the whole of it, under \"Point-in-time restore\".

Example:
  orders log new-epoch --head 41872")]
    NewEpoch(With<NewEpochArgs>),
}

#[derive(Debug, Clone, Args)]
pub(super) struct NewEpochArgs {
    /// Where the log ends, to be sure that it is the right one [default: only show it]
    #[arg(long, value_name = "POSITION", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    head: Option<u64>,
    #[command(flatten)]
    migration: MigrationArgs,
}

impl LogCommand {
    pub(super) fn log_args(&self) -> &LogArgs {
        let Self::NewEpoch(with) = self;
        &with.log
    }

    pub(super) async fn run(&self) -> Result<(), Failure> {
        let Self::NewEpoch(with) = self;
        let why = "the program's own login may not change the log; give the URL of the owner of its tables";
        let needed = SettingsError::Needed { role: "log new-epoch", name: "MIGRATION_DATABASE_URL", why };
        let owner = with.args.migration.url()?.ok_or(needed)?;
        let pool = db::connect(owner.expose(), 1).await?;
        let outcome = begin(&pool, with.args.head).await;
        pool.close().await;
        say(&(outcome? + "\n"))
    }
}

async fn begin(pool: &sqlx::PgPool, head: Option<u64>) -> Result<String, Failure> {
    let Some(head) = head else {
        let LogEnd { identity, head } = log_end(pool).await?;
        return Ok(format!(
            "The log {} ends at position {head}, in epoch {}. Nothing was changed. If it was restored to that point for \
             good, run `orders log new-epoch --head {head}`.",
            identity.log_id, identity.epoch
        ));
    };
    match new_epoch(pool, Position(head)).await? {
        NewEpoch::Begun(LogEnd { identity, head }) => Ok(format!(
            "The log {} is in epoch {} from position {head} on. Choose another ORDERS_KAFKA_PREFIX and rebuild the views.",
            identity.log_id, identity.epoch
        )),
        NewEpoch::EndsElsewhere(LogEnd { identity, head: found }) => Err(Failure::new(format!(
            "the log {} ends at position {found}, not at {head}: nothing was changed",
            identity.log_id
        ))),
    }
}
