//! The schedule in numbers.

use super::{Job, JobState, PAGE_JOBS, Schedule, earlier};
use crate::db;
use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use std::time::Duration;

/// The most jobs that are counted: beyond it a count is too low, and as alarming.
const COUNTED_JOBS: i64 = 100_000;

/// The jobs of one task in one state, of those that have not ended well and were not cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskSummary {
    /// The name of the task.
    pub task: String,
    /// Their state.
    pub state: JobState,
    /// How many there are.
    pub jobs: u64,
    /// How many of them wait although their time has come.
    pub due: u64,
    /// When the first of them is looked at next.
    pub due_at: Option<DateTime<Utc>>,
    /// How many seconds lie between two runs of a periodic one.
    pub every_s: Option<u64>,
    /// When an attempt at any of them ended last.
    pub last_run_at: Option<DateTime<Utc>>,
    /// What went wrong last with any of them.
    pub last_error: Option<String>,
}

impl<'r> FromRow<'r, PgRow> for TaskSummary {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            task: row.try_get("task")?,
            state: JobState::of(row)?,
            jobs: row.try_get::<i64, _>("jobs")?.unsigned_abs(),
            due: row.try_get::<i64, _>("due")?.unsigned_abs(),
            due_at: row.try_get("due_at")?,
            every_s: row.try_get::<Option<i64>, _>("every_s")?.map(i64::unsigned_abs),
            last_run_at: row.try_get("last_run_at")?,
            last_error: row.try_get("last_error")?,
        })
    }
}

impl Schedule {
    /// The schedule in numbers, by task and state. Counts at most 100,000 jobs.
    pub async fn summary(&self) -> Result<Vec<TaskSummary>, sqlx::Error> {
        let now = self.now();
        db::read(&self.pool, async |session| {
            // The newest error is the greatest of pairs: as texts, the times of three centuries are as long as each
            // other.
            let ask = sqlx::query_as(
                "SELECT task, state, count(*) AS jobs, min(due_at) AS due_at, max(every_s) AS every_s,
                        count(*) FILTER (WHERE state = 'waiting' AND due_at <= $2) AS due, max(last_run_at) AS last_run_at,
                        (max(ARRAY[extract(epoch FROM last_run_at)::text, last_error])
                             FILTER (WHERE last_error IS NOT NULL))[2] AS last_error
                   FROM (SELECT task, state, due_at, every_s, last_run_at, last_error FROM scheduled_jobs
                          WHERE state NOT IN ('done', 'cancelled') ORDER BY id LIMIT $1) AS open
                  GROUP BY task, state ORDER BY task, state",
            );
            ask.bind(COUNTED_JOBS).bind(now).fetch_all(session).await
        })
        .await
    }

    /// The periodic jobs that somebody cancelled, which rest until somebody has them run, by task. Tasks are few, and
    /// each is looked up in the index of keys: of what has ended there may be very much.
    pub async fn resting(&self) -> Result<Vec<Job>, sqlx::Error> {
        db::read(&self.pool, async |session| {
            let ask = sqlx::query_as(
                "WITH RECURSIVE tasks AS (
                     (SELECT task FROM scheduled_jobs ORDER BY task LIMIT 1)
                      UNION ALL
                     SELECT (SELECT task FROM scheduled_jobs WHERE task > before.task ORDER BY task LIMIT 1)
                       FROM tasks AS before WHERE before.task IS NOT NULL)
                 SELECT job.* FROM tasks JOIN scheduled_jobs AS job ON job.task = tasks.task AND job.job_key = ''
                  WHERE job.state = 'cancelled' AND job.every_s IS NOT NULL ORDER BY job.task",
            );
            ask.fetch_all(session).await
        })
        .await
    }

    /// How many jobs of each task ended well within the last `past`. Periodic ones never end. Counts at most 100,000.
    pub async fn done(&self, past: Duration) -> Result<Vec<(String, u64)>, sqlx::Error> {
        let since = earlier(self.now(), past);
        let done: Vec<(String, i64)> = db::read(&self.pool, async |session| {
            let ask = sqlx::query_as(
                "SELECT task, count(*)
                   FROM (SELECT task, state FROM scheduled_jobs
                          WHERE state IN ('done', 'cancelled') AND changed_at > $2
                          ORDER BY changed_at DESC LIMIT $1) AS ended
                  WHERE state = 'done' GROUP BY task ORDER BY task",
            );
            ask.bind(COUNTED_JOBS).bind(since).fetch_all(session).await
        })
        .await?;
        Ok(done.into_iter().map(|(task, jobs)| (task, jobs.unsigned_abs())).collect())
    }

    /// The jobs that need a person, the newest first, and behind them those under way and those that are next: at most
    /// `limit`, and at most [`PAGE_JOBS`]. Those that need a person are looked for among 100,000.
    pub async fn foremost(&self, limit: u32) -> Result<Vec<Job>, sqlx::Error> {
        db::read(&self.pool, async |session| {
            let ask = sqlx::query_as(
                "SELECT * FROM (
                     (SELECT * FROM (SELECT * FROM scheduled_jobs
                                      WHERE state NOT IN ('done', 'cancelled') ORDER BY id LIMIT $1) AS open
                       WHERE state IN ('failed', 'unknown') ORDER BY changed_at DESC, id LIMIT $2)
                     UNION ALL
                     (SELECT * FROM scheduled_jobs
                       WHERE state IN ('waiting', 'running', 'sending') ORDER BY due_at, id LIMIT $2)) AS foremost
                  ORDER BY due_at NULLS FIRST, changed_at DESC, id LIMIT $2",
            );
            ask.bind(COUNTED_JOBS).bind(i64::from(limit.min(PAGE_JOBS))).fetch_all(session).await
        })
        .await
    }
}
