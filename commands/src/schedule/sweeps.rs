//! Sweeping what is kept for a while only.

use super::Schedule;
use super::task::{Done, Failure, Retry, Run, Task};
use crate::{idempotency, members, shop, staff, subscribers};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::time::Duration;

/// How often it is swept.
const EVERY: Duration = Duration::from_secs(600);
const AT_MOST: Duration = Duration::from_secs(300);
/// What one sweep leaves the next one takes: there is no need to insist.
const INSIST: Retry = Retry { first: Duration::from_secs(10), longest: Duration::from_secs(60), attempts: 3 };

/// Deletes answers kept under idempotency keys, links that nobody followed, sessions and carts that expired, and jobs
/// that have ended, once they are old enough.
#[derive(Debug)]
pub struct Sweep {
    schedule: Schedule,
}

impl Sweep {
    /// Sweeps the database of this schedule.
    pub fn new(schedule: Schedule) -> Self {
        Self { schedule }
    }
}

impl Task for Sweep {
    fn name(&self) -> &'static str {
        "sweep"
    }

    fn every(&self) -> Option<Duration> {
        Some(EVERY)
    }

    fn at_most(&self) -> Duration {
        AT_MOST
    }

    fn retry(&self) -> Retry {
        INSIST
    }

    fn run<'r>(&'r self, run: &'r mut Run) -> BoxFuture<'r, Result<Done, Failure>> {
        async move {
            let answers = idempotency::sweep(run.pool()).await?;
            let links = members::sweep(run.pool(), run.now()).await?
                + subscribers::sweep(run.pool(), run.now()).await?
                + staff::sweep(run.pool(), run.now()).await?;
            let shop::Swept { sessions, carts, begun } = shop::sweep(run.pool(), run.now()).await?;
            let jobs = self.schedule.sweep().await?;
            tracing::debug!(answers, links, sessions, carts, begun, jobs, "swept");
            Ok(Done::plainly())
        }
        .boxed()
    }
}
