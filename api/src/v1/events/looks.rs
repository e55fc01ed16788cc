//! The few places at which history is looked through.
//!
//! What looks through history asks the same pool as commands do, and each statement of it may be long. So many of them
//! are under way at once, however many pages, exports and followers there are; the others wait for their turn, in
//! order. What is in memory, or found by an order's key, needs no place.

use crate::http::overloaded;
use crate::problem::{Problem, within};
use commands::{EventFilter, Log, LogError};
use domain::Position;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

/// How much longer a look may take that was begun in time.
const LONGER_AT_MOST: Duration = Duration::from_secs(3);

/// The bounds of looking through history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookSettings {
    /// How many statements look through history at once.
    pub at_once: usize,
    /// How long a page, or the end of an export, is looked for: the answer ends with what was found by then.
    pub at_most: Duration,
    /// How long a request waits for the first place before it is told that there is none.
    pub wait_at_most: Duration,
}

impl Default for LookSettings {
    fn default() -> Self {
        Self { at_once: 4, at_most: Duration::from_secs(2), wait_at_most: Duration::from_secs(5) }
    }
}

/// The places, and the log that is looked through at them. Clones share them.
#[derive(Clone)]
pub(crate) struct Looks {
    pub(super) log: Log,
    places: Arc<Semaphore>,
    settings: LookSettings,
}

impl Looks {
    /// Nobody looks yet. No I/O.
    pub(crate) fn new(log: Log, settings: LookSettings) -> Self {
        Self { log, places: Arc::new(Semaphore::new(settings.at_once)), settings }
    }

    /// A place for one statement, as soon as there is one; `None` where none is needed.
    pub(super) async fn place(&self, filter: &EventFilter, after: Position) -> Option<SemaphorePermit<'_>> {
        if filter.order.is_some() || self.log.is_in_memory(after) {
            return None;
        }
        // They are never closed.
        self.places.acquire().await.ok()
    }

    /// Begins to look for one answer.
    pub(super) fn begin<'a>(&'a self, filter: &'a EventFilter) -> Search<'a> {
        Search { looks: self, filter, begun: Instant::now(), has_some: false }
    }
}

/// The looks for one answer, one after another.
pub(super) struct Search<'a> {
    looks: &'a Looks,
    filter: &'a EventFilter,
    begun: Instant,
    /// Whether a look went well, so that there is an answer.
    has_some: bool,
}

impl Search<'_> {
    /// What is found behind `after`. `None` where the answer ends there: its time is over, or the log can't be read on.
    /// What was found is not thrown away for that, as whoever asked goes on behind it.
    pub(super) async fn look<T>(
        &mut self,
        after: Position,
        look: impl Future<Output = Result<T, LogError>>,
    ) -> Result<Option<T>, Problem> {
        let LookSettings { at_most, wait_at_most, .. } = self.looks.settings;
        if !self.has_some {
            let place = timeout_at(self.begun + wait_at_most, self.looks.place(self.filter, after)).await;
            let _place = place.map_err(|_| overloaded())?;
            let found = within(look).await?;
            self.has_some = true;
            return Ok(Some(found));
        }
        if self.begun.elapsed() >= at_most {
            return Ok(None);
        }
        let further = async {
            let _place = self.looks.place(self.filter, after).await;
            look.await
        };
        match timeout_at(self.begun + at_most + LONGER_AT_MOST, further).await {
            Ok(Ok(found)) => Ok(Some(found)),
            Ok(Err(error)) => {
                tracing::warn!(%error, "an answer of the history ends where it can't be read on");
                Ok(None)
            }
            Err(_elapsed) => Ok(None),
        }
    }
}
