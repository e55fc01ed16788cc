//! The consumer groups, looked at once for all who ask: the numbers, the watchdog, the status, the console, and
//! `/v1/ops`.

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
    /// No answer is older than a third of this, whatever looking costs: the watchdog takes what does not change for
    /// what stands.
    patience: Duration,
    /// Held by the one who looks for all who wait.
    known: tokio::sync::Mutex<Option<Known>>,
    /// The same for those who can't wait; nothing while PostgreSQL is away.
    last: Mutex<Option<Arc<Vec<Group>>>>,
    is_old: AtomicBool,
}

/// For how long an answer holds that took so long to find: no process looks for more than a twentieth of the time, as
/// long as that keeps answers younger than a third of `patience`.
pub(super) fn fresh_for(took: Duration, patience: Duration) -> Duration {
    FRESH.min(patience / 4).max(took * HOLDS_TIMES).min(patience / 3)
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
        self.look_by(async || groups::list(log).await).await
    }

    async fn look_by<E>(&self, list: impl AsyncFnOnce() -> Result<Vec<Group>, E>) -> Result<Arc<Vec<Group>>, E> {
        let mut known = self.known.lock().await;
        if self.is_old.swap(false, Ordering::Relaxed) {
            // Now, and not with the next answer: there may be none, nor anybody who still waits for it.
            *known = None;
        }
        if let Some(known) = known.as_ref().filter(|known| Instant::now() < known.until) {
            return Ok(Arc::clone(&known.groups));
        }
        let began = Instant::now();
        let found = list().await.map(Arc::new);
        *self.last() = found.as_ref().ok().map(Arc::clone);
        let groups = found?;
        let until = Instant::now() + fresh_for(began.elapsed(), self.patience);
        *known = Some(Known { groups: Arc::clone(&groups), until });
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

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    fn what_is_dear_is_asked_for_less_often() {
        let fresh_for = |took_ms| fresh_for(Duration::from_millis(took_ms), PATIENCE);
        assert_eq!([0, 50, 500, 9_000].map(fresh_for), [1, 1, 10, 20].map(Duration::from_secs));
    }

    async fn slow() -> Result<Vec<Group>, ()> {
        tokio::time::sleep(Duration::from_millis(900)).await;
        Ok(Vec::new())
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_ordered_shows_although_the_first_look_after_it_comes_to_nothing() {
        let groups = Groups::new(PATIENCE);
        let before = groups.look_by(slow).await.unwrap();
        let kept = groups.look_by(async || Err(())).await.unwrap();
        assert!(Arc::ptr_eq(&before, &kept), "it holds for 18 s");
        groups.forget();
        assert!(groups.look_by(async || Err(())).await.is_err());
        assert!(groups.known().is_none(), "how they are is not known");
        let after = groups.look_by(async || Ok::<_, ()>(Vec::new())).await.unwrap();
        assert!(!Arc::ptr_eq(&before, &after));
        groups.forget();
        let cut_off = tokio::time::timeout(Duration::from_millis(10), groups.look_by(slow)).await;
        assert!(cut_off.is_err(), "whoever asked is gone");
        let last = groups.look_by(async || Ok::<_, ()>(Vec::new())).await.unwrap();
        assert!(!Arc::ptr_eq(&after, &last));
    }
}
