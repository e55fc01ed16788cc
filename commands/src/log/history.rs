//! Whether the database still holds the history that this process knows.
//!
//! After a restore to an earlier point, or a failover to a server that lacked the last commits, the same positions come
//! again with other content. What a process has in memory by then (states, prices, how far its readers are) is of a
//! history that is no more: nothing may be read behind it or appended to it. So each read that goes on behind a
//! position looks for the newest event that this process knows, in its own snapshot, and so does each new connection
//! that appends: no connection outlives a restore.

use super::LogError;
use domain::Position;
use domain::ids::EventId;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// An event that was seen: it was committed, so the database has it for ever. None before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) position: Position,
    pub(super) event_id: Option<EventId>,
}

/// The newest event that this process knows.
#[derive(Debug, Default)]
pub(super) struct History {
    newest: Mutex<Seen>,
    is_gone: AtomicBool,
}

impl History {
    /// To be asked before the statement that looks for it.
    pub(super) fn newest(&self) -> Result<Seen, LogError> {
        let newest = *self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_gone.load(Ordering::Relaxed) { Err(gone(newest)) } else { Ok(newest) }
    }

    /// Takes note of an event that was read, or written.
    pub(super) fn saw(&self, position: Position, event_id: EventId) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if position > newest.position {
            *newest = Seen { position, event_id: Some(event_id) };
        }
    }

    /// Compares what stands where `seen` was.
    pub(super) fn compare(&self, seen: Seen, found: Option<Uuid>) -> Result<(), LogError> {
        if seen.event_id.map(|event_id| event_id.0) == found { Ok(()) } else { Err(self.give_up(seen)) }
    }

    /// From now on nothing is read or appended.
    pub(super) fn give_up(&self, seen: Seen) -> LogError {
        let error = gone(seen);
        if !self.is_gone.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, "the log is no longer read or appended to");
        }
        error
    }
}

fn gone(seen: Seen) -> LogError {
    LogError::OtherHistory { position: seen.position }
}
