//! Work at a given time, and periodic work: a durable schedule in PostgreSQL.
//!
//! A job is a row. Whichever instance finds it due takes it, so each runs once among many instances; what fails is
//! tried again within bounds; what a crash cut off is taken up when its lease has run out. Why no library does this
//! here is said in `docs/decisions/0019-schedule.md`.
//!
//! - [`task`]: what a kind of work declares; one file each. [`Worker`]: carries out what is due.
//! - [`Schedule`]: puts jobs in, lists them, cancels them. [`sweeps`]: the periodic work of this crate.
//!
//! All times come from an injected clock, and none from the database's: a test moves time by moving its clock.

pub mod job;
mod summary;
pub mod sweeps;
mod table;
pub mod task;
mod traced;
mod worker;

pub use job::{Decided, Job, JobState, NewJob};
pub use summary::TaskSummary;
pub use task::{Done, Failure, Retry, Run, Task};
pub use worker::Worker;

use crate::clock::Clock;
use crate::db;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};
use std::sync::Arc;
use std::time::Duration;
use table::Again;
use tokio::sync::Notify;

/// The most jobs of one page of the list.
pub const PAGE_JOBS: u32 = 200;
/// How long a job that has ended well, or was cancelled, stays to be looked at. As long its key can't come again.
pub const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The schedule; cheap to clone.
#[derive(Debug, Clone)]
pub struct Schedule {
    pool: PgPool,
    clock: Clock,
    /// Wakes this process's worker when a job was put in here. The others find it by looking.
    put_in: Arc<Notify>,
}

impl Schedule {
    /// The schedule of this database, by this clock.
    pub fn new(pool: PgPool, clock: Clock) -> Self {
        Self { pool, clock, put_in: Arc::default() }
    }

    /// The time that it goes by.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Puts a job in, unless there is one of this task and key; says whether there was none. Durable on return.
    pub async fn put(&self, job: &NewJob<'_>) -> Result<bool, sqlx::Error> {
        let (now, payload) = (self.now(), traced::within_now(&job.payload));
        let was_new = db::ask(&self.pool, async |session| table::put(session, job, &payload, now).await).await?;
        self.put_in.notify_one();
        Ok(was_new)
    }

    /// The same in a transaction of the caller's: it is put in if that commits. It is found by the next look of a
    /// worker.
    pub async fn put_on(&self, session: &mut PgConnection, job: &NewJob<'_>) -> Result<bool, sqlx::Error> {
        put_on(session, job, self.now()).await
    }

    /// Puts a job in although there was one of this task and key, provided that it ended, and did so at least `after`
    /// ago; says whether it did.
    pub async fn put_again(&self, job: &NewJob<'_>, after: Duration) -> Result<bool, sqlx::Error> {
        let (now, payload) = (self.now(), traced::within_now(&job.payload));
        let again = Again { ended_before: earlier(now, after), now };
        let is_in = db::ask(&self.pool, async |session| table::put_again(session, job, &payload, again).await).await?;
        self.put_in.notify_one();
        Ok(is_in)
    }

    /// The jobs behind the id `after` (0 for the first page), by id: at most `limit`, and at most [`PAGE_JOBS`]. Those
    /// that ended well or were cancelled are left out unless `all`.
    pub async fn list(&self, after: i64, limit: u32, all: bool) -> Result<Vec<Job>, sqlx::Error> {
        table::list(&self.pool, after, limit.min(PAGE_JOBS), all).await
    }

    /// The jobs of a task that have these keys, in no particular order. What ended long ago may be gone.
    pub async fn of_keys(&self, task: &str, keys: &[String]) -> Result<Vec<Job>, sqlx::Error> {
        table::of_keys(&self.pool, task, keys).await
    }

    /// Cancels a job. An attempt under way goes on, unless it has yet to act outside, but there is no further one; one
    /// that is acting outside can't be called back. A periodic job stays cancelled until it is run.
    pub async fn cancel(&self, id: i64, who: &str) -> Result<Decided, sqlx::Error> {
        table::cancel(&self.pool, id, who, self.now()).await
    }

    /// Has a job run now: one that waits, that failed, or of which it is not known whether it is done; also a periodic
    /// one that was cancelled, which goes on from there.
    pub async fn run_now(&self, id: i64, who: &str) -> Result<Decided, sqlx::Error> {
        let decided = table::run_now(&self.pool, id, who, self.now()).await?;
        self.put_in.notify_one();
        Ok(decided)
    }

    /// Deletes jobs that ended well or were cancelled, once [`KEPT_FOR`] is over; returns how many. Of those that ended
    /// badly it forgets what they needed to know.
    pub async fn sweep(&self) -> Result<u64, sqlx::Error> {
        let before = earlier(self.now(), KEPT_FOR);
        table::forget(&self.pool, before).await?;
        table::sweep(&self.pool, before).await
    }
}

/// Puts a job in on a transaction of the caller's, where there is no [`Schedule`] at hand; see [`Schedule::put_on`].
pub async fn put_on(session: &mut PgConnection, job: &NewJob<'_>, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    table::put(session, job, &traced::within_now(&job.payload), now).await
}

/// The time that lies `by` before `time`; the beginning of time where there is none.
fn earlier(time: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let by = TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
    time.checked_sub_signed(by).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

/// The time that lies `by` after `time`; the end of time where there is none.
pub(crate) fn later(time: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let by = TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
    time.checked_add_signed(by).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
