//! The task that handles notices as they come, and takes up what was left lying: by a process that ended, or for a provider
//! that was away.

use super::Payments;
use commands::payments::{LEASE, intents, notices};
use futures::future::join_all;
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How many are claimed at a time, so that all are through within their lease.
const BATCH: u32 = 8;
/// How often it is looked for what is due. What comes to this process is looked at on its arrival.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The pause after the database was away.
const PAUSE: Duration = Duration::from_secs(1);
/// How long work in hand may take once the program is to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How often old notices are swept.
const SWEEP_EVERY: Duration = Duration::from_secs(600);
/// How long one may take. Less than its lease.
const EACH_AT_MOST: Duration = Duration::from_secs(45);
const _: () = assert!(EACH_AT_MOST.as_secs() < LEASE.as_secs());

impl Payments {
    /// Handles what is due, until `cancel`.
    pub async fn run(&self, cancel: &CancellationToken) {
        let mut swept_at = Instant::now();
        if let Err(error) = self.count().await {
            tracing::warn!(%error, "the notices of payment providers can't be counted yet");
        }
        while !cancel.is_cancelled() {
            match with_grace(cancel, self.work_off()).await {
                Some(Ok(true)) => continue,
                Some(Ok(false)) => {}
                None => return,
                Some(Err(error)) => {
                    tracing::warn!(%error, "the notices of payment providers can't be handled; trying again");
                    cancel.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
                    continue;
                }
            }
            if swept_at.elapsed() >= SWEEP_EVERY {
                swept_at = Instant::now();
                if let Err(error) = notices::sweep(&self.0.pool, self.now()).await {
                    tracing::warn!(%error, "old notices could not be swept; the next sweep takes them");
                }
            }
            let waiting = tokio::time::timeout(LOOK_EVERY, self.0.news.notified());
            // Both news and a time-out lead to a look.
            let _ = cancel.run_until_cancelled(waiting).await;
        }
    }

    /// Handles one batch of what is due. Says whether there was any.
    ///
    /// # Errors
    /// The database is away, or refuses.
    pub async fn work_off(&self) -> Result<bool, sqlx::Error> {
        let due = notices::claim(&self.0.pool, BATCH, self.now()).await?;
        let handled = join_all(due.iter().map(|notice| bounded(self.handle(notice)))).await;
        let left = intents::claim(&self.0.pool, BATCH, self.now()).await?;
        let settled = join_all(left.iter().map(|intent| bounded(self.settle_or_later(intent)))).await;
        let found = !due.is_empty() || !left.is_empty();
        for outcome in handled.into_iter().chain(settled.into_iter().map(|outcome| outcome.map(|_| ()))) {
            outcome?;
        }
        if found {
            self.count().await?;
        }
        Ok(found)
    }

    async fn count(&self) -> Result<(), sqlx::Error> {
        let open = notices::open(&self.0.pool).await?;
        for (state, count) in [("waiting", open.waiting), ("unmatched", open.unmatched), ("stuck", open.stuck)] {
            metrics::gauge!("orders_payment_notices_open", "state" => state).set(count as f64);
        }
        Ok(())
    }
}

/// Lets work in hand come to its end when the program is to stop, but not for long: what is left is another's after its lease.
async fn with_grace<T>(cancel: &CancellationToken, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    tokio::select! {
        done = &mut work => return Some(done),
        () = cancel.cancelled() => {}
    }
    tokio::time::timeout(GRACE, work).await.ok()
}

/// What takes too long is left to its lease.
async fn bounded<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    let outcome = tokio::time::timeout(EACH_AT_MOST, work).await;
    outcome.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
}
