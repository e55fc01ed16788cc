//! How fast history is read while orders come in.
//!
//! A long export has the same PostgreSQL read for minutes that writes the orders down, and at another machine's full speed it takes a
//! core of it. So it rests the more, the more is written; where nothing is, it takes all there is.

use commands::Log;
use domain::Position;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// At so many events written in a second, it rests as long as it reads.
const RESTS_ALIKE_AT: f64 = 1_000.0;
/// The longest rest, of what was read before it: an export comes to its end also beside the busiest shop.
const MOST: f64 = 4.0;

/// What was written since it was looked last.
pub(super) struct Pace {
    head: Position,
    since: Instant,
}

impl Pace {
    /// From here on.
    pub(super) fn new(log: &Log) -> Self {
        Self { head: log.known_head(), since: Instant::now() }
    }

    /// Rests after a read that took so long, until it is to stop.
    pub(super) async fn rest(&mut self, log: &Log, took: Duration, stop: &CancellationToken) {
        let (head, now) = (log.known_head(), Instant::now());
        let written = head.0.saturating_sub(self.head.0);
        let rest = rest_after(took, written, now - self.since);
        (self.head, self.since) = (head, now);
        // Also the shortest sleep takes a millisecond, an eighth of what a read takes.
        if rest.is_zero() {
            return;
        }
        stop.run_until_cancelled(tokio::time::sleep(rest)).await;
    }
}

/// How long to rest after a read, where so many events were written in a time.
fn rest_after(took: Duration, written: u64, within: Duration) -> Duration {
    let per_second = written as f64 / within.as_secs_f64().max(f64::MIN_POSITIVE);
    took.mul_f64((per_second / RESTS_ALIKE_AT).min(MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rests_the_more_the_more_is_written_and_not_for_ever() {
        let (took, second) = (Duration::from_millis(10), Duration::from_secs(1));
        assert_eq!(rest_after(took, 0, second), Duration::ZERO);
        assert_eq!(rest_after(took, 500, second), took / 2);
        assert_eq!(rest_after(took, 1_000, second), took);
        assert_eq!(rest_after(took, 45_000, second), took * 4);
        assert_eq!(rest_after(took, 0, Duration::ZERO), Duration::ZERO);
        assert_eq!(rest_after(took, 1, Duration::ZERO), took * 4);
    }
}
