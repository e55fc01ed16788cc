//! What commands came to in this process, and how long they took: for people who look now, beside what is counted for
//! Prometheus.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Each power of two of microseconds is divided into so many parts: a duration is known to an eighth.
const PARTS: usize = 8;
const PARTS_BITS: u32 = PARTS.trailing_zeros();
/// About a minute; what takes longer counts as that.
const LONGEST_BITS: u32 = 26;
const BUCKETS: usize = PARTS + (LONGEST_BITS - PARTS_BITS) as usize * PARTS;

/// Counts since the process began. It never grows, and takes no lock.
#[derive(Debug)]
pub struct Meter {
    accepted: AtomicU64,
    not_accepted: AtomicU64,
    batches: AtomicU64,
    batch_commands: AtomicU64,
    batch_events: AtomicU64,
    latency: [AtomicU64; BUCKETS],
}

/// The counts of a [`Meter`] at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Commands that were carried out, now or before under the same key.
    pub accepted: u64,
    /// All others: refused, or what became of them is not known.
    pub not_accepted: u64,
    /// Batches that were written.
    pub batches: u64,
    /// Their commands.
    pub batch_commands: u64,
    /// Their events.
    pub batch_events: u64,
    latency: [u64; BUCKETS],
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            accepted: AtomicU64::default(),
            not_accepted: AtomicU64::default(),
            batches: AtomicU64::default(),
            batch_commands: AtomicU64::default(),
            batch_events: AtomicU64::default(),
            latency: [const { AtomicU64::new(0) }; BUCKETS],
        }
    }
}

impl Default for Reading {
    fn default() -> Self {
        Meter::default().read()
    }
}

impl Meter {
    /// Counts a command that was carried out.
    pub(crate) fn accepted(&self, took: Duration) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.latency[bucket(took)].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one that was not.
    pub(crate) fn not_accepted(&self) {
        self.not_accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a batch that is on disk.
    pub(crate) fn written(&self, commands: u64, events: u64) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.batch_commands.fetch_add(commands, Ordering::Relaxed);
        self.batch_events.fetch_add(events, Ordering::Relaxed);
    }

    /// The counts at this moment.
    pub fn read(&self) -> Reading {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Reading {
            accepted: read(&self.accepted),
            not_accepted: read(&self.not_accepted),
            batches: read(&self.batches),
            batch_commands: read(&self.batch_commands),
            batch_events: read(&self.batch_events),
            latency: std::array::from_fn(|index| read(&self.latency[index])),
        }
    }
}

impl Reading {
    /// What was counted since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let minus = |now: u64, then: u64| now.saturating_sub(then);
        Self {
            accepted: minus(self.accepted, earlier.accepted),
            not_accepted: minus(self.not_accepted, earlier.not_accepted),
            batches: minus(self.batches, earlier.batches),
            batch_commands: minus(self.batch_commands, earlier.batch_commands),
            batch_events: minus(self.batch_events, earlier.batch_events),
            latency: std::array::from_fn(|index| minus(self.latency[index], earlier.latency[index])),
        }
    }

    /// How long the given share (0 to 1) of the commands that were carried out took at most, to an eighth; `None` where
    /// there was none.
    pub fn latency(&self, share: f64) -> Option<Duration> {
        let total: u64 = self.latency.iter().sum();
        let wanted = ((total as f64) * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        let found = self.latency.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        found.filter(|_| total > 0).map(longest_in)
    }
}

/// Durations below [`PARTS`] microseconds have a bucket each; above, each power of two has [`PARTS`].
fn bucket(took: Duration) -> usize {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).clamp(1, (1 << LONGEST_BITS) - 1);
    let power = micros.ilog2();
    if power < PARTS_BITS {
        return micros as usize;
    }
    let shift = power - PARTS_BITS;
    PARTS + shift as usize * PARTS + ((micros >> shift) as usize - PARTS)
}

/// The longest duration that falls into a bucket.
fn longest_in(bucket: usize) -> Duration {
    let Some(above) = bucket.checked_sub(PARTS) else { return Duration::from_micros(bucket as u64) };
    let (shift, part) = (above / PARTS, above % PARTS);
    Duration::from_micros((((PARTS + part + 1) as u64) << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_known_to_an_eighth() {
        let mut micros = 1;
        while micros < 1 << LONGEST_BITS {
            let longest = longest_in(bucket(Duration::from_micros(micros))).as_micros();
            let allowed = u128::from(micros) + u128::from(micros) / PARTS as u128;
            assert!((u128::from(micros)..=allowed).contains(&longest), "{micros} became {longest}");
            micros += 1 + micros / 7;
        }
        assert_eq!(bucket(Duration::from_secs(3_600)), BUCKETS - 1);
    }

    #[test]
    fn what_was_counted_before_does_not_count() {
        let meter = Meter::default();
        assert_eq!(meter.read().latency(0.5), None);
        meter.accepted(Duration::from_secs(9));
        let before = meter.read();
        for millis in 1..=100 {
            meter.accepted(Duration::from_millis(millis));
        }
        meter.not_accepted();
        meter.written(3, 12);
        let since = meter.read().since(&before);
        assert_eq!((since.accepted, since.not_accepted), (100, 1));
        assert_eq!((since.batches, since.batch_commands, since.batch_events), (1, 3, 12));
        for (share, millis) in [(0.5, 50), (0.99, 99), (1.0, 100)] {
            let latency = since.latency(share).map(|latency| latency.as_millis());
            assert!(
                latency.is_some_and(|latency| (millis..=millis * 9 / 8).contains(&latency)),
                "{share}: {latency:?}"
            );
        }
    }
}
