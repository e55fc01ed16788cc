//! What a kind of work declares, and what it holds while it runs.

use super::job::Claimed;
use super::{later, table};
use crate::clock::Clock;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use rand::Rng;
use serde_json::Value;
use sqlx::PgPool;
use std::time::Duration;

/// A kind of work. To add one: a file with this, and a line where a role lists its tasks.
pub trait Task: Send + Sync + 'static {
    /// Its name for ever: jobs are kept under it.
    fn name(&self) -> &'static str;

    /// How much time lies between two runs, in whole seconds, of one that is done again and again. `None` for one that
    /// is done when a job is put in.
    fn every(&self) -> Option<Duration> {
        None
    }

    /// How long one attempt may take; it is ended then.
    fn at_most(&self) -> Duration;

    /// How often, and at what pace, what failed for now is tried again.
    fn retry(&self) -> Retry {
        RETRY
    }

    /// Does the work of one job. It may be cut off at any point by a crash, and is begun anew then, unless it has said
    /// by [`Run::sending`] that it acts outside.
    fn run<'r>(&'r self, run: &'r mut Run) -> BoxFuture<'r, Result<Done, Failure>>;
}

/// How often, and at what pace, what failed for now is tried again. The pauses double, are cut at random to between a
/// half and the whole, and never exceed the longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The first pause.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// How many attempts there are.
    pub attempts: u32,
}

/// For tasks that ask for nothing else: half a day.
pub const RETRY: Retry = Retry { first: Duration::from_secs(2), longest: Duration::from_secs(900), attempts: 60 };

impl Retry {
    /// The pause after an attempt, which count from 1.
    pub(super) fn pause(&self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(30);
        let whole = self.first.saturating_mul(1 << doublings).min(self.longest);
        whole.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

/// The work is done, or there was none.
#[must_use]
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Done {
    /// What the next run of a periodic job is to know; what it knew before, where nothing is said.
    pub payload: Option<Value>,
    /// When a job that is done once goes on, as it did only a part of its work. A periodic one keeps its beat.
    pub goes_on_at: Option<DateTime<Utc>>,
}

impl Done {
    /// Done, with nothing to keep of it.
    pub const fn plainly() -> Self {
        Self { payload: None, goes_on_at: None }
    }

    /// Done, and the next run is to know this.
    pub const fn keeping(payload: Value) -> Self {
        Self { payload: Some(payload), goes_on_at: None }
    }

    /// A part of the work of a job that is done once: it goes on then, and is to know this.
    pub const fn in_part(payload: Value, goes_on_at: DateTime<Utc>) -> Self {
        Self { payload: Some(payload), goes_on_at: Some(goes_on_at) }
    }
}

/// Why work is not done. Texts are kept and shown: no personal data in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// For now: it is tried again.
    Temporary(String),
    /// For good: it needs a person.
    Permanent(String),
    /// It may be done or not: the last reply was lost. It needs a person.
    Unknown(String),
    /// The job is another's by now, or was cancelled: nothing more is done here.
    Lost,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Temporary(format!("PostgreSQL: {error}"))
    }
}

/// One attempt at a job.
#[derive(Debug)]
pub struct Run {
    pub(super) job: Claimed,
    pool: PgPool,
    clock: Clock,
    lease: Duration,
    is_sending: bool,
}

impl Run {
    pub(super) fn new(job: Claimed, pool: PgPool, clock: Clock, lease: Duration) -> Self {
        Self { job, pool, clock, lease, is_sending: false }
    }

    /// The name of its task.
    pub fn task(&self) -> &str {
        &self.job.task
    }

    /// The job's key.
    pub fn key(&self) -> &str {
        &self.job.key
    }

    /// What the job needs to know.
    pub fn payload(&self) -> &Value {
        &self.job.payload
    }

    /// How often it was tried, this time included.
    pub fn attempt(&self) -> u32 {
        self.job.attempt()
    }

    /// When it was to be done.
    pub fn run_at(&self) -> DateTime<Utc> {
        self.job.run_at
    }

    /// What time it is.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The database.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Marks, durably, that the work is about to act outside. From here on a crash leaves the job `unknown`, and it is
    /// not begun anew by itself.
    pub async fn sending(&mut self) -> Result<(), Failure> {
        let (now, lease_ends) = (self.now(), later(self.now(), self.lease));
        match table::sending(&self.pool, self.job.id, self.job.owner, lease_ends, now).await {
            Ok(true) => {
                self.is_sending = true;
                Ok(())
            }
            Ok(false) => Err(Failure::Lost),
            // Whether it is written is open; nothing has begun, and the lease decides.
            Err(error) => {
                tracing::warn!(%error, task = self.job.task, "a job is put off");
                Err(Failure::Lost)
            }
        }
    }

    /// What it means that an attempt was cut short here.
    pub(super) fn cut_short(&self, why: String) -> Failure {
        if self.is_sending { Failure::Unknown(why) } else { Failure::Temporary(why) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_never_beyond() {
        for attempt in 1..=100 {
            let whole = RETRY.first.saturating_mul(2_u32.pow((attempt - 1).min(20))).min(RETRY.longest);
            let pause = RETRY.pause(attempt);
            assert!(pause <= whole && pause >= whole / 2, "{attempt}: {pause:?}");
        }
    }
}
