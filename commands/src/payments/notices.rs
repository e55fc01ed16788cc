//! The inbox of what payment providers tell.
//!
//! A notice is here, on disk, before the provider is told that it arrived; what it leads to comes after. So nothing is
//! lost when the process ends in between, and a provider that is slow to be answered does not wait for the command.

use super::{LEASE, MAX_ATTEMPTS, again_at, later, shortened};
use crate::db;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{FromRow, PgPool};
use std::time::Duration;

/// The longest that a notice may be, in bytes.
pub const MAX_BYTES: usize = 128 << 10;
/// How long a notice is kept that has led to what it should. Providers repeat theirs for days; a payment is known by
/// its reference for ever.
pub const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How many old notices one sweep deletes at a time.
const SWEEP_ROWS: i64 = 500;

/// A notice whose signature was found right.
#[derive(Debug, Clone)]
pub struct Received<'a> {
    /// Whose it is.
    pub provider: &'a str,
    /// The provider's own id of it.
    pub notice_id: &'a str,
    /// What it tells of, in the provider's words.
    pub kind: &'a str,
    /// What its signature was checked by.
    pub headers: &'a Value,
    /// As it came.
    pub body: &'a [u8],
}

/// A notice that is to be handled.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Notice {
    /// Ours.
    pub id: i64,
    /// Whose it is.
    pub provider: String,
    /// The provider's own id of it.
    pub notice_id: String,
    /// As it came.
    pub body: Vec<u8>,
    /// Which attempt this is, from 1.
    attempts: i32,
}

/// What came of a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It led to what it should.
    Done(String),
    /// It is of no concern to us.
    Ignored(String),
    /// It is of no order of ours, and no later attempt would find one.
    Unmatched(String),
    /// Not now; it is tried again.
    Later(String),
}

/// Keeps a notice. Says whether it is the first time that it came.
pub async fn keep(pool: &PgPool, received: Received<'_>, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let Received { provider, notice_id, kind, headers, body } = received;
    let keep = sqlx::query(
        "INSERT INTO payment_notices (provider, notice_id, kind, headers, body, due_at, received_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (provider, notice_id) DO NOTHING",
    );
    let keep = keep.bind(provider).bind(notice_id).bind(kind).bind(headers).bind(body).bind(now);
    Ok(db::ask(pool, async |session| keep.execute(session).await).await?.rows_affected() == 1)
}

/// Claims notices that are due, the oldest first. One that was claimed [`MAX_ATTEMPTS`] times, and of which nobody ever
/// said what came of it, ended whoever handled it: it is `stuck`.
pub async fn claim(pool: &PgPool, most: u32, now: DateTime<Utc>) -> Result<Vec<Notice>, sqlx::Error> {
    let claim = sqlx::query_as(
        "WITH due AS (
             SELECT id, attempts >= $4 AS is_stuck FROM payment_notices WHERE state = 'waiting' AND due_at <= $1
              ORDER BY due_at, id LIMIT $3 FOR UPDATE SKIP LOCKED),
         claimed AS (
             UPDATE payment_notices AS notice
                SET attempts = CASE WHEN is_stuck THEN attempts ELSE attempts + 1 END,
                    state = CASE WHEN is_stuck THEN 'stuck' ELSE state END,
                    outcome = CASE WHEN is_stuck THEN $5 ELSE outcome END,
                    due_at = CASE WHEN is_stuck THEN 'infinity'::timestamptz ELSE $2 END,
                    handled_at = CASE WHEN is_stuck THEN $1 END
               FROM due WHERE notice.id = due.id
             RETURNING notice.id, provider, notice_id, body, attempts, is_stuck)
         SELECT id, provider, notice_id, body, attempts FROM claimed WHERE NOT is_stuck ORDER BY id",
    );
    let claim = claim.bind(now).bind(later(now, LEASE)).bind(i64::from(most)).bind(i64::from(MAX_ATTEMPTS));
    let claim = claim.bind("whoever handled it ended each time before saying what came of it");
    db::ask(pool, async |session| claim.fetch_all(session).await).await
}

/// Writes down what came of a notice.
pub async fn settle(pool: &PgPool, notice: &Notice, outcome: &Outcome, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let attempts = notice.attempts.unsigned_abs();
    let (state, reason) = match outcome {
        Outcome::Done(reason) => ("done", reason),
        Outcome::Ignored(reason) => ("ignored", reason),
        Outcome::Unmatched(reason) => ("unmatched", reason),
        Outcome::Later(reason) if attempts >= MAX_ATTEMPTS => ("stuck", reason),
        Outcome::Later(reason) => ("waiting", reason),
    };
    let settle = sqlx::query(
        "UPDATE payment_notices
            SET state = $2, outcome = $3,
                due_at = CASE $2 WHEN 'waiting' THEN $4 ELSE 'infinity'::timestamptz END,
                handled_at = CASE $2 WHEN 'waiting' THEN NULL ELSE $5 END
          WHERE id = $1 AND state = 'waiting'",
    );
    let settle = settle.bind(notice.id).bind(state).bind(shortened(reason)).bind(again_at(now, attempts)).bind(now);
    db::ask(pool, async |session| settle.execute(session).await).await.map(drop)
}

/// How many notices there are of those that somebody may have to look at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Open {
    /// Not handled yet.
    pub waiting: i64,
    /// Of no order of ours.
    pub unmatched: i64,
    /// Given up.
    pub stuck: i64,
}

/// Counts what is open.
pub async fn open(pool: &PgPool) -> Result<Open, sqlx::Error> {
    db::read(pool, async |session| {
        let count = sqlx::query_as(
            "SELECT (SELECT count(*) FROM payment_notices WHERE state = 'waiting') AS waiting,
                    (SELECT count(*) FROM payment_notices WHERE state = 'unmatched') AS unmatched,
                    (SELECT count(*) FROM payment_notices WHERE state = 'stuck') AS stuck",
        );
        count.fetch_one(session).await
    })
    .await
}

/// A notice that a person has to look at.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct OpenNotice {
    /// Whose it is.
    pub provider: String,
    /// What it is about, in the provider's words.
    pub kind: String,
    /// Why nothing came of it.
    pub outcome: Option<String>,
    /// When it came.
    pub received_at: DateTime<Utc>,
}

/// What a person has to look at, the oldest first; at most `limit`.
pub async fn to_look_at(pool: &PgPool, limit: u32) -> Result<Vec<OpenNotice>, sqlx::Error> {
    db::read(pool, async |session| {
        let read = sqlx::query_as(
            "SELECT provider, kind, outcome, received_at FROM payment_notices
              WHERE state IN ('unmatched', 'stuck') ORDER BY id LIMIT $1",
        );
        read.bind(i64::from(limit)).fetch_all(session).await
    })
    .await
}

/// Deletes notices that were handled more than [`KEPT_FOR`] ago; returns how many. What a person has to look at stays.
pub async fn sweep(pool: &PgPool, now: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let before = now.checked_sub_signed(chrono::TimeDelta::from_std(KEPT_FOR).unwrap_or_default()).unwrap_or(now);
    let late = "DELETE FROM payment_notices WHERE id = ANY(ARRAY(
             SELECT id FROM payment_notices WHERE state IN ('done', 'ignored') AND handled_at < $1
              ORDER BY handled_at LIMIT $2 FOR UPDATE SKIP LOCKED))";
    db::sweep(pool, late, before, SWEEP_ROWS).await
}
