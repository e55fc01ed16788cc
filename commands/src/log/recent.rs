//! The last events of the log, kept in memory: several readers follow the head, and one read and one decode serves all.

use super::StoredEvent;
use domain::Position;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// The most events kept.
const KEEP_EVENTS: usize = 8_192;
/// The most bytes kept, about.
const KEEP_BYTES: usize = 8 << 20;

/// A window of events without gaps that ends at the newest read so far.
#[derive(Default)]
pub(super) struct Recent {
    window: Mutex<Window>,
    /// Held while the tail is read from PostgreSQL, so that readers that wake together read once.
    pub(super) reading_tail: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Window {
    events: VecDeque<Arc<StoredEvent>>,
    bytes: usize,
}

impl Recent {
    /// The events behind `after`, if the window holds the very next one.
    pub(super) fn behind(&self, after: Position, limit_rows: usize) -> Option<Vec<Arc<StoredEvent>>> {
        let window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let first = window.events.front()?.position.0;
        let skip = usize::try_from((after.0 + 1).checked_sub(first)?).ok()?;
        if skip >= window.events.len() {
            return None;
        }
        Some(window.events.iter().skip(skip).take(limit_rows).cloned().collect())
    }

    /// Takes in what this process appended, if it continues the window. Where another process wrote in between, the
    /// next read of the tail closes the gap.
    pub(super) fn append(&self, events: &[Arc<StoredEvent>]) {
        let Some(first) = events.first() else { return };
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.events.back().is_none_or(|last| last.position.0 + 1 == first.position.0) {
            events.iter().for_each(|event| window.push(event));
            window.shrink();
        }
    }

    /// Takes in events in order without gaps, as they were read. What lies beyond the window, and does not continue it,
    /// replaces it.
    pub(super) fn remember(&self, events: &[Arc<StoredEvent>]) {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            window.push(event);
        }
        window.shrink();
    }
}

impl Window {
    fn push(&mut self, event: &Arc<StoredEvent>) {
        if let Some(last) = self.events.back() {
            if event.position <= last.position {
                return;
            }
            if event.position.0 != last.position.0 + 1 {
                self.events.clear();
                self.bytes = 0;
            }
        }
        self.bytes += event.size_bytes();
        self.events.push_back(Arc::clone(event));
    }

    fn shrink(&mut self) {
        while self.events.len() > KEEP_EVENTS || self.bytes > KEEP_BYTES {
            let Some(oldest) = self.events.pop_front() else { return };
            self.bytes -= oldest.size_bytes();
        }
    }
}
