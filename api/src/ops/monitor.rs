//! Looks how this process is, again and again: for Prometheus, for the watchdog, and for the last hour.
//!
//! What is shown at a scrape is what was found out last: no scrape asks PostgreSQL anything. Each question has a bound
//! in time, and none is asked more often than its constant here says.

use super::everything::{Stored, everything};
use super::gather;
use super::groups::{self, Groups, fresh_for};
use super::history::{Measured, Rates, SAMPLE_EVERY, Samples};
use super::leads;
use super::reader::{Look, Reader, ReaderId};
use super::status::{History, ReaderKind, ReaderState, Stalled, Status, TaskSample};
use super::watchdog::{Change, Watchdog, Watched};
use crate::health::Readiness;
use crate::metrics::{gauges, process};
use chrono::{DateTime, Utc};
use commands::db::DbError;
use commands::lead::{self, HeldLease};
use commands::schedule::{JobState, TaskSummary};
use commands::{Clock, Gateway, Log, LogError, Schedule};
use consumers::groups::{Group, GroupError};
use consumers::relay;
use domain::Position;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// How often is looked at what needs no I/O.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often PostgreSQL is asked since when events wait, how the groups are and who leads, and the system for the
/// numbers of the process; more often where less patience is asked for.
const MEASURE_EVERY: Duration = Duration::from_secs(5);
/// How often it is asked for the schedule.
const COUNT_JOBS_EVERY: Duration = Duration::from_secs(15);
/// How long is not asked again how the whole system is, where that could not be found out.
const REFUSED_FOR: Duration = Duration::from_secs(1);
/// How long no progress is taken for a pause, where nothing is said.
pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(60);

/// How this process is; cheap to clone.
#[derive(Clone)]
pub struct Monitor {
    shared: Arc<Shared>,
}

struct Shared {
    log: Log,
    schedule: Schedule,
    readiness: Readiness,
    started_at: DateTime<Utc>,
    started: Instant,
    gateway: OnceLock<Gateway>,
    readers: RwLock<Vec<Reader>>,
    /// The tasks that this process carries out.
    tasks: RwLock<Vec<&'static str>>,
    watchdog: Mutex<Watchdog>,
    samples: Mutex<Samples>,
    lag_s: Mutex<HashMap<ReaderId, f64>>,
    /// Each reader of any process, as it was found out last; none in a process without an API, where nobody asks.
    everything: Mutex<Vec<Look>>,
    jobs: Mutex<Vec<TaskSummary>>,
    /// What is due of each task, also of those that other processes carry out.
    due: Mutex<Vec<TaskSample>>,
    groups: Groups,
    /// How far the relay is that any process runs, as it notes it; unknown before it did.
    published: Mutex<Option<Position>>,
    /// Who leads; unknown while PostgreSQL is away.
    leases: Mutex<Option<Vec<HeldLease>>>,
    /// The last answer, and until when it holds. Held by the one who finds the next one out for all who wait.
    known: tokio::sync::Mutex<Option<(Instant, Option<Arc<Status>>)>>,
}

impl Monitor {
    /// A monitor that knows of nothing that runs here yet. What stands still for `patience` is shown in `readiness`.
    pub fn new(log: Log, readiness: Readiness, patience: Duration) -> Self {
        let schedule = Schedule::new(log.pool().clone(), Clock::system());
        let shared = Shared {
            log,
            schedule,
            readiness,
            started_at: Utc::now(),
            started: Instant::now(),
            gateway: OnceLock::new(),
            readers: RwLock::default(),
            tasks: RwLock::default(),
            watchdog: Mutex::new(Watchdog::new(patience)),
            samples: Mutex::default(),
            lag_s: Mutex::default(),
            everything: Mutex::default(),
            jobs: Mutex::default(),
            due: Mutex::default(),
            groups: Groups::new(patience),
            published: Mutex::default(),
            leases: Mutex::default(),
            known: tokio::sync::Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Watches a reader from now on.
    pub fn watch(&self, reader: Reader) {
        self.shared.readers.write().unwrap_or_else(PoisonError::into_inner).push(reader);
    }

    /// Watches the tasks of these names from now on.
    pub fn watch_tasks(&self, names: impl IntoIterator<Item = &'static str>) {
        self.shared.tasks.write().unwrap_or_else(PoisonError::into_inner).extend(names);
    }

    /// Tells of the commands that wait in this gateway.
    pub fn watch_gateway(&self, gateway: &Gateway) {
        self.shared.gateway.get_or_init(|| gateway.clone());
    }

    /// Looks until `cancel`.
    pub async fn run(&self, cancel: CancellationToken) {
        let working = async { tokio::join!(self.keep_looking(), self.keep_measuring()) };
        cancel.run_until_cancelled(working).await;
    }

    async fn keep_looking(&self) {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut sampled: Option<Instant> = None;
        loop {
            ticks.tick().await;
            let looks = self.looks(self.shared.log.known_head());
            self.look(&looks);
            if sampled.is_none_or(|sampled| sampled.elapsed() >= SAMPLE_EVERY) {
                sampled = Some(Instant::now());
                let lag_s = lock(&self.shared.lag_s).clone();
                let looks = self.with_others(looks);
                let due = lock(&self.shared.due).clone();
                let measured = self.measured(self.shared.log.known_head(), &looks, &lag_s);
                lock(&self.shared.samples).take(&Measured { due: &due, ..measured });
            }
        }
    }

    /// PostgreSQL may be away for long: the watchdog must not wait for it.
    async fn keep_measuring(&self) {
        let patience = lock(&self.shared.watchdog).patience();
        let mut ticks = interval(MEASURE_EVERY.min(patience / 2).max(LOOK_EVERY));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut counted: Option<Instant> = None;
        loop {
            ticks.tick().await;
            process::measure();
            if let Err(error) = self.measure_lag().await {
                tracing::debug!(%error, "since when events wait can't be told now");
            }
            if self.shared.gateway.get().is_some()
                && let Err(error) = self.measure_others().await
            {
                tracing::debug!(%error, "how far other processes are can't be told now");
                // Nothing is better than what was so once.
                lock(&self.shared.everything).clear();
            }
            self.find_leads().await;
            if self.shows_groups()
                && let Err(error) = self.measure_groups().await
            {
                tracing::debug!(%error, "how the consumer groups are can't be told now");
            }
            let tasks = self.tasks();
            if !tasks.is_empty() && counted.is_none_or(|counted| counted.elapsed() >= COUNT_JOBS_EVERY) {
                counted = Some(Instant::now());
                self.count_jobs(&tasks).await;
            }
        }
    }

    fn looks(&self, head: Position) -> Vec<Look> {
        let readers = self.shared.readers.read().unwrap_or_else(PoisonError::into_inner);
        let groups = self.shared.groups.known();
        let looks = readers.iter().map(|reader| reader.look(head));
        let looks = looks.map(|look| {
            let is_consumer = look.id.kind == ReaderKind::Consumer;
            let lag = groups.as_ref().filter(|_| is_consumer).and_then(|groups| groups::lag_of(groups, look.id.name));
            match lag {
                Some(lag) => look.behind(lag),
                None => look,
            }
        });
        looks.collect()
    }

    /// Whether this process tells how the groups are: with an API, or as a member of one.
    fn shows_groups(&self) -> bool {
        let readers = self.shared.readers.read().unwrap_or_else(PoisonError::into_inner);
        self.shared.gateway.get().is_some() || readers.iter().any(|reader| reader.kind() == ReaderKind::Consumer)
    }

    /// All groups, as they were at most a second ago, or longer where looking takes long.
    pub async fn groups(&self) -> Result<Arc<Vec<Group>>, GroupError> {
        self.shared.groups.look(&self.shared.log).await
    }

    /// The group of that name, likewise.
    pub async fn group(&self, name: &str) -> Result<Group, GroupError> {
        let groups = self.groups().await?;
        let found = groups.iter().find(|group| group.name == name);
        found.cloned().ok_or_else(|| GroupError::no_such_group(name))
    }

    /// Somebody has ordered a group something: whoever asks next is told how it is by then.
    pub fn groups_have_changed(&self) {
        self.shared.groups.forget();
    }

    async fn find_leads(&self) {
        let held = lead::held(self.shared.log.pool()).await;
        if let Err(error) = &held {
            tracing::debug!(%error, "who leads can't be told now");
        }
        let held = held.ok();
        if let Some(held) = &held {
            let looks = self.looks(self.shared.log.known_head());
            // A relay into the broker of its own process needs no lease.
            let runs = |id| looks.iter().any(|look| look.id == id && look.state == ReaderState::Running);
            gauges::led(leads::roles().map(|id| (id, leads::is_led(held, id) || runs(id))));
        }
        *lock(&self.shared.leases) = held;
    }

    /// What is watched of all that runs here, and of the groups; and the names of what can't be seen now.
    fn watched(&self, looks: &[Look]) -> (Vec<Watched>, Vec<String>) {
        let (shared, now) = (&*self.shared, Utc::now());
        let mut unseen = Vec::new();
        let leases = lock(&shared.leases);
        // Where PostgreSQL is away, nobody can lead.
        let is_led = |id| leases.as_ref().is_none_or(|held| leads::is_led(held, id));
        let led = looks.iter().filter(|look| look.id.kind != ReaderKind::Consumer);
        let mut watched: Vec<Watched> = led.map(|look| Watched::reader(look, is_led(look.id))).collect();
        drop(leases);
        if self.shows_groups() {
            // What is not published yet, no consumer can get. The relay may run here, or elsewhere, or stand.
            let here = looks.iter().find(|look| look.id.kind == ReaderKind::Relay).and_then(|look| look.position);
            let published = here.max(*lock(&shared.published));
            match shared.groups.known() {
                Some(groups) => watched.extend(groups.iter().flat_map(|group| Watched::group(group, published))),
                None => unseen.extend(consumers::NAMES.iter().copied().map(|name| consumer(name).to_string())),
            }
        }
        watched.extend(first_due(&lock(&shared.jobs)).map(|(task, due)| Watched::task(task, due, now)));
        (watched, unseen)
    }

    fn look(&self, looks: &[Look]) {
        let shared = &*self.shared;
        gauges::log(shared.log.known_head(), shared.gateway.get().map(Gateway::waiting));
        gauges::pool(shared.log.pool());
        gauges::lag_events(looks);
        let (watched, unseen) = self.watched(looks);
        let names: Vec<String> = watched.iter().map(|watched| watched.name.clone()).collect();
        let mut watchdog = lock(&shared.watchdog);
        let changes = watchdog.look(Instant::now(), watched, &unseen);
        let stalled = watchdog.stalled(Instant::now());
        drop(watchdog);
        for change in &changes {
            tell(change);
        }
        gauges::stalled(&names, &changes, &stalled);
        shared.readiness.show_stalled(stalled);
    }

    async fn measure_lag(&self) -> Result<(), LogError> {
        let looks = self.looks(self.shared.log.known_head());
        let lag_s = gather::lag_s(&self.shared.log, &looks).await?;
        gauges::lag_seconds(&looks, &lag_s);
        *lock(&self.shared.lag_s) = lag_s;
        Ok(())
    }

    async fn measure_groups(&self) -> Result<(), GroupError> {
        // Before the groups: an event that is published meanwhile is the next look's.
        let published = relay::noted(self.shared.log.pool()).await;
        let groups = self.groups().await?;
        gauges::groups(&groups);
        *lock(&self.shared.published) = published?;
        Ok(())
    }

    async fn measure_others(&self) -> Result<(), LogError> {
        let log = &self.shared.log;
        let head = log.head().await?;
        let here = self.looks(head);
        let stored = Stored::read(self).await?;
        let mut looks = everything(&here, &stored, head);
        let lag_s = gather::lag_s(log, &looks).await?;
        for look in &mut looks {
            look.waits_s = lag_s.get(&look.id).copied();
        }
        *lock(&self.shared.everything) = looks;
        Ok(())
    }

    /// These readers of this process, and those of others as they were found out last.
    fn with_others(&self, here: Vec<Look>) -> Vec<Look> {
        let mut looks = lock(&self.shared.everything).clone();
        for look in here {
            match looks.iter_mut().find(|known| known.id == look.id) {
                Some(known) if look.lag_events.is_some() => *known = look,
                // One that stands by knows less.
                Some(_) => {}
                None => looks.push(look),
            }
        }
        looks
    }

    async fn count_jobs(&self, tasks: &[&'static str]) {
        let schedule = &self.shared.schedule;
        match tokio::try_join!(schedule.summary(), schedule.resting()) {
            Ok((mut jobs, resting)) => {
                *lock(&self.shared.due) = due(&jobs);
                jobs.retain(|jobs| tasks.contains(&jobs.task.as_str()));
                gauges::jobs(tasks, &jobs, &resting);
                *lock(&self.shared.jobs) = jobs;
            }
            Err(error) => tracing::debug!(%error, "the schedule can't be counted now"),
        }
    }

    fn measured<'a>(&self, head: Position, looks: &'a [Look], lag_s: &'a HashMap<ReaderId, f64>) -> Measured<'a> {
        let (log, gateway) = (&self.shared.log, self.shared.gateway.get());
        Measured {
            at: Instant::now(),
            time: Utc::now(),
            reading: log.meter().read(),
            waiting: gateway.map_or(0, |gateway| gateway.waiting() as u64),
            head,
            looks,
            lag_s,
            due: &[],
        }
    }

    /// How the system is at this moment, or was a second ago, or longer where finding out takes long. Asked by many at
    /// once, it is found out once; so is that it can't be.
    pub async fn status(&self) -> Result<Arc<Status>, LogError> {
        let patience = lock(&self.shared.watchdog).patience();
        let mut known = self.shared.known.lock().await;
        if let Some((until, status)) = &*known
            && Instant::now() < *until
        {
            return status.clone().ok_or_else(not_again);
        }
        let began = Instant::now();
        let status = gather::status(self).await.map(Arc::new);
        let holds = if status.is_ok() { fresh_for(began.elapsed(), patience) } else { REFUSED_FOR };
        *known = Some((Instant::now() + holds, status.as_ref().ok().cloned()));
        status
    }

    /// The samples of the last `minutes`, at most sixty.
    pub fn history(&self, minutes: u64) -> History {
        lock(&self.shared.samples).last(minutes)
    }

    pub(super) fn log(&self) -> &Log {
        &self.shared.log
    }

    pub(super) fn schedule(&self) -> &Schedule {
        &self.shared.schedule
    }

    /// The names of the tasks that this process carries out.
    pub(super) fn tasks(&self) -> Vec<&'static str> {
        self.shared.tasks.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn started(&self) -> (DateTime<Utc>, Duration) {
        (self.shared.started_at, self.shared.started.elapsed())
    }

    pub(super) fn stalled(&self) -> Vec<Stalled> {
        lock(&self.shared.watchdog).stalled(Instant::now())
    }

    /// What runs here as it is now; and how fast all was.
    pub(super) fn here(&self, head: Position) -> (Vec<Look>, Rates) {
        let here = self.looks(head);
        let looks = self.with_others(here.clone());
        let rates = lock(&self.shared.samples).rates(&self.measured(head, &looks, &HashMap::new()));
        (here, rates)
    }
}

/// PostgreSQL has just not answered: nobody waits for that again, one after the other.
fn not_again() -> LogError {
    LogError::Db(DbError::Sql(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
}

fn consumer(name: &'static str) -> ReaderId {
    ReaderId { kind: ReaderKind::Consumer, name }
}

/// What is due of each task that has jobs waiting.
fn due(jobs: &[TaskSummary]) -> Vec<TaskSample> {
    let waiting = jobs.iter().filter(|jobs| jobs.state == JobState::Waiting);
    waiting.map(|jobs| TaskSample { task: jobs.task.clone(), due: jobs.due }).collect()
}

/// The first time at which a job of each task is due.
fn first_due(jobs: &[TaskSummary]) -> impl Iterator<Item = (&str, DateTime<Utc>)> {
    let waiting = jobs.iter().filter(|jobs| jobs.state == JobState::Waiting);
    waiting.filter_map(|jobs| Some((jobs.task.as_str(), jobs.due_at?)))
}

fn tell(change: &Change) {
    match change {
        Change::Stalled(Stalled { reader, since_s, detail }) => {
            tracing::error!(reader, since_s, detail, "there is work, but no progress");
        }
        Change::Recovered(reader, stood) => {
            tracing::info!(reader, stood_s = stood.as_secs(), "there is progress again, or no work any more");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
