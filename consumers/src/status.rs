//! How a long-running reader of the log or of Kafka is doing, for `/readyz` and `/metrics`.

use domain::Position;
use tokio::sync::watch;

/// How one reader is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderStatus {
    /// Which reader.
    pub name: &'static str,
    /// The last event that it is done with.
    pub position: Position,
    /// How many records a consumer has noted since it was started: grows also while it is handed old ones again. 0 for
    /// the relay.
    pub taken_records: u64,
    /// Whether it goes on.
    pub state: ReaderState,
}

/// Whether a reader goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReaderState {
    /// Not at work yet.
    Starting,
    /// At work, or waiting for work.
    Running,
    /// Waits while another instance leads; how far that one is it does not know.
    Standby,
    /// A person has paused it, for the reason given: it takes nothing until it is resumed.
    Paused(String),
    /// Something that it needs is away, for the reason given. It tries again by itself.
    Retrying(String),
    /// It needs a person, for the reason given.
    Stopped(String),
}

impl ReaderState {
    /// The state's name, and why it is so.
    pub fn parts(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Starting => ("starting", None),
            Self::Running => ("running", None),
            Self::Standby => ("standby", None),
            Self::Paused(reason) => ("paused", Some(reason)),
            Self::Retrying(reason) => ("retrying", Some(reason)),
            Self::Stopped(reason) => ("stopped", Some(reason)),
        }
    }
}

impl ReaderStatus {
    /// The channel on which a reader of that name tells how it is doing.
    pub fn channel(name: &'static str) -> watch::Sender<Self> {
        watch::Sender::new(Self { name, position: Position::ORIGIN, taken_records: 0, state: ReaderState::Starting })
    }
}

/// Tells the new state to whoever watches, if it is new.
pub(crate) fn tell(status: &watch::Sender<ReaderStatus>, state: ReaderState) {
    status.send_if_modified(|now| {
        let changed = now.state != state;
        now.state = state;
        changed
    });
}

/// Tells that a consumer runs and has noted so many records, the last one at `position`.
pub(crate) fn tell_taken(status: &watch::Sender<ReaderStatus>, records: usize, position: Position) {
    status.send_modify(|now| {
        now.taken_records += records as u64;
        now.position = now.position.max(position);
        now.state = ReaderState::Running;
    });
}

/// Tells that the reader runs and has got to `position`.
pub(crate) fn tell_position(status: &watch::Sender<ReaderStatus>, position: Position) {
    status.send_if_modified(|now| {
        let changed = now.position != position || now.state != ReaderState::Running;
        now.position = position;
        now.state = ReaderState::Running;
        changed
    });
}
