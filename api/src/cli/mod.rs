//! The command line: what `orders` understands, and how it answers when it does not.

mod epoch;
mod events;
mod keys;
mod meter;
mod migrate;
mod openapi;
mod parked;
mod rebuild;
mod refusal;
mod schedule;
mod staff;
mod statics;
mod table;
mod tell;
mod verify;

pub(crate) use meter::above_the_bar;

use crate::roles::{self, Failure, ServeArgs, apart};
use crate::settings::LogArgs;
use crate::{failpoints, logging, settings};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::process::ExitCode;

/// The exit code of a command line or a setting that is refused.
const REFUSED: u8 = 2;

const ABOUT: &str = "\
Takes a shop's orders: keeps each as its history of events, lists and counts them, streams them
to Kafka, sends the mails.

Without a command it serves everything in one process and brings along what is not configured:
PostgreSQL, Kafka, a demo catalogue.";

const EXAMPLES: &str = "\
Examples:
  orders                                   everything in one process, nothing to configure
  orders --listen 127.0.0.1:9000           the same, on another address
  orders events --follow                   what happens, as it happens, one JSON object per line
  orders keys create --name shop --scope orders:write --scope orders:read
  orders staff invite ada@example.com --role owner
  DATABASE_URL=postgres://… orders api     the API alone, on a database of yours

A flag goes before a variable. A secret is better given as a variable, or as a file that NAME_FILE
names: other users of the machine can see flags.";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "orders", version, about = ABOUT, long_about = None, after_help = EXAMPLES)]
#[command(args_conflicts_with_subcommands = true, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Everything in one process; what is not configured is brought along (the default)
    Serve(Box<With<ServeArgs>>),
    /// The API alone: commands and reads over HTTP
    Api(Box<With<apart::ApiArgs>>),
    /// The relay alone: streams the log to Kafka
    Relay(With<apart::RelayArgs>),
    /// The read models: follow the log, or are made anew from it
    #[command(subcommand)]
    Projections(Projections),
    /// What acts on events from Kafka, such as sending mail
    #[command(subcommand)]
    Consumers(Consumers),
    /// Brings the database's tables up to date
    Migrate(With<migrate::MigrateArgs>),
    /// The API keys
    #[command(subcommand)]
    Keys(keys::Keys),
    /// The accounts of who works behind the counter
    #[command(subcommand)]
    Staff(staff::Staff),
    /// The history, one JSON object per line
    #[command(after_help = events::EXAMPLES)]
    Events(With<events::EventsArgs>),
    /// The log as a whole, for its owner
    #[command(subcommand)]
    Log(epoch::LogCommand),
    /// What consumers could not do and a person must look at
    #[command(subcommand)]
    Parked(parked::ParkedCommand),
    /// Work at a given time, and periodic work
    #[command(subcommand)]
    Schedule(schedule::ScheduleCommand),
    /// The static files of the pages
    #[command(subcommand)]
    Static(statics::Static),
    /// The API's document, as /openapi.json serves it
    Openapi(With<openapi::OpenapiArgs>),
    /// Proves that log, views, Kafka and mail ledger agree, beside a running system
    #[command(after_help = verify::DETAILS)]
    Verify(With<verify::VerifyArgs>),
}

#[derive(Debug, Subcommand)]
enum Projections {
    /// Follows the log with read models
    Run(With<apart::ProjectionsArgs>),
    /// Makes a read model anew beside the one that serves, then swaps; goes on where an earlier run was cut off
    Rebuild(With<rebuild::RebuildArgs>),
}

#[derive(Debug, Subcommand)]
enum Consumers {
    /// Runs consumers
    Run(Box<With<apart::ConsumersArgs>>),
}

/// A command's own arguments, and how it logs.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct With<T: clap::Args> {
    #[command(flatten)]
    args: T,
    #[command(flatten)]
    log: LogArgs,
}

/// The whole command line as clap knows it.
pub fn program() -> clap::Command {
    Cli::command()
}

/// Runs the program as the command line and the environment ask.
pub fn run() -> ExitCode {
    let program = program();
    let cli = program.clone().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match cli {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => {
            // Help and version. Who closed our output wants neither.
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        Err(error) => return refuse(&Failure::new(refusal::one_line(&error, &program))),
    };
    if let Err(error) = settings::environment::check(&program) {
        return refuse(&error.into());
    }
    if let Err(error) = logging::init(cli.log_args()) {
        return refuse(&error);
    }
    if let Err(fault) = failpoints::arm() {
        return refuse(&Failure::new(fault));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(cli.dispatch()));
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("orders: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn refuse(failure: &Failure) -> ExitCode {
    eprintln!("orders: {failure}");
    ExitCode::from(REFUSED)
}

impl Cli {
    fn log_args(&self) -> &LogArgs {
        match &self.command {
            None => &self.log,
            Some(Command::Serve(with)) => &with.log,
            Some(Command::Api(with)) => &with.log,
            Some(Command::Relay(with)) => &with.log,
            Some(Command::Projections(Projections::Run(with))) => &with.log,
            Some(Command::Projections(Projections::Rebuild(with))) => &with.log,
            Some(Command::Consumers(Consumers::Run(with))) => &with.log,
            Some(Command::Migrate(with)) => &with.log,
            Some(Command::Keys(keys)) => keys.log_args(),
            Some(Command::Staff(staff)) => staff.log_args(),
            Some(Command::Events(with)) => &with.log,
            Some(Command::Log(log)) => log.log_args(),
            Some(Command::Parked(parked)) => parked.log_args(),
            Some(Command::Schedule(schedule)) => schedule.log_args(),
            Some(Command::Openapi(with)) => &with.log,
            Some(Command::Static(statics)) => statics.log_args(),
            Some(Command::Verify(with)) => &with.log,
        }
    }

    async fn dispatch(self) -> Result<ExitCode, Failure> {
        let outcome = match self.command {
            None => roles::serve(&self.serve).await,
            Some(Command::Serve(with)) => roles::serve(&with.args).await,
            Some(Command::Api(with)) => apart::api(&with.args).await,
            Some(Command::Relay(with)) => apart::relay(&with.args).await,
            Some(Command::Projections(Projections::Run(with))) => apart::project(&with.args).await,
            Some(Command::Projections(Projections::Rebuild(with))) => rebuild::run(&with.args).await,
            Some(Command::Consumers(Consumers::Run(with))) => apart::consume(&with.args).await,
            Some(Command::Migrate(with)) => migrate::run(&with.args).await,
            Some(Command::Keys(keys)) => keys.run().await,
            Some(Command::Staff(staff)) => staff.run().await,
            Some(Command::Events(with)) => events::run(&with.args).await,
            Some(Command::Log(log)) => log.run().await,
            Some(Command::Parked(parked)) => parked.run().await,
            Some(Command::Schedule(schedule)) => schedule.run().await,
            Some(Command::Openapi(_)) => openapi::run(),
            Some(Command::Static(statics)) => statics.run(),
            // What it finds is told by its exit code.
            Some(Command::Verify(with)) => return Ok(verify::run(&with.args).await),
        };
        outcome.map(|()| ExitCode::SUCCESS)
    }
}
