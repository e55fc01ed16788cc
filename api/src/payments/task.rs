//! The tasks that handle notices as they come, and take up what was left lying: by a process that ended, or for a
//! provider that was away or has not made up its mind.
//!
//! Notices and payments are gone through each on their own: while a provider is silent, what it told before is handled.

use super::Payments;
use super::provider::ASK_AT_MOST;
use commands::payments::{LEASE, intents, notices, open};
use futures::FutureExt;
use futures::future::join_all;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How many are claimed at a time, so that all are through within their lease.
const BATCH: u32 = 8;
/// How often it is looked for what is due. Notices that come to this process are looked at on their arrival.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The pause after the database was away.
const PAUSE: Duration = Duration::from_secs(1);
/// How long work in hand may take once the program is to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How often old notices are swept, and all is counted.
const TEND_EVERY: Duration = Duration::from_secs(600);
/// How long one may take: a provider that is asked for as long as it may be, and the database. After that there is time
/// to write down that it took too long, before the lease is over.
const EACH_AT_MOST: Duration = Duration::from_secs(50);
const _: () = assert!(ASK_AT_MOST.as_secs() + 10 <= EACH_AT_MOST.as_secs());
const _: () = assert!(EACH_AT_MOST.as_secs() + 5 <= LEASE.as_secs());

/// What is gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// What providers told.
    Notices,
    /// What customers agreed to.
    Payments,
}

impl Payments {
    /// Handles what is due, until `cancel`.
    pub async fn run(&self, cancel: &CancellationToken) {
        tokio::join!(self.go_through(Due::Notices, cancel), self.go_through(Due::Payments, cancel));
    }

    async fn go_through(&self, due: Due, cancel: &CancellationToken) {
        let mut tended_at = None;
        while !cancel.is_cancelled() {
            if tended_at.is_none_or(|at: Instant| at.elapsed() >= TEND_EVERY) {
                tended_at = Some(Instant::now());
                if let Err(error) = self.tend(due).await {
                    tracing::warn!(%error, ?due, "payments can't be counted now, or old notices not swept");
                }
            }
            match with_grace(cancel, self.batch(due)).await {
                Some(Ok(true)) => continue,
                Some(Ok(false)) => {}
                None => return,
                Some(Err(error)) => {
                    tracing::warn!(%error, ?due, "payments can't be handled; trying again");
                    cancel.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
                    continue;
                }
            }
            let news = async {
                match due {
                    Due::Notices => self.0.news.notified().await,
                    Due::Payments => std::future::pending().await,
                }
            };
            // Both news and a time-out lead to a look.
            let _ = cancel.run_until_cancelled(tokio::time::timeout(LOOK_EVERY, news)).await;
        }
    }

    /// Handles one batch of what is due, of notices and of payments. Says whether there was any.
    ///
    /// # Errors
    /// The database is away, or refuses.
    pub async fn work_off(&self) -> Result<bool, sqlx::Error> {
        let notices = self.batch(Due::Notices).await?;
        Ok(self.batch(Due::Payments).await? || notices)
    }

    async fn batch(&self, due: Due) -> Result<bool, sqlx::Error> {
        let (pool, now) = (&self.0.pool, self.now());
        let outcomes: Vec<Result<(), sqlx::Error>> = match due {
            Due::Notices => {
                let claimed = notices::claim(pool, BATCH, now).await?;
                join_all(claimed.iter().map(|notice| self.handle(notice))).await
            }
            Due::Payments => {
                let claimed = intents::claim(pool, BATCH, now).await?;
                let settle = |intent| async move { self.settle_or_later(intent).await.map(drop) };
                join_all(claimed.iter().map(settle)).await
            }
        };
        let found = !outcomes.is_empty();
        outcomes.into_iter().collect::<Result<(), _>>()?;
        if found {
            self.count(due).await?;
        }
        Ok(found)
    }

    async fn tend(&self, due: Due) -> Result<(), sqlx::Error> {
        if due == Due::Notices {
            // What can't be swept is swept the next time; what is open is told all the same.
            let swept = notices::sweep(&self.0.pool, self.now()).await;
            self.count(due).await?;
            return swept.map(drop);
        }
        self.count(due).await
    }

    async fn count(&self, due: Due) -> Result<(), sqlx::Error> {
        match due {
            Due::Notices => {
                let open = notices::open(&self.0.pool).await?;
                for (state, count) in [("waiting", open.waiting), ("unmatched", open.unmatched), ("stuck", open.stuck)]
                {
                    metrics::gauge!("orders_payment_notices_open", "state" => state).set(count as f64);
                }
            }
            Due::Payments => {
                let open = open::count(&self.0.pool, self.now()).await?;
                for (state, count) in [
                    ("settling", open.settling),
                    ("pending", open.pending),
                    ("pending_long", open.pending_long),
                    ("failed", open.failed),
                ] {
                    metrics::gauge!("orders_payments_open", "state" => state).set(count as f64);
                }
            }
        }
        Ok(())
    }
}

/// Lets work in hand come to its end when the program is to stop, but not for long: what is left is another's after its
/// lease.
async fn with_grace<T>(cancel: &CancellationToken, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    tokio::select! {
        done = &mut work => return Some(done),
        () = cancel.cancelled() => {}
    }
    tokio::time::timeout(GRACE, work).await.ok()
}

/// Why something came to no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It took too long.
    #[error("it took longer than {} s", EACH_AT_MOST.as_secs())]
    TooLong,
    /// It panicked.
    #[error("it panicked: the log says where")]
    Panicked,
    /// The process ended meanwhile, time and again.
    #[error("whoever was at it ended each time before saying what came of it")]
    Ended,
}

/// Carries out one piece of work, so that it neither holds up nor takes down the others, and something is written down
/// of it.
pub(super) async fn alone<T>(work: impl Future<Output = T>) -> Result<T, Broken> {
    // What it leaves behind is in the database, which knows no half of a statement.
    match tokio::time::timeout(EACH_AT_MOST, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => Err(Broken::Panicked),
        Err(_) => Err(Broken::TooLong),
    }
}
