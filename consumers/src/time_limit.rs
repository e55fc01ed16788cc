//! How long a consumer may take for one event.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// In what steps time is counted.
const STEP: Duration = Duration::from_secs(1);

/// A time limit that stands still while its holder waits for its turn: then others are at work, and the wait is no
/// fault of its own.
#[derive(Debug, Default)]
pub(crate) struct TimeLimit {
    waits: AtomicBool,
}

impl TimeLimit {
    /// What `work` comes to: while it lasts, no time is counted.
    pub(crate) async fn in_turn<T>(&self, work: impl Future<Output = T>) -> T {
        self.waits.store(true, Ordering::Relaxed);
        let done = work.await;
        self.waits.store(false, Ordering::Relaxed);
        done
    }

    /// What `work` comes to; `None` if it takes longer than `at_most`, rounded to a second where it waits.
    pub(crate) async fn keep<T>(&self, at_most: Duration, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.used_up(at_most) => None,
        }
    }

    async fn used_up(&self, mut left: Duration) {
        while !left.is_zero() {
            let step = left.min(STEP);
            tokio::time::sleep(step).await;
            if !self.waits.load(Ordering::Relaxed) {
                left -= step;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn what_hangs_is_ended_and_what_waits_for_its_turn_is_not() {
        let limit = TimeLimit::default();
        assert_eq!(limit.keep(10 * SECOND, sleep(9 * SECOND)).await, Some(()));
        assert_eq!(limit.keep(10 * SECOND, sleep(11 * SECOND)).await, None);
        let waits = async {
            sleep(5 * SECOND).await;
            limit.in_turn(sleep(3_600 * SECOND)).await;
            sleep(3 * SECOND).await;
        };
        assert_eq!(limit.keep(10 * SECOND, waits).await, Some(()));
        let hangs = async {
            limit.in_turn(sleep(3_600 * SECOND)).await;
            std::future::pending::<()>().await;
        };
        assert_eq!(limit.keep(10 * SECOND, hangs).await, None);
    }
}
