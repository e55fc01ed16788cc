//! What a view reads of the log: batches, decoded where the view wants the event, read ahead while it catches up.

use crate::error::RunError;
use crate::projection::Wants;
use commands::{Log, ReadError, StoredEvent};
use domain::{Event, Position, Recorded};
use std::sync::Arc;
use tokio_util::task::AbortOnDropHandle;

/// The most events in one batch, and so in one transaction of a view.
pub(crate) const BATCH_EVENTS: u32 = 5_000;

/// A batch of as many shows a backlog: then the next one is read while this one is written. At the head that would only
/// cut what comes into smaller batches.
const BACKLOG_EVENTS: usize = 1_000;

/// Decoding pauses for other tasks of its thread after this many events, about a fifth of a millisecond.
const YIELD_EVERY_EVENTS: usize = 128;

/// Consecutive events of the log, as far as this program can read them.
#[derive(Debug)]
pub(crate) struct Batch {
    after: Position,
    events: Vec<Arc<StoredEvent>>,
    /// The indexes of the wanted ones.
    wanted: Vec<usize>,
    /// The event behind the last that can't be read.
    pub(crate) fault: Option<ReadError>,
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(crate) fn event_count(&self) -> usize {
        self.events.len()
    }

    /// The position before its first event.
    pub(crate) fn after(&self) -> Position {
        self.after
    }

    /// The position of its last event.
    pub(crate) fn through(&self) -> Position {
        self.events.last().map_or(self.after, |event| event.position)
    }

    /// The same without what is behind `last`.
    pub(crate) fn up_to(mut self, last: Position) -> Self {
        let kept = self.events.partition_point(|event| event.position <= last);
        self.events.truncate(kept);
        self.wanted.retain(|index| *index < kept);
        self.fault = self.fault.filter(|fault| fault.position <= last);
        self
    }

    /// The wanted events, in order.
    pub(crate) fn wanted(&self) -> Vec<&Recorded<Event>> {
        self.wanted.iter().filter_map(|index| self.events.get(*index)?.recorded().ok()).collect()
    }
}

/// Reads the batch behind `after`; empty at the head.
pub(crate) async fn read_batch(log: &Log, wants: Wants, after: Position) -> Result<Batch, RunError> {
    let mut events = log.read(after, BATCH_EVENTS).await?;
    let mut wanted = Vec::with_capacity(events.len());
    let mut fault = None;
    for (index, event) in events.iter().enumerate() {
        match wants.choose(event) {
            Ok(None) => {}
            Ok(Some(_)) => wanted.push(index),
            Err(unreadable) => {
                fault = Some((index, unreadable.clone()));
                break;
            }
        }
        if index % YIELD_EVERY_EVENTS == YIELD_EVERY_EVENTS - 1 {
            tokio::task::yield_now().await;
        }
    }
    let fault = fault.map(|(index, unreadable)| {
        events.truncate(index);
        unreadable
    });
    Ok(Batch { after, events, wanted, fault })
}

/// Consecutive batches of the log.
pub(crate) struct Feed {
    log: Log,
    wants: Wants,
    after: Position,
    ahead: Option<AbortOnDropHandle<Result<Batch, RunError>>>,
}

impl Feed {
    /// Begins behind `after`.
    pub(crate) fn new(log: &Log, wants: Wants, after: Position) -> Self {
        Self { log: log.clone(), wants, after, ahead: None }
    }

    /// The next batch; empty at the head. Behind an error or a fault the feed is of no more use.
    pub(crate) async fn next(&mut self) -> Result<Batch, RunError> {
        let batch = match self.ahead.take() {
            Some(reading) => reading.await.map_err(|ended| match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is going down, and we with it.
                Err(_) => RunError::Cancelled,
            })??,
            None => read_batch(&self.log, self.wants, self.after).await?,
        };
        self.after = batch.through();
        if batch.event_count() >= BACKLOG_EVENTS && batch.fault.is_none() {
            let (log, wants, after) = (self.log.clone(), self.wants, self.after);
            self.ahead =
                Some(AbortOnDropHandle::new(tokio::spawn(async move { read_batch(&log, wants, after).await })));
        }
        Ok(batch)
    }
}
