//! A long-running process: its database, the tasks that it runs, and their orderly end.

use super::supervise::Supervisor;
use super::{Asker, Core, Database, Failure, probe, signals};
use crate::embedded::directory::EmbeddedKafka;
use crate::embedded::postgres::ServerState;
use crate::health::Readiness;
use crate::http::Server;
use crate::ops::{Monitor, Reader};
use crate::payments::Payments;
use crate::settings::{DatabaseArgs, MigrationArgs, TelemetryArgs};
use crate::shared::Shared;
use crate::shop::Live;
use axum::Router;
use commands::instances::Instance;
use commands::schedule::{Task, Worker};
use commands::{Clock, Schedule, db};
use consumers::{ConsumerSettings, KafkaSettings, Mailer, ReaderState, ReaderStatus};
use projections::Views;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long runners may take to end: a mail in hand gets to its reply, a batch is written.
const RUNNERS_AT_MOST: Duration = Duration::from_secs(45);

/// A process with its database, before and while its tasks run.
pub struct Process {
    /// The parts that most roles are made of.
    pub core: Core,
    database: Database,
    supervisor: Supervisor,
    monitor: Monitor,
    stop: CancellationToken,
    http: Option<JoinHandle<()>>,
}

impl Process {
    /// Opens the database and the log. `stop` ends the process.
    pub async fn open(
        args: &DatabaseArgs,
        owner: Option<&MigrationArgs>,
        telemetry: &TelemetryArgs,
        asker: Asker,
        stop: CancellationToken,
    ) -> Result<Self, Failure> {
        // What is counted before the recorder is there would never be seen.
        crate::metrics::recorder();
        let database = Database::open(args, owner, asker).await?;
        let core = match Core::open(&database).await {
            Ok(core) => core,
            Err(failure) => {
                database.close().await;
                return Err(failure);
            }
        };
        let supervisor = Supervisor::new(Readiness::default());
        let monitor = Monitor::new(core.log.clone(), supervisor.readiness().clone(), telemetry.patience());
        let watching = monitor.clone();
        supervisor.spawn_plain("monitor", move |cancel| {
            let monitor = watching.clone();
            async move {
                monitor.run(cancel).await;
                Ok::<(), Failure>(())
            }
        });
        supervisor.spawn_plain("metrics", |cancel| async {
            crate::metrics::run(cancel).await;
            Ok::<(), Failure>(())
        });
        let process = Self { core, database, supervisor, monitor, stop, http: None };
        process.watch_database();
        process.keep_seen(asker.command);
        Ok(process)
    }

    /// Where this process shows whether it can do its work.
    pub fn readiness(&self) -> &Readiness {
        self.supervisor.readiness()
    }

    /// Looks how this process is.
    pub fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// What work that requests begin ends with, and is waited for in: behind the requests, and before the log is
    /// closed.
    pub fn behind_requests(&self) -> (CancellationToken, TaskTracker) {
        self.supervisor.for_others()
    }

    /// Its database.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Tells commands of the same data directory where the Kafka inside this process is.
    pub fn announce_kafka(&mut self, kafka: EmbeddedKafka) -> Result<(), Failure> {
        self.database.announce_kafka(kafka)
    }

    /// Tells others that this process lives.
    fn keep_seen(&self, command: &'static str) {
        let log = self.core.log.clone();
        let own = Instance::own(log.instance(), command, env!("CARGO_PKG_VERSION"));
        self.supervisor.spawn_plain("instance", move |cancel| {
            let (log, own) = (log.clone(), own.clone());
            async move {
                own.keep_seen(log.pool(), &cancel).await;
                Ok::<(), Failure>(())
            }
        });
    }

    /// Tells commands of the same data directory where this process serves HTTP.
    pub fn announce_http(&mut self, address: SocketAddr) -> Result<(), Failure> {
        self.database.announce_http(address)
    }

    fn watch_database(&self) {
        if let Some(private) = self.database.private() {
            let state = private.state();
            self.readiness().register("postgres", move || {
                std::future::ready(match &*state.borrow() {
                    ServerState::Ready => Ok(()),
                    ServerState::Down(reason) => Err(reason.clone()),
                    ServerState::Starting | ServerState::Stopped => Err("it does not run".to_owned()),
                })
            });
        }
        let pool = self.core.pool().clone();
        self.readiness().register("database", move || {
            let pool = pool.clone();
            async move {
                // Not the pool's own way to ask: a probe that is dropped there keeps its place in the pool.
                let answer = db::read(&pool, async |session| sqlx::query("SELECT 1").execute(session).await).await;
                answer.map(|_| ()).map_err(|error| error.to_string())
            }
        });
    }

    /// Follows the log with the views of these names.
    pub fn project(&self, views: &Views, names: &[&'static str]) {
        for name in names.iter().copied() {
            if let Some(status) = views.watch(name) {
                self.monitor.watch(Reader::view(name, status));
            }
            let shown = views.clone();
            let health = move || shown.watch(name).map_or(Ok(()), |status| view_health(&status.borrow().state));
            let views = views.clone();
            self.supervisor.spawn(&format!("projection {name}"), health, move |cancel| {
                let views = views.clone();
                async move { projections::run(&views, name, &cancel).await }
            });
        }
    }

    /// Streams the log to Kafka.
    pub fn relay(&self, kafka: &KafkaSettings) {
        let status = ReaderStatus::channel(consumers::relay::RELAY);
        self.monitor.watch(Reader::relay(status.subscribe()));
        let (log, kafka) = (self.core.log.clone(), kafka.clone());
        self.supervisor.spawn_with_note(consumers::relay::RELAY, health_of(&status), move |cancel| {
            consumers::run_relay(log.clone(), kafka.clone(), cancel, status.clone())
        });
    }

    /// Runs the consumers of these names.
    pub fn consume(&self, kafka: &KafkaSettings, mailer: &Mailer, names: &[&'static str]) {
        for name in names.iter().copied() {
            let status = ReaderStatus::channel(name);
            self.monitor.watch(Reader::consumer(name, status.subscribe()));
            let (log, kafka, mailer) = (self.core.log.clone(), kafka.clone(), mailer.clone());
            self.supervisor.spawn_with_note(&format!("consumer {name}"), health_of(&status), move |cancel| {
                let statuses = vec![status.clone()];
                let settings = ConsumerSettings::default();
                consumers::run_consumers(log.clone(), kafka.clone(), mailer.clone(), settings, statuses, cancel)
            });
        }
    }

    /// Handles what payment providers tell, and settles what customers agreed to.
    pub fn handle_payments(&self, payments: &Payments) {
        if !payments.is_offered() {
            return;
        }
        let payments = payments.clone();
        self.supervisor.spawn_plain("payments", move |cancel| {
            let payments = payments.clone();
            async move {
                payments.run(&cancel).await;
                Ok::<(), Failure>(())
            }
        });
    }

    /// Fetches news for visitors who follow their orders.
    pub fn follow(&self, live: &Live) {
        let live = live.clone();
        self.supervisor.spawn_plain("live", move |cancel| {
            let live = live.clone();
            async move { live.follow(cancel).await }
        });
    }

    /// Keeps what is shared with other processes within reach. Nothing is unready without it.
    pub fn share(&self, shared: &Shared) {
        if !shared.is_set() {
            return;
        }
        let shared = shared.clone();
        self.supervisor.spawn_plain("redis", move |cancel| {
            let shared = shared.clone();
            async move {
                shared.keep_connected(cancel).await;
                Ok::<(), Failure>(())
            }
        });
    }

    /// The schedule of work at a given time.
    pub fn schedule(&self) -> Schedule {
        Schedule::new(self.core.pool().clone(), Clock::system())
    }

    /// Carries out what is due of these tasks.
    pub fn carry_out(&self, schedule: &Schedule, tasks: Vec<Arc<dyn Task>>) {
        self.monitor.watch_tasks(tasks.iter().map(|task| task.name()));
        let worker = Worker::new(schedule.clone(), tasks);
        self.supervisor.spawn_plain("schedule", move |cancel| {
            let worker = worker.clone();
            async move {
                worker.run(&cancel).await;
                Ok::<(), Failure>(())
            }
        });
    }

    /// Serves on a socket that listens already, until the process is to stop.
    pub fn serve(&mut self, server: Server, router: Router) {
        self.http = Some(tokio::spawn(server.run(router, self.stop.clone())));
    }

    /// Shows the health of a process without an API, if it was given an address.
    pub fn show_health(&mut self, server: Option<Server>) {
        if let Some(server) = server {
            let router = probe::router(self.readiness().clone());
            self.serve(server, router);
        }
    }

    /// Runs until the process is to stop, then ends all in order: requests first, then what follows the log, then the
    /// log, then the database.
    ///
    /// Serving HTTP can't be started anew, as its socket went with it: when it fails, the process ends with that.
    pub async fn run(mut self) -> Result<(), Failure> {
        let mut http = self.http.take();
        let serving = async {
            match &mut http {
                Some(http) => http.await,
                None => std::future::pending().await,
            }
        };
        // The token also ends serving: look at it first.
        let has_failed = tokio::select! {
            biased;
            () = self.stop.cancelled() => false,
            _ = serving => true,
        };
        if has_failed {
            self.close().await;
            return Err(Failure::new("serving HTTP has failed, so the process has ended: start it again"));
        }
        self.http = http;
        self.close().await;
        Ok(())
    }

    /// Ends all in order.
    pub async fn close(self) {
        self.stop.cancel();
        if let Some(http) = self.http
            && let Err(error) = http.await
        {
            tracing::error!(%error, "serving ended badly");
        }
        if !self.supervisor.stop(RUNNERS_AT_MOST).await {
            tracing::warn!("some tasks were still at work after {RUNNERS_AT_MOST:?}");
        }
        self.core.close().await;
        self.database.close().await;
        tracing::info!("stopped");
    }
}

/// Listens for signals that end the process.
pub fn stop_token() -> Result<CancellationToken, Failure> {
    Ok(signals::stop_token()?)
}

fn health_of(
    status: &watch::Sender<ReaderStatus>,
) -> impl Fn() -> Result<Option<String>, String> + Send + Sync + 'static {
    let status = status.subscribe();
    move || match &status.borrow().state {
        ReaderState::Running | ReaderState::Standby => Ok(None),
        // A person wants it so.
        ReaderState::Paused(reason) => Ok(Some(format!("paused: {reason}"))),
        ReaderState::Starting => Err("it is starting".to_owned()),
        ReaderState::Retrying(reason) | ReaderState::Stopped(reason) => Err(reason.clone()),
    }
}

fn view_health(state: &projections::ReaderState) -> Result<(), String> {
    use projections::ReaderState;
    match state {
        ReaderState::Running | ReaderState::Standby => Ok(()),
        ReaderState::Elsewhere => Err("it is starting".to_owned()),
        ReaderState::Building(progress) => {
            Err(format!("it is being built: {} of {} events", progress.done_events, progress.total_events))
        }
        ReaderState::Retrying(reason) | ReaderState::AwaitsPromotion(reason) | ReaderState::Stopped(reason) => {
            Err(reason.clone())
        }
    }
}
