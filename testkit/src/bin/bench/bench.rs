//! What all scenarios share: the servers, the choices, and what was found.

use crate::disk;
use crate::options::Options;
use crate::report::{Figure, Report};
use crate::roles;
use crate::scenarios;
use crate::shop::Shop;
use crate::statements;
use std::path::PathBuf;
use tempfile::TempDir;
use testkit::kafka::KafkaBroker;
use testkit::postgres::{PostgresServer, ServerOptions};

/// How each PostgreSQL here is set up, whoever is measured on it. What is not named is as PostgreSQL has it.
const SETTINGS: [(&str, &str); 5] = [
    // Raw PostgreSQL has 256 connections of its own.
    ("max_connections", "400"),
    ("shared_buffers", "1GB"),
    // A checkpoint in the middle of one turn would be paid by whoever has it.
    ("max_wal_size", "4GB"),
    ("checkpoint_timeout", "30min"),
    ("wal_sync_method", "fdatasync"),
];

/// A run of the benchmark.
pub struct Bench {
    /// What was asked for.
    pub options: Options,
    /// The program that is measured.
    pub orders: PathBuf,
    postgres: Option<PostgresServer>,
    // The server before what it has loaded.
    slow_postgres: Option<(PostgresServer, TempDir)>,
    kafka: Option<KafkaBroker>,
    /// Made by the first scenario that needs it.
    pub million_events: Option<Shop>,
    /// The same.
    pub million_orders: Option<Shop>,
    report: Report,
}

impl Bench {
    /// Nothing is started yet.
    pub fn new(options: Options) -> Self {
        let orders = roles::program(options.orders.clone());
        disk::check_temporary_directory();
        let report = Report::begin(&options);
        Self {
            options,
            orders,
            postgres: None,
            slow_postgres: None,
            kafka: None,
            million_events: None,
            million_orders: None,
            report,
        }
    }

    /// A PostgreSQL with fsync on and its data on disk.
    pub fn postgres(&mut self) -> PostgresServer {
        let start = || PostgresServer::start_with(server_options(&self.options, None));
        self.postgres.get_or_insert_with(start).clone()
    }

    /// The same, but each flush to disk takes a millisecond more, as on a cloud's disk.
    pub fn slow_postgres(&mut self) -> PostgresServer {
        let start = || {
            let shim = disk::slow_flush();
            let server = PostgresServer::start_with(server_options(&self.options, Some(disk::object(shim.path()))));
            disk::check_preloaded(server.pid());
            (server, shim)
        };
        self.slow_postgres.get_or_insert_with(start).0.clone()
    }

    /// Apache Kafka, in a Java machine as Kafka's own scripts start it.
    pub fn kafka(&mut self) -> KafkaBroker {
        self.kafka.get_or_insert_with(KafkaBroker::start_as_shipped).clone()
    }

    /// Takes down a figure, and shows it at once.
    ///
    /// # Panics
    /// When its name is not one of its scenario's.
    pub fn found(&mut self, figure: Figure) {
        assert_eq!(scenarios::of_figure(&figure.name).name, figure.scenario, "whose figure is “{}”?", figure.name);
        eprintln!("  {}", figure.line());
        self.report.add(figure);
    }

    /// Shows what PostgreSQL spent its time on since this was asked last, if that was wanted.
    pub async fn tell_statements(&self) {
        let servers = self.postgres.iter().chain(self.slow_postgres.iter().map(|(server, _)| server));
        for server in servers.filter(|_| self.options.statements) {
            statements::tell(server).await;
        }
    }

    /// Ends the servers; gives what was found.
    pub fn finish(self) -> Report {
        self.report
    }
}

fn server_options(options: &Options, preload: Option<PathBuf>) -> ServerOptions {
    let mut settings = SETTINGS.map(|(name, value)| (name, value.to_owned())).to_vec();
    if options.statements {
        settings.push(("shared_preload_libraries", "pg_stat_statements".to_owned()));
    }
    ServerOptions { settings, preload }
}
