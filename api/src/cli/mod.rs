//! The command line: what `orders` understands, and how it answers when it does not.

mod actor;
mod analysts;
mod as_of;
mod audit;
mod bars;
mod consumers;
mod days;
mod each;
mod epoch;
mod events;
mod instances;
mod keys;
mod mails;
mod meter;
mod migrate;
mod openapi;
mod parked;
mod priority;
mod projections;
mod refusal;
mod schedule;
mod staff;
mod statics;
mod status;
mod table;
mod tasks;
mod tell;
mod times;
mod totals;
mod verify;
mod what_if;
mod which_order;
mod whole_file;
mod x_ray;

pub(crate) use meter::above_the_bar;

use crate::roles::{self, Failure, ServeArgs, apart};
use crate::settings::{LogArgs, TelemetryArgs};
use crate::telemetry::Traces;
use crate::{failpoints, logging, settings};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::io::{self, Write};
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

A flag overrides its variable. A secret is better given as a variable, or as a file that NAME_FILE
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
    Projections(projections::Projections),
    /// What acts on events from Kafka, such as sending mail: run it, see how far it is, pause it, set it back
    #[command(subcommand)]
    Consumers(Consumers),
    /// The running processes, and who leads what
    Instances(With<instances::InstancesArgs>),
    /// Brings the database's tables up to date
    Migrate(With<migrate::MigrateArgs>),
    /// The API keys
    #[command(subcommand)]
    Keys(keys::Keys),
    /// The logins of who reads the history by SQL
    #[command(subcommand)]
    Analysts(analysts::Analysts),
    /// The accounts of who works behind the counter
    #[command(subcommand)]
    Staff(staff::Staff),
    /// The history: lines of JSON, or a file for programs and spreadsheets
    #[command(after_help = events::EXAMPLES)]
    Events(With<events::EventsArgs>),
    /// What was sold, drawn as bars: by day, product or city
    #[command(after_help = totals::EXAMPLES)]
    Totals(With<totals::TotalsArgs>),
    /// Totals as they were at a time, or at a position of the log, however long ago
    #[command(after_help = as_of::EXAMPLES)]
    AsOf(With<as_of::AsOfArgs>),
    /// What would have been with other prices or other code, in money; nothing that is there is touched
    #[command(after_help = what_if::DETAILS)]
    WhatIf(With<what_if::WhatIfArgs>),
    /// One order with all that is known of it, as a file without personal data; or such a file, folded again
    #[command(after_help = x_ray::DETAILS)]
    XRay(Box<With<x_ray::XRayArgs>>),
    /// The log as a whole, for its owner
    #[command(subcommand)]
    Log(epoch::LogCommand),
    /// What consumers could not do and a person must look at
    #[command(subcommand)]
    Parked(parked::ParkedCommand),
    /// Work at a given time, and periodic work
    #[command(subcommand)]
    Schedule(schedule::ScheduleCommand),
    /// Whether a customer got a mail, and why (not): by order or address
    #[command(after_help = mails::EXAMPLES)]
    Mails(With<mails::MailsArgs>),
    /// What operators did: who, when, what, to how many
    Audit(With<audit::AuditArgs>),
    /// How the system is: readers, lag, rates, the schedule
    #[command(after_help = status::EXAMPLES)]
    Status(With<status::StatusArgs>),
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
enum Consumers {
    /// Runs consumers
    Run(Box<With<apart::ConsumersArgs>>),
    #[command(flatten)]
    Group(consumers::GroupCommand),
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
            // Help and version.
            let said = tell::said(error.print().and_then(|()| io::stdout().flush()));
            return said.map_or_else(|failure| fail(&failure), |_is_read| ExitCode::SUCCESS);
        }
        Err(error) => return refuse(&Failure::new(refusal::one_line(&error, &program))),
    };
    if let Err(error) = settings::environment::check(&program) {
        return refuse(&error.into());
    }
    let traces = match cli.traces() {
        Ok(traces) => traces,
        Err(error) => return refuse(&error),
    };
    if let Err(error) = logging::init_with(cli.log_args(), traces.as_ref()) {
        return refuse(&error);
    }
    if let Err(fault) = failpoints::arm() {
        return refuse(&Failure::new(fault));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(cli.traced(traces)));
    match outcome {
        Ok(code) => code,
        Err(failure) => fail(&failure),
    }
}

fn fail(failure: &Failure) -> ExitCode {
    eprintln!("orders: {failure}");
    ExitCode::FAILURE
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
            Some(Command::Projections(projections)) => projections.log_args(),
            Some(Command::Instances(with)) => &with.log,
            Some(Command::Consumers(Consumers::Run(with))) => &with.log,
            Some(Command::Consumers(Consumers::Group(group))) => group.log_args(),
            Some(Command::Migrate(with)) => &with.log,
            Some(Command::Keys(keys)) => keys.log_args(),
            Some(Command::Analysts(analysts)) => analysts.log_args(),
            Some(Command::Staff(staff)) => staff.log_args(),
            Some(Command::Events(with)) => &with.log,
            Some(Command::Totals(with)) => &with.log,
            Some(Command::AsOf(with)) => &with.log,
            Some(Command::WhatIf(with)) => &with.log,
            Some(Command::XRay(with)) => &with.log,
            Some(Command::Log(log)) => log.log_args(),
            Some(Command::Parked(parked)) => parked.log_args(),
            Some(Command::Schedule(schedule)) => schedule.log_args(),
            Some(Command::Audit(with)) => &with.log,
            Some(Command::Mails(with)) => &with.log,
            Some(Command::Openapi(with)) => &with.log,
            Some(Command::Static(statics)) => statics.log_args(),
            Some(Command::Status(with)) => &with.log,
            Some(Command::Verify(with)) => &with.log,
        }
    }

    /// What a process that goes on tells of itself.
    fn telemetry_args(&self) -> Option<&TelemetryArgs> {
        match &self.command {
            None => Some(&self.serve.telemetry),
            Some(Command::Serve(with)) => Some(&with.args.telemetry),
            Some(Command::Api(with)) => Some(&with.args.telemetry),
            Some(Command::Relay(with)) => Some(&with.args.telemetry),
            Some(Command::Projections(projections::Projections::Run(with))) => Some(&with.args.telemetry),
            Some(Command::Consumers(Consumers::Run(with))) => Some(&with.args.telemetry),
            Some(_) => None,
        }
    }

    /// The traces that somebody wants, if anybody does.
    fn traces(&self) -> Result<Option<Traces>, Failure> {
        let collector = self.telemetry_args().map(TelemetryArgs::collector).transpose()?.flatten();
        let Some(collector) = collector else { return Ok(None) };
        // What is counted before the recorder is there would never be seen.
        crate::metrics::recorder();
        Traces::to(&collector).map(Some)
    }

    async fn traced(self, traces: Option<Traces>) -> Result<ExitCode, Failure> {
        let exporting = traces.map(Traces::start);
        let outcome = self.dispatch().await;
        if let Some(exporting) = exporting {
            exporting.finish().await;
        }
        outcome
    }

    async fn dispatch(self) -> Result<ExitCode, Failure> {
        let outcome = match self.command {
            None => roles::serve(&self.serve).await,
            Some(Command::Serve(with)) => roles::serve(&with.args).await,
            Some(Command::Api(with)) => apart::api(&with.args).await,
            Some(Command::Relay(with)) => apart::relay(&with.args).await,
            // What a comparison finds is told by its exit code.
            Some(Command::Projections(projections)) => return projections.run().await,
            Some(Command::Instances(with)) => instances::run(&with.args).await,
            Some(Command::Consumers(Consumers::Run(with))) => apart::consume(&with.args).await,
            Some(Command::Consumers(Consumers::Group(group))) => group.run().await,
            Some(Command::Migrate(with)) => migrate::run(&with.args).await,
            Some(Command::Keys(keys)) => keys.run().await,
            Some(Command::Analysts(analysts)) => analysts.run().await,
            Some(Command::Staff(staff)) => staff.run().await,
            Some(Command::Events(with)) => events::run(&with.args).await,
            Some(Command::Totals(with)) => totals::run(&with.args).await,
            Some(Command::AsOf(with)) => as_of::run(&with.args).await,
            Some(Command::WhatIf(with)) => what_if::run(&with.args).await,
            Some(Command::XRay(with)) => return Ok(x_ray::run(&with.args).await),
            Some(Command::Log(log)) => log.run().await,
            Some(Command::Parked(parked)) => parked.run().await,
            Some(Command::Schedule(schedule)) => schedule.run().await,
            Some(Command::Audit(with)) => audit::run(&with.args).await,
            Some(Command::Mails(with)) => mails::run(&with.args).await,
            Some(Command::Openapi(_)) => openapi::run(),
            Some(Command::Static(statics)) => statics.run(),
            Some(Command::Status(with)) => status::run(&with.args).await,
            // What it finds is told by its exit code.
            Some(Command::Verify(with)) => return Ok(verify::run(&with.args).await),
        };
        outcome.map(|()| ExitCode::SUCCESS)
    }
}
