//! How fast history is read while orders come in. Over HTTP and on the command line alike.
//!
//! A long export has the same PostgreSQL read for minutes that writes the orders down, and at another machine's full
//! speed it takes a core of it. So it rests the more, the more is written; where nothing is, it takes all there is.

use domain::Position;
use std::time::Duration;
use tokio::time::Instant;

/// At so many events written in a second, it rests as long as it works: as it reads, and makes something of that.
const RESTS_ALIKE_AT: f64 = 1_000.0;
/// The longest rest, of the work before it: an export comes to its end also beside the busiest shop.
const MOST: f64 = 4.0;
/// And however long the work took: where its lines go into a pipe, that may be the time of a slow reader.
const REST_AT_MOST: Duration = Duration::from_secs(1);

/// What was written since it was looked last, and what is still to be rested for.
pub(crate) struct Pace {
    head: Position,
    since: Instant,
    /// How long the last read took, without what it waited for, and what was made of it.
    took: Duration,
}

impl Pace {
    /// From here on, where the log is known to reach to `head`.
    pub(crate) fn new(head: Position) -> Self {
        Self { head, since: Instant::now(), took: Duration::ZERO }
    }

    /// Takes note of a read.
    pub(crate) fn took(&mut self, took: Duration) {
        self.took = took;
    }

    /// Takes note of what was made of it: that takes of the same cores. Where the read owes no rest, nor does this.
    pub(crate) fn made_of_it(&mut self, took: Duration) {
        if !self.took.is_zero() {
            self.took += took;
        }
    }

    /// Rests for the last read, where the log is known to reach to `head` by now. Whoever does not wait until the end
    /// owes nothing more.
    pub(crate) async fn rest(&mut self, head: Position) {
        let (took, now) = (std::mem::take(&mut self.took), Instant::now());
        let written = head.0.saturating_sub(self.head.0);
        let rest = rest_after(took, written, now - self.since);
        (self.head, self.since) = (head, now);
        // Also the shortest sleep takes a millisecond, an eighth of what a read takes.
        if !rest.is_zero() {
            tokio::time::sleep(rest).await;
        }
    }
}

/// How long to rest after a read, where so many events were written in a time.
fn rest_after(took: Duration, written: u64, within: Duration) -> Duration {
    let per_second = written as f64 / within.as_secs_f64().max(f64::MIN_POSITIVE);
    took.mul_f64((per_second / RESTS_ALIKE_AT).min(MOST)).min(REST_AT_MOST)
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
        assert_eq!(rest_after(Duration::from_secs(60), 45_000, second), second, "who reads it was slow");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_made_of_a_read_is_rested_for_too() {
        let (started, mut pace) = (Instant::now(), Pace::new(Position(7)));
        let made = Duration::from_millis(100);
        tokio::time::advance(made).await;
        pace.made_of_it(made);
        pace.rest(Position(7 + 100)).await;
        assert_eq!(started.elapsed(), made, "what owes no rest");
        tokio::time::advance(2 * made).await;
        pace.took(made);
        pace.made_of_it(made);
        pace.rest(Position(7 + 100 + 200)).await;
        // Tokio's clock counts in milliseconds, and wakes in the one behind.
        assert_eq!(started.elapsed().as_millis() / 10, (3 + 2) * 10);
    }

    #[tokio::test(start_paused = true)]
    async fn each_read_is_rested_for_once_and_by_what_was_written_meanwhile() {
        let (started, mut pace) = (Instant::now(), Pace::new(Position(7)));
        pace.rest(Position(7)).await;
        assert_eq!(started.elapsed(), Duration::ZERO, "before the first read there is nothing to rest for");
        tokio::time::advance(Duration::from_secs(1)).await;
        pace.took(Duration::from_millis(100));
        let read = Instant::now();
        pace.rest(Position(7 + 2_000)).await;
        assert_eq!(read.elapsed().as_millis() / 10, 20, "of 2,000 events a second");
        pace.rest(Position(7 + 90_000)).await;
        assert_eq!(read.elapsed().as_millis() / 10, 20, "nothing was read since");
        pace.took(Duration::from_millis(100));
        pace.rest(Position(7 + 90_000)).await;
        assert_eq!(read.elapsed().as_millis() / 10, 20, "nothing was written since");
    }
}
