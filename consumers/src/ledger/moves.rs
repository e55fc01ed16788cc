//! Moving entries from state to state: many at once, each by compare-and-set, and with those that they held released.

use super::{KEPT_ATTEMPTS, State};
use commands::db::column;
use sqlx::PgExecutor;
use std::time::Duration;
use uuid::Uuid;

/// One entry's step. Carried out only while the entry is in `from` and the owner's.
#[derive(Debug, Clone)]
pub(crate) struct Move {
    pub id: i64,
    pub from: State,
    pub to: State,
    /// When it is due, from now: the lease's end, or the end of a pause. `None` for a state that time does not move.
    pub due_in: Option<Duration>,
    /// What is to be kept of the attempt, in words.
    pub reason: Option<String>,
    pub message_id: Option<String>,
    /// Whether this ends an attempt that counts.
    pub ends_attempt: bool,
}

impl Move {
    pub(crate) fn new(id: i64, from: State, to: State) -> Self {
        Self { id, from, to, due_in: None, reason: None, message_id: None, ends_attempt: false }
    }
}

/// What moves came to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    /// The entries that were moved.
    pub ids: Vec<i64>,
    /// Whether entries that were held by them are due now.
    pub released: bool,
}

/// Carries out moves of `owner`'s entries, in one statement. An entry that is in `to` already counts as moved, so that
/// a statement whose reply was lost can be repeated. What counts as unknown only because its lease ran out is moved as
/// well: its owner knows better.
pub(crate) async fn apply(database: impl PgExecutor<'_>, owner: Uuid, moves: &[Move]) -> Result<Moved, sqlx::Error> {
    let rows: Vec<(i64, bool)> = sqlx::query_as(
        "WITH input AS (
             SELECT * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::float8[], $6::text[], $7::text[],
                                  $8::integer[])
                 AS input (id, from_state, to_state, due_in, reason, message_id, attempt)
         ), parked AS (
             -- Already: each parking is one letter, however often the statement is repeated.
             SELECT entry.id FROM consumer_ledger AS entry JOIN input USING (id)
              WHERE input.to_state = 'parked' AND entry.state = 'parked'
         ), moved AS (
             UPDATE consumer_ledger AS entry
                SET state = input.to_state,
                    due_at = coalesce(now() + make_interval(secs => input.due_in), 'infinity'),
                    reason = coalesce(input.reason, entry.reason),
                    message_id = coalesce(input.message_id, entry.message_id),
                    -- Once, however often the statement is repeated.
                    attempts = entry.attempts + CASE WHEN entry.state = input.from_state THEN input.attempt ELSE 0 END,
                    tries = entry.tries + CASE WHEN entry.state = input.from_state THEN input.attempt ELSE 0 END,
                    changed_at = CASE WHEN entry.state = input.to_state THEN entry.changed_at ELSE now() END
               FROM input
              WHERE entry.id = input.id AND entry.owner = $1
                AND (entry.state IN (input.from_state, input.to_state)
                     -- Given up for its lease, but its owner knows by now what became of it.
                     OR (input.from_state = 'sending' AND entry.state = 'unknown'))
             RETURNING entry.id, entry.consumer, entry.aggregate_type, entry.aggregate_id, entry.sequence, entry.state,
                       entry.attempts, entry.tries, entry.reason, input.attempt
         ), letters AS (
             INSERT INTO consumer_letters (consumer, parked_at, entry_id, attempts, reason, due_at)
             SELECT consumer, now(), id, attempts, reason, now() FROM moved
              WHERE state = 'parked' AND id NOT IN (SELECT id FROM parked)
         ), tried AS (
             -- How it ended well stands in the ledger itself.
             INSERT INTO consumer_attempts (entry_id, try, at, state, answer)
             SELECT id, tries, now(), state, coalesce(reason, '') FROM moved
              WHERE attempt > 0 AND state IN ('waiting', 'parked', 'unknown')
             ON CONFLICT ON CONSTRAINT consumer_attempts_try DO NOTHING
         ), forgotten AS (
             DELETE FROM consumer_attempts AS old USING moved
              WHERE moved.tries > $9 AND old.entry_id = moved.id AND old.try <= moved.tries - $9
         ), released AS (
             UPDATE consumer_ledger AS later
                SET due_at = now()
               FROM moved
              WHERE moved.state IN ('sent', 'unknown')
                AND later.consumer = moved.consumer AND later.aggregate_type = moved.aggregate_type
                AND later.aggregate_id = moved.aggregate_id AND later.sequence > moved.sequence
                AND later.state = 'waiting' AND later.due_at = 'infinity'
             RETURNING later.id
         )
         SELECT id, EXISTS (SELECT FROM released) FROM moved",
    )
    .bind(owner)
    .bind(column(moves, |step| step.id))
    .bind(column(moves, |step| step.from.as_str()))
    .bind(column(moves, |step| step.to.as_str()))
    .bind(column(moves, |step| step.due_in.map(|due_in| due_in.as_secs_f64())))
    .bind(column(moves, |step| step.reason.as_deref()))
    .bind(column(moves, |step| step.message_id.as_deref()))
    .bind(column(moves, |step| i32::from(step.ends_attempt)))
    .bind(KEPT_ATTEMPTS)
    .fetch_all(database)
    .await?;
    Ok(Moved {
        released: rows.iter().any(|(_, released)| *released),
        ids: rows.into_iter().map(|(id, _)| id).collect(),
    })
}
