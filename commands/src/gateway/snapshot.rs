//! An aggregate's state with its version and times, and those kept in memory.

use crate::aggregate::Aggregate;
use crate::log::{LogError, StoredEvent, StreamId, Tip};
use chrono::{DateTime, Utc};
use domain::Position;
use quick_cache::sync::Cache;
use std::sync::Arc;

/// An aggregate at one version.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot<A> {
    /// Its id.
    pub id: String,
    /// What its events left.
    pub state: A,
    /// How many events it has; 0 when nothing happened under this id.
    pub version: u64,
    /// The position of its last event; the origin while that is not written yet.
    pub position: Position,
    /// When its first event occurred.
    pub created_at: DateTime<Utc>,
    /// When its last event occurred.
    pub updated_at: DateTime<Utc>,
}

impl<A: Aggregate> Snapshot<A> {
    /// Nothing happened yet.
    pub(crate) fn empty(id: &str) -> Self {
        let never = DateTime::UNIX_EPOCH;
        let (state, position) = (A::default(), Position::ORIGIN);
        Self { id: id.to_owned(), state, version: 0, position, created_at: never, updated_at: never }
    }

    /// The snapshot after the events that come behind it.
    pub(crate) fn follow(mut self, events: &[Arc<StoredEvent>]) -> Result<Self, LogError> {
        for stored in events {
            let recorded = stored.recorded().map_err(Clone::clone)?;
            if let Some(event) = A::own(&recorded.event) {
                self = self.evolve(event, recorded.metadata.occurred_at);
            }
            self.position = recorded.position;
        }
        Ok(self)
    }

    /// The snapshot after one more event.
    pub(crate) fn evolve(mut self, event: &A::Event, occurred_at: DateTime<Utc>) -> Self {
        if self.version == 0 {
            self.created_at = occurred_at;
        }
        self.state = self.state.evolve(event);
        self.version += 1;
        self.updated_at = occurred_at;
        self
    }
}

/// The states that commands met lately. One that is behind the log costs time and nothing else: what is decided on it
/// is decided again.
pub(crate) struct States {
    cache: Cache<StreamId, Tip>,
}

impl States {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { cache: Cache::new(capacity) }
    }

    pub(crate) fn get<A: Aggregate>(&self, stream: &StreamId) -> Option<Arc<Snapshot<A>>> {
        self.cache.get(stream)?.downcast().ok()
    }

    /// Keeps a state, unless a newer one is known.
    pub(crate) fn keep<A: Aggregate>(&self, stream: StreamId, snapshot: Arc<Snapshot<A>>) {
        if self.get::<A>(&stream).is_none_or(|known| known.version < snapshot.version) {
            self.cache.insert(stream, snapshot);
        }
    }

    /// Forgets a state, unless it is newer than `version`.
    pub(crate) fn forget<A: Aggregate>(&self, stream: &StreamId, version: u64) {
        let is_newer = |known: &Snapshot<A>| known.version > version;
        self.cache.remove_if(stream, |known| !known.downcast_ref().is_some_and(is_newer));
    }
}
