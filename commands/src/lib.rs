//! The write side: commands are decided on one aggregate's own history, and their events appended to one log in
//! PostgreSQL.
//!
//! - [`gateway`]: takes a command, loads, decides, appends, and decides again when another was first.
//! - [`log`]: the log itself. Nothing outside `log` knows the events table.
//! - [`catalogue`]: the prices of today, in memory, following the log.
//! - [`idempotency`], [`numbers`]: what is handed out or kept beside the events.
//! - [`messages`]: what customers and staff write to each other about orders.
//! - [`payments`]: what is asked of payment providers, and the inbox of what they tell.
//! - [`members`], [`subscribers`]: the accounts of customers and who gets the newsletter, in plain tables.
//! - [`analysts`]: who reads the history by SQL, as logins of PostgreSQL.
//! - [`staff`]: who works behind the counter, in plain tables.
//! - [`audit`]: who ran the system, and how.
//! - [`schedule`]: work at a given time, and periodic work. [`clock`]: what time it is.
//! - [`aggregate`]: the domain's aggregates as this crate, and as `cqrs-es`, sees them.
//! - [`mod@verify`]: whether the log is what readers rely on.
//! - [`shop`]: what the shop keeps of its visitors, beside the log.
//! - [`db`]: how sessions are set up. [`lead`], [`instances`]: how one instance leads, and which there are.
//! - [`instance`]: what an instance is called.
//! - [`meter`]: what commands came to. [`trace`]: what belongs to one request, across processes.
//! - [`start`]: where a reader of the log begins.
//!
//! This crate knows no HTTP, no Kafka and no mail.

pub mod aggregate;
pub mod analysts;
pub mod audit;
pub mod catalogue;
pub mod clock;
pub mod db;
pub mod gateway;
pub mod idempotency;
pub mod instances;
pub mod lead;
pub mod log;
pub mod members;
pub mod messages;
pub mod meter;
pub mod numbers;
pub mod payments;
pub mod schedule;
pub mod shop;
pub mod staff;
pub mod start;
pub mod subscribers;
mod tasks;
pub mod trace;
pub mod verify;

pub use aggregate::Aggregate;
pub use catalogue::Catalogue;
pub use clock::Clock;
pub use gateway::{
    Admission, Answer, AnswerFn, CommandError, Context, Done, Gateway, GatewaySettings, Snapshot, Submission, Timing,
};
pub use idempotency::{IdempotencyKey, OrderedLines};
pub use lead::Lead;
pub use log::{
    AsOf, EventFilter, EventKey, EventOutline, FilteredEvents, FoundPositions, KeptEvent, Log, LogError, LogIdentity,
    Moment, MomentError, ReadError, StoredEvent, StreamPlace, TypedEvents,
};
pub use schedule::Schedule;
pub use start::{Start, StartError};
