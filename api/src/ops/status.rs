//! What `GET /v1/ops/status` answers: how the system is at this moment. The shape is a part of `/v1`: it changes by
//! addition only.
//!
//! How far the readers of other processes are is what PostgreSQL has of them; what nobody wrote down there (why one
//! tries again, say) is `null`.

use crate::openapi::Instant;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the system is at this moment, as one process sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SystemStatus")]
pub struct Status {
    /// The version of the program that answers.
    pub version: String,
    /// The process that answers.
    pub instance: Instance,
    /// When this was found out: at most a second ago, or twenty times as long as that took.
    #[schemars(with = "Instant")]
    pub at: String,
    /// The log.
    pub log: LogStatus,
    /// What commands came to in this process within the last minute.
    pub commands: CommandStatus,
    /// Each view, then the relay, then each consumer.
    pub readers: Vec<ReaderStatus>,
    /// Each task of the schedule that has jobs.
    pub tasks: Vec<TaskStatus>,
    /// What makes no progress in this process though there is work.
    pub stalled: Vec<Stalled>,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Instance {
    /// The name of its machine.
    pub host: String,
    /// Its id there.
    pub pid: u32,
    /// When it began.
    #[schemars(with = "Instant")]
    pub started_at: String,
    /// How many seconds ago.
    pub uptime_s: u64,
}

/// The log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogStatus {
    /// Which log it is: a UUID.
    pub log_id: String,
    /// How often it was restored to an earlier point, from 1.
    pub epoch: u64,
    /// The position of its last event; 0 while there is none.
    pub head: u64,
    /// When that was recorded.
    #[schemars(with = "Option<Instant>")]
    pub recorded_at: Option<String>,
    /// Events per second within the last minute, of all processes.
    pub events_per_s: Option<f64>,
}

/// What commands came to within the last minute, or since the process began.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CommandStatus {
    /// Commands per second that were carried out.
    pub accepted_per_s: f64,
    /// Commands per second that were not.
    pub not_accepted_per_s: f64,
    /// Half of those that were carried out took no longer, in milliseconds.
    pub p50_ms: Option<f64>,
    /// Of a hundred, 99 took no longer.
    pub p99_ms: Option<f64>,
    /// Batches per second that were written, each by one flush to disk.
    pub batches_per_s: f64,
    /// Commands in a batch, on average.
    pub batch_commands: Option<f64>,
    /// Events in a batch, on average.
    pub batch_events: Option<f64>,
    /// Commands that wait for the next batch at this moment.
    pub waiting: u64,
}

/// What follows the log, directly or through Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReaderKind {
    /// A read model.
    Projection,
    /// What streams the log to Kafka.
    Relay,
    /// A consumer group.
    Consumer,
}

/// What a reader is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReaderState {
    /// It has just begun.
    Starting,
    /// It follows, or waits for something to follow.
    Running,
    /// Another process leads.
    Standby,
    /// It is built for the first time, or in a new version.
    Building,
    /// A person has paused it, for the reason given.
    Paused,
    /// What it needs is away; it tries again by itself.
    Retrying,
    /// It needs a person.
    Stopped,
    /// Another process runs it, or none.
    Elsewhere,
}

/// How a reader is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SystemReader")]
pub struct ReaderStatus {
    /// What it is.
    pub kind: ReaderKind,
    /// Its name.
    pub name: String,
    /// What it is doing in this process.
    pub state: ReaderState,
    /// The last event that it is done with.
    pub position: Option<u64>,
    /// How many events it has still to go through; of a consumer that is more than 100,000 behind in events of
    /// a kind, at least so many.
    /// `null` where it never ran.
    pub lag_events: Option<u64>,
    /// For how many seconds the first of them has waited.
    pub lag_s: Option<f64>,
    /// Events per second that it went through within the last minute.
    pub events_per_s: Option<f64>,
    /// How many seconds it takes to catch up at that rate; `null` where it does not.
    pub time_left_s: Option<f64>,
    /// Why it stands or tries again, or what it last stood for; of a consumer else what the latest attempt at an effect
    /// came to that is to be made again.
    pub last_error: Option<String>,
    /// Whether it makes no progress though there is work.
    pub stalled: bool,
    /// What a consumer has open; `null` for all others.
    pub open: Option<OpenEffects>,
}

/// Effects of a consumer that have not come to their end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenEffects {
    /// They wait for their time, or for an earlier one of the same order.
    pub waiting: u64,
    /// They need a person.
    pub parked: u64,
    /// Their outcome is not known.
    pub unknown: u64,
    /// Whether these are the exact numbers; else at least so many. At most 100,000 are counted.
    pub is_exact: bool,
}

/// How a task of the schedule is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskStatus {
    /// Its name.
    pub task: String,
    /// Jobs whose time has not come, or that nobody has taken yet.
    pub waiting: u64,
    /// Of those that wait, the ones whose time has come.
    #[serde(default)]
    pub due: u64,
    /// Jobs under way.
    pub running: u64,
    /// Jobs that failed for good, or whose outcome is not known: they need a person.
    pub failed: u64,
    /// When the first that waits is due.
    #[schemars(with = "Option<Instant>")]
    pub next_at: Option<String>,
    /// For how many seconds it is overdue.
    pub overdue_s: Option<f64>,
    /// How many seconds lie between two runs of a periodic one.
    pub every_s: Option<u64>,
    /// Whether somebody cancelled it: a periodic one, which rests until it is run.
    #[serde(default)]
    pub cancelled: bool,
    /// How many jobs ended well within the last hour, in whichever process; `null` for a periodic task.
    pub done_per_h: Option<u64>,
    /// How many seconds those take at that pace whose time has come; `null` where none waits, or none was done.
    pub time_left_s: Option<f64>,
    /// When an attempt ended last, of the jobs that are not done.
    #[schemars(with = "Option<Instant>")]
    pub last_run_at: Option<String>,
    /// What went wrong last with one of its jobs.
    pub last_error: Option<String>,
}

/// Something that makes no progress though there is work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stalled {
    /// What: `projection order_list`, `relay`, `consumer order_mail`, `schedule sweep`.
    pub reader: String,
    /// For how many seconds, so far.
    pub since_s: u64,
    /// What it stands at, for people.
    pub detail: String,
}

/// The last hour, for small charts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SystemHistory")]
pub struct History {
    /// How many seconds lie between two samples.
    pub every_s: u64,
    /// The samples, oldest first.
    pub samples: Vec<Sample>,
}

/// What was measured at one moment, over the time since the sample before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SystemSample")]
pub struct Sample {
    /// When.
    #[schemars(with = "Instant")]
    pub at: String,
    /// The log's last position.
    pub head: u64,
    /// What commands came to in this process.
    pub commands: CommandStatus,
    /// Each reader.
    pub readers: Vec<ReaderSample>,
    /// Each task of the schedule that had jobs waiting, as it was counted last.
    #[serde(default)]
    pub tasks: Vec<TaskSample>,
}

/// How a task of the schedule was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaskSample {
    /// Its name.
    pub task: String,
    /// Jobs whose time had come, and that nobody had taken yet.
    pub due: u64,
}

/// How a reader was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReaderSample {
    /// What it is.
    pub kind: ReaderKind,
    /// Its name.
    pub name: String,
    /// The last event that it was done with.
    pub position: u64,
    /// How many events it had still to go through.
    pub lag_events: Option<u64>,
    /// For how many seconds the first of them had waited.
    pub lag_s: Option<f64>,
}
