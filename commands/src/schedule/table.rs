//! The statements of the schedule. Each is bounded, and found by an index.

use super::job::{Claimed, Decided, Job, JobState, NewJob, Next};
use super::traced;
use crate::audit::{self, Action};
use crate::db;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, PgPool};
use std::time::Duration;
use uuid::Uuid;

/// How many old jobs one statement deletes at a time, so that none holds locks for long.
const SWEEP_ROWS: i64 = 1_000;

/// What is kept of an attempt that a crash cut off while it acted outside.
const CUT_OFF: &str = "the program ended while it was being sent: whether it arrived is not known";

/// Puts a job in with that payload: its own, and what else is kept there.
pub(super) async fn put(
    session: &mut PgConnection,
    job: &NewJob<'_>,
    payload: &Value,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let put = sqlx::query(
        "INSERT INTO scheduled_jobs (task, job_key, payload, state, run_at, due_at, created_at, changed_at)
         VALUES ($1, $2, $3, 'waiting', $4, $4, $5, $5) ON CONFLICT (task, job_key) DO NOTHING",
    );
    let put = put.bind(job.task).bind(job.key).bind(payload).bind(job.run_at).bind(now);
    Ok(put.execute(session).await?.rows_affected() == 1)
}

/// When a job may be put in once more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Again {
    pub ended_before: DateTime<Utc>,
    pub now: DateTime<Utc>,
}

pub(super) async fn put_again(
    session: &mut PgConnection,
    job: &NewJob<'_>,
    payload: &Value,
    again: Again,
) -> Result<bool, sqlx::Error> {
    let put = sqlx::query(
        "INSERT INTO scheduled_jobs AS job (task, job_key, payload, state, run_at, due_at, created_at, changed_at)
         VALUES ($1, $2, $3, 'waiting', $4, $4, $5, $5)
         ON CONFLICT (task, job_key) DO UPDATE
            SET payload = excluded.payload, state = 'waiting', run_at = excluded.run_at, due_at = excluded.due_at,
                attempts = 0, last_error = NULL, decided_by = NULL, changed_at = excluded.changed_at
          WHERE job.state NOT IN ('waiting', 'running', 'sending') AND job.changed_at <= $6",
    );
    let put = put.bind(job.task).bind(job.key).bind(payload).bind(job.run_at).bind(again.now).bind(again.ended_before);
    Ok(put.execute(session).await?.rows_affected() == 1)
}

/// Makes a periodic task's job known, or gives it its new pace. One that is new is due at once.
pub(super) async fn register(
    pool: &PgPool,
    task: &'static str,
    every: Duration,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let every_s = i64::try_from(every.as_secs()).unwrap_or(i64::MAX).max(1);
    let register = sqlx::query(
        "INSERT INTO scheduled_jobs AS job
             (task, job_key, payload, every_s, state, run_at, due_at, created_at, changed_at)
         VALUES ($1, '', '{}', $2, 'waiting', $3, $3, $3, $3)
         ON CONFLICT (task, job_key) DO UPDATE SET every_s = excluded.every_s
          WHERE job.every_s IS DISTINCT FROM excluded.every_s",
    );
    let register = register.bind(task).bind(every_s).bind(now);
    db::ask(pool, async |session| register.execute(session).await).await.map(drop)
}

/// Claims up to `limit` jobs of these tasks that are due, or whose lease ran out, each for as long as its task's lease.
pub(super) async fn claim(
    pool: &PgPool,
    leases: &[(&'static str, Duration)],
    limit: usize,
    now: DateTime<Utc>,
) -> Result<Vec<Claimed>, sqlx::Error> {
    let claim = sqlx::query_as(
        "WITH due AS (
             SELECT id FROM scheduled_jobs
              WHERE state IN ('waiting', 'running') AND due_at <= $3 AND task = ANY($1)
              ORDER BY due_at, id LIMIT $4
                FOR UPDATE SKIP LOCKED)
         UPDATE scheduled_jobs AS job
            SET state = 'running', owner = gen_random_uuid(), attempts = job.attempts + 1, changed_at = $3,
                due_at = $3 + make_interval(secs => lease.seconds)
           FROM due, unnest($1::text[], $2::float8[]) AS lease (task, seconds)
          WHERE job.id = due.id AND lease.task = job.task
         RETURNING job.id, job.task, job.job_key, job.payload, job.every_s, job.run_at, job.attempts, job.owner",
    );
    let claim = claim
        .bind(db::column(leases, |(task, _)| *task))
        .bind(db::column(leases, |(_, lease)| lease.as_secs_f64()))
        .bind(now)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let mut claimed: Vec<Claimed> = db::ask(pool, async |session| claim.fetch_all(session).await).await?;
    for job in &mut claimed {
        job.traceparent = traced::take(&mut job.payload);
    }
    Ok(claimed)
}

/// Marks as unknown what acted outside when its lease ran out: nobody can tell any more. A periodic job goes on with
/// its next run, due at once. Says how many there were.
pub(super) async fn give_up_sending(
    pool: &PgPool,
    tasks: &[&'static str],
    now: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let give_up = sqlx::query(
        "UPDATE scheduled_jobs
            SET state = CASE WHEN every_s IS NULL THEN 'unknown' ELSE 'waiting' END,
                due_at = CASE WHEN every_s IS NULL THEN NULL ELSE $2 END,
                owner = NULL, last_error = $3, last_run_at = $2, changed_at = $2
          WHERE state = 'sending' AND due_at <= $2 AND task = ANY($1)",
    );
    let give_up = give_up.bind(tasks.to_vec()).bind(now).bind(CUT_OFF);
    Ok(db::ask(pool, async |session| give_up.execute(session).await).await?.rows_affected())
}

/// Says whether the job is still this attempt's.
pub(super) async fn sending(
    pool: &PgPool,
    id: i64,
    owner: Uuid,
    lease_ends: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let sending = sqlx::query(
        "UPDATE scheduled_jobs SET state = 'sending', due_at = $3, changed_at = $4
          WHERE id = $1 AND owner = $2 AND state = 'running'",
    );
    let sending = sending.bind(id).bind(owner).bind(lease_ends).bind(now);
    Ok(db::ask(pool, async |session| sending.execute(session).await).await?.rows_affected() == 1)
}

/// Writes what came of an attempt. Says whether the job was still its own. Doing it twice is doing it once.
pub(super) async fn finish(pool: &PgPool, job: &Claimed, next: &Next, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    // What goes on stays in its trace.
    let traceparent = job.traceparent.as_deref().filter(|_| next.state != JobState::Done);
    let payload = next.payload.as_ref().map(|payload| traced::with(payload, traceparent));
    let finish = sqlx::query(
        "UPDATE scheduled_jobs
            SET state = $3, due_at = $4, run_at = $5, payload = coalesce($6, payload), last_error = $7,
                attempts = CASE WHEN $8 THEN 0 ELSE attempts END, owner = NULL, last_run_at = $9, changed_at = $9
          WHERE id = $1 AND owner = $2",
    );
    let finish = finish
        .bind(job.id)
        .bind(job.owner)
        .bind(next.state.as_str())
        .bind(next.due_at)
        .bind(next.run_at)
        .bind(payload)
        .bind(next.last_error.as_deref())
        .bind(next.starts_over)
        .bind(now);
    Ok(db::ask(pool, async |session| finish.execute(session).await).await?.rows_affected() == 1)
}

pub(super) async fn list(pool: &PgPool, after: i64, limit: u32, all: bool) -> Result<Vec<Job>, sqlx::Error> {
    // Two texts, as the index of those that are open serves only a condition that says so.
    let open = if all { "" } else { "AND state NOT IN ('done', 'cancelled')" };
    let sql = format!("SELECT * FROM scheduled_jobs WHERE id > $1 {open} ORDER BY id LIMIT $2");
    db::read(pool, async |session| sqlx::query_as(&sql).bind(after).bind(i64::from(limit)).fetch_all(session).await)
        .await
}

pub(super) async fn of_keys(pool: &PgPool, task: &str, keys: &[String]) -> Result<Vec<Job>, sqlx::Error> {
    db::read(pool, async |session| {
        let find = sqlx::query_as("SELECT * FROM scheduled_jobs WHERE task = $1 AND job_key = ANY($2)");
        find.bind(task).bind(keys).fetch_all(session).await
    })
    .await
}

pub(super) async fn cancel(pool: &PgPool, id: i64, who: &str, now: DateTime<Utc>) -> Result<Decided, sqlx::Error> {
    decide(
        pool,
        "UPDATE scheduled_jobs
            SET state = 'cancelled', due_at = NULL, owner = NULL, decided_by = $2, changed_at = $3,
                payload = CASE WHEN every_s IS NULL THEN '{}' ELSE payload END
          WHERE id = $1 AND state IN ('waiting', 'running', 'failed', 'unknown')
         RETURNING task",
        Decision { id, who, now, action: "schedule.cancel" },
    )
    .await
}

pub(super) async fn run_now(pool: &PgPool, id: i64, who: &str, now: DateTime<Utc>) -> Result<Decided, sqlx::Error> {
    decide(
        pool,
        "UPDATE scheduled_jobs
            SET state = 'waiting', due_at = $3, attempts = 0, decided_by = $2, changed_at = $3
          WHERE id = $1
            AND (state IN ('waiting', 'failed', 'unknown') OR (state = 'cancelled' AND every_s IS NOT NULL))
         RETURNING task",
        Decision { id, who, now, action: "schedule.run" },
    )
    .await
}

/// What somebody decides about a job.
struct Decision<'a> {
    id: i64,
    who: &'a str,
    now: DateTime<Utc>,
    action: &'static str,
}

/// Carries out a decision, and writes it down in the same transaction.
async fn decide(pool: &PgPool, sql: &str, decision: Decision<'_>) -> Result<Decided, sqlx::Error> {
    db::ask(pool, async |session| {
        let mut transaction = session.begin().await?;
        let decide = sqlx::query_scalar(sql).bind(decision.id).bind(decision.who).bind(decision.now);
        let task: Option<String> = decide.fetch_optional(&mut *transaction).await?;
        let Some(task) = task else { return Ok(Decided::NotPossible) };
        let target = decision.id.to_string();
        let action =
            Action { arguments: json!({ "task": task }), ..Action::done(decision.who, decision.action, &target) };
        audit::append(&mut transaction, &action).await?;
        transaction.commit().await?;
        Ok(Decided::Done)
    })
    .await
}

/// Empties what jobs need to know that ended badly before `before` and that nobody decided on since: it may be
/// personal. That they failed stays to be seen. Returns how many.
pub(super) async fn forget(pool: &PgPool, before: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let forget = sqlx::query(
        "UPDATE scheduled_jobs SET payload = '{}'
          WHERE id = ANY(ARRAY(
              SELECT id FROM scheduled_jobs
               WHERE state NOT IN ('done', 'cancelled') AND state IN ('failed', 'unknown') AND changed_at < $1
                 AND payload <> '{}' AND every_s IS NULL
               ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED))",
    );
    let forget = forget.bind(before).bind(SWEEP_ROWS);
    Ok(db::ask(pool, async |session| forget.execute(session).await).await?.rows_affected())
}

/// Deletes what ended well, or was cancelled, before `before`; returns how many.
pub(super) async fn sweep(pool: &PgPool, before: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let late = "DELETE FROM scheduled_jobs WHERE id = ANY(ARRAY(
             SELECT id FROM scheduled_jobs
              WHERE state IN ('done', 'cancelled') AND changed_at < $1 AND every_s IS NULL
              ORDER BY changed_at LIMIT $2 FOR UPDATE SKIP LOCKED))";
    db::sweep(pool, late, before, SWEEP_ROWS).await
}
