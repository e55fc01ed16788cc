//! The consumer groups, looked at once for all who ask: the numbers, the watchdog, the status, the console, and `/v1/ops`.

use chrono::Utc;
use commands::Log;
use consumers::groups::{self, Group, GroupError, Lag};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How old an answer may be.
const FRESH: Duration = Duration::from_secs(1);
/// How many times as long as looking took an answer holds: whoever is far behind has many events counted.
const HOLDS_TIMES: u32 = 20;

/// What is known of the groups.
pub(super) struct Groups {
    /// No answer is older than a third of this, whatever looking costs: the watchdog takes what does not change for what stands.
    patience: Duration,
    /// Held by the one who looks for all who wait.
    known: tokio::sync::Mutex<Option<Known>>,
    /// The same for those who can't wait; nothing while PostgreSQL is away.
    last: Mutex<Option<Arc<Vec<Group>>>>,
    is_old: AtomicBool,
}

struct Known {
    groups: Arc<Vec<Group>>,
    until: Instant,
}

impl Groups {
    /// Nothing is known yet.
    pub(super) fn new(patience: Duration) -> Self {
        Self { patience, known: tokio::sync::Mutex::default(), last: Mutex::default(), is_old: AtomicBool::default() }
    }

    /// All groups, as they were at most a second ago, or longer where looking takes long.
    pub(super) async fn look(&self, log: &Log) -> Result<Arc<Vec<Group>>, GroupError> {
        let mut known = self.known.lock().await;
        let is_old = self.is_old.swap(false, Ordering::Relaxed);
        if let Some(known) = known.as_ref().filter(|known| !is_old && Instant::now() < known.until) {
            return Ok(Arc::clone(&known.groups));
        }
        let began = Instant::now();
        let found = groups::list(log, Utc::now()).await.map(Arc::new);
        *self.last() = found.as_ref().ok().map(Arc::clone);
        let groups = found?;
        let holds = FRESH.min(self.patience / 4).max(began.elapsed() * HOLDS_TIMES).min(self.patience / 3);
        *known = Some(Known { groups: Arc::clone(&groups), until: Instant::now() + holds });
        Ok(groups)
    }

    /// What was found out last, if PostgreSQL was there.
    pub(super) fn known(&self) -> Option<Arc<Vec<Group>>> {
        self.last().clone()
    }

    /// Somebody has changed something: the next look is a new one.
    pub(super) fn forget(&self) {
        self.is_old.store(true, Ordering::Relaxed);
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<Arc<Vec<Group>>>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far the group of that name is behind; `None` of one that never ran.
pub(super) fn lag_of(groups: &[Group], name: &str) -> Option<Lag> {
    let group = groups.iter().find(|group| group.name == name && !group.partitions.is_empty());
    group.map(|group| group.lag)
}
