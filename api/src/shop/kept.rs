//! What was read of the views, kept in memory while it holds.
//!
//! What was read is of a position of the log. It holds as long as no event that could change it is known behind that
//! position, and no longer than [`LASTS`], as the news of such an event can be lost on its way from another process. So
//! nothing has to be taken out when something changes, and what is read at that very moment is kept or not by what it
//! is of, not by when it comes.

use crate::problem::{Problem, within};
use domain::Position;
use futures::future::BoxFuture;
use quick_cache::Weighter;
use quick_cache::sync::{Cache, EntryAction, EntryResult};
use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long what was read is kept at most.
pub(super) const LASTS: Duration = Duration::from_secs(10);
/// How long it is kept while the view does not keep up with the log.
const LASTS_BEHIND: Duration = Duration::from_secs(1);
/// What an entry takes besides what was read.
const OVERHEAD_BYTES: u64 = 256;

/// What was read, each under its key; bounded by its bytes.
pub(super) struct Kept<K, V> {
    name: &'static str,
    cache: Cache<K, Entry<V>, Bytes>,
}

/// What was read.
pub(super) struct Entry<V> {
    value: Arc<V>,
    bytes: u64,
    /// What could change it up to here is in it, or the view could not be had further.
    up_to: Position,
    until: Instant,
}

impl<V> Clone for Entry<V> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), ..*self }
    }
}

impl<V> Entry<V> {
    /// Of a view that holds everything up to `up_to`, read `age` ago.
    pub(super) fn new(value: V, bytes: usize, up_to: Position, age: Duration) -> Self {
        let until = Instant::now() + LASTS.saturating_sub(age);
        Self { value: Arc::new(value), bytes: bytes as u64 + OVERHEAD_BYTES, up_to, until }
    }

    /// Of a view that did not come as far as `up_to` in time: better than to have everyone wait for it.
    pub(super) fn behind(value: V, bytes: usize, up_to: Position) -> Self {
        let until = Instant::now() + LASTS_BEHIND;
        Self { until, ..Self::new(value, bytes, up_to, LASTS) }
    }

    fn holds(&self, changed_at: Position) -> bool {
        self.up_to >= changed_at && Instant::now() < self.until
    }
}

#[derive(Debug, Clone)]
struct Bytes;

impl<K, V> Weighter<K, Entry<V>> for Bytes {
    fn weight(&self, _: &K, entry: &Entry<V>) -> u64 {
        entry.bytes
    }
}

impl<K: Hash + Eq + Clone + Send + Sync, V: Send + Sync> Kept<K, V> {
    /// For so many entries as a rule, and so many bytes at most.
    pub(super) fn new(name: &'static str, entries: usize, max_bytes: u64) -> Self {
        Self { name, cache: Cache::with_weighter(entries, max_bytes, Bytes) }
    }

    /// What is kept, if it holds everything up to `changed_at`; else what `read` gives. Of all who want the same at
    /// once, one reads.
    pub(super) async fn get<'r>(
        &'r self,
        key: &'r K,
        changed_at: Position,
        read: impl Future<Output = Result<Entry<V>, Problem>> + Send + 'r,
    ) -> Result<Arc<V>, Problem> {
        if let Some(entry) = self.cache.get(key).filter(|entry| entry.holds(changed_at)) {
            self.count("kept");
            return Ok(entry.value);
        }
        let read: BoxFuture<'r, _> = Box::pin(self.read(key, changed_at, read));
        // The one who reads may be slow: nobody waits for longer than for a read of their own.
        within(read).await
    }

    async fn read(
        &self,
        key: &K,
        changed_at: Position,
        read: impl Future<Output = Result<Entry<V>, Problem>> + Send,
    ) -> Result<Arc<V>, Problem> {
        let entry = self.cache.entry_async(key, |_, entry| {
            if entry.holds(changed_at) {
                EntryAction::Retain(Arc::clone(&entry.value))
            } else {
                EntryAction::ReplaceWithGuard
            }
        });
        match entry.await {
            EntryResult::Retained(value) => {
                self.count("kept");
                Ok(value)
            }
            EntryResult::Vacant(place) | EntryResult::Replaced(place, _) => {
                let entry = read.await?;
                self.count("read");
                // Where it was taken out meanwhile, it is read again by the next who wants it.
                let _ = place.insert(entry.clone());
                Ok(entry.value)
            }
            // Neither is asked for above.
            EntryResult::Removed(..) | EntryResult::Timeout => Ok(read.await?.value),
        }
    }

    fn count(&self, outcome: &'static str) {
        metrics::counter!("orders_page_reads_total", "what" => self.name, "outcome" => outcome).increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Reads(AtomicU32);

    impl Reads {
        async fn at(&self, position: u64) -> Result<Entry<u64>, Problem> {
            self.0.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok(Entry::new(position, 8, Position(position), Duration::ZERO))
        }
    }

    #[tokio::test]
    async fn a_hundred_who_want_the_same_read_it_once_and_again_when_it_changed() {
        let (kept, reads) = (Kept::<String, u64>::new("test", 10, 10_000), Reads(AtomicU32::new(0)));
        let key = "a".to_owned();
        for (changed_at, expected) in [(0, 1), (3, 1), (5, 2), (5, 2)] {
            let position = if changed_at < 5 { 4 } else { 5 };
            let all = (0..100).map(|_| kept.get(&key, Position(changed_at), reads.at(position)));
            for value in futures::future::join_all(all).await {
                assert!(*value.unwrap() >= changed_at);
            }
            assert_eq!(reads.0.load(Ordering::SeqCst), expected, "changed at {changed_at}");
        }
    }

    #[tokio::test]
    async fn what_could_not_be_read_is_read_by_the_next() {
        let kept = Kept::<String, u64>::new("test", 10, 10_000);
        let (key, reads) = ("a".to_owned(), Reads(AtomicU32::new(0)));
        let failed = kept.get(&key, Position(0), async { Err(Problem::internal()) }).await;
        assert!(failed.is_err());
        assert_eq!(*kept.get(&key, Position(0), reads.at(7)).await.unwrap(), 7);
    }

    #[test]
    fn what_is_old_or_of_before_a_change_does_not_hold() {
        let new = |age| Entry::new(1, 0, Position(4), age);
        assert!(new(Duration::ZERO).holds(Position(4)) && !new(Duration::ZERO).holds(Position(5)));
        assert!(!new(LASTS).holds(Position(0)));
        assert!(Entry::behind(1, 0, Position(5)).holds(Position(5)), "for a moment");
    }
}
