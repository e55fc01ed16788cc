//! Proves that the log is what every reader relies on, while it is appended to.
//!
//! - Positions are dense from 1 and `recorded_at` never runs backwards along them ([`positions`]).
//! - Each aggregate's sequences are dense from 1 and in the order of positions, every event can be read, and a stock
//!   `postgres-es` loads each aggregate to the state that our own fold gives ([`streams`]).
//!
//! Everything goes up to one position, the head at the begin; memory does not grow with the log.

mod found;
mod positions;
mod streams;

pub use found::{Found, Progress, Stopped, Watch};

use crate::log::{Log, LogError};
use domain::Position;
use serde::Serialize;
use std::fmt;

/// What was found in the log.
#[derive(Debug)]
pub struct LogChecked {
    /// Everything up to here was looked at.
    pub up_to: Position,
    /// How many events there are.
    pub events: u64,
    /// How many orders there are.
    pub orders: u64,
    /// How many products there are.
    pub products: u64,
    /// How many categories there are.
    pub categories: u64,
    /// How many issues of the newsletter there are.
    pub newsletters: u64,
    /// What is not as it must be.
    pub differences: Found<Difference>,
}

/// Something about the log that is not as it must be. No text holds personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Difference {
    /// Positions that hold no event.
    PositionsMissing {
        /// The first of them.
        first: Position,
        /// The last.
        last: Position,
    },
    /// An event was written down before the one that it stands behind.
    TimeRunsBackwards {
        /// Where it stands.
        position: Position,
    },
    /// Sequences of an aggregate that hold no event.
    SequencesMissing {
        /// Its kind.
        aggregate_type: String,
        /// Its id.
        aggregate_id: String,
        /// The first of them.
        first: u64,
        /// The last.
        last: u64,
    },
    /// An event stands in the log before the one that it follows in its aggregate.
    OutOfOrder {
        /// The aggregate's kind.
        aggregate_type: String,
        /// Its id.
        aggregate_id: String,
        /// The event's place within it.
        sequence: u64,
        /// The event's place in the log.
        position: Position,
    },
    /// An event that this program can't read.
    Unreadable {
        /// The aggregate's kind.
        aggregate_type: String,
        /// Its id.
        aggregate_id: String,
        /// Where it stands.
        position: Position,
        /// Why, and what to do.
        fault: String,
    },
    /// `postgres-es` can't load an aggregate that our own fold can.
    NotLoaded {
        /// Its kind.
        aggregate_type: String,
        /// Its id.
        aggregate_id: String,
        /// What `postgres-es` said.
        fault: String,
    },
    /// `postgres-es` loads an aggregate to another state than our own fold.
    OtherState {
        /// Its kind.
        aggregate_type: String,
        /// Its id.
        aggregate_id: String,
        /// The last sequence that both have folded.
        version: u64,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PositionsMissing { first, last } if first == last => write!(f, "position {first} holds no event"),
            Self::PositionsMissing { first, last } => write!(f, "the positions {first} to {last} hold no events"),
            Self::TimeRunsBackwards { position } => {
                write!(f, "the event at position {position} was recorded before the one that it follows")
            }
            Self::SequencesMissing { aggregate_type, aggregate_id, first, last } if first == last => {
                write!(f, "{aggregate_type} {aggregate_id} has no event with sequence {first}")
            }
            Self::SequencesMissing { aggregate_type, aggregate_id, first, last } => {
                write!(f, "{aggregate_type} {aggregate_id} has no events with the sequences {first} to {last}")
            }
            Self::OutOfOrder { aggregate_type, aggregate_id, sequence, position } => write!(
                f,
                "event {sequence} of {aggregate_type} {aggregate_id} stands at position {position}, before the one \
                 that it follows"
            ),
            Self::Unreadable { aggregate_type, aggregate_id, position, fault } => {
                write!(
                    f,
                    "the event at position {position}, of {aggregate_type} {aggregate_id}, can't be read: {fault}"
                )
            }
            Self::NotLoaded { aggregate_type, aggregate_id, fault } => {
                write!(f, "postgres-es can't load {aggregate_type} {aggregate_id}: {fault}")
            }
            Self::OtherState { aggregate_type, aggregate_id, version } => write!(
                f,
                "postgres-es loads {aggregate_type} {aggregate_id} at version {version} to another state than ours"
            ),
        }
    }
}

/// Why the log could not be checked to the end.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Asked to stop.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The log can't be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// `postgres-es` could not reach the database.
    #[error("postgres-es could not load {aggregate_type} {aggregate_id}: {fault}")]
    Loader {
        /// The aggregate's kind.
        aggregate_type: &'static str,
        /// Its id.
        aggregate_id: String,
        /// What it said.
        fault: String,
    },
}

/// Checks the log up to `up_to`, a head that it had.
pub async fn check_log(log: &Log, up_to: Position, watch: &mut Watch<'_>) -> Result<LogChecked, VerifyError> {
    let mut checked = LogChecked {
        up_to,
        events: 0,
        orders: 0,
        products: 0,
        categories: 0,
        newsletters: 0,
        differences: Found::new(watch.most_listed),
    };
    positions::check(log, watch, &mut checked).await?;
    streams::check(log, watch, &mut checked).await?;
    Ok(checked)
}
