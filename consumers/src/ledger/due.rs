//! What time moves: retries that are due, leases that ran out, and the leases of the living.

use super::{Entry, LedgerError, OPEN, within_bounds};
use chrono::{DateTime, Utc};
use domain::Position;
use domain::ids::EventId;
use sqlx::{PgPool, Row};
use std::time::Duration;
use uuid::Uuid;

/// What is kept of an attempt that a crash cut off.
const CUT_OFF: &str = "the program ended while it was being sent: whether it arrived is not known";

/// Claims up to `limit` entries that are due: retries, entries no longer held, and claims whose lease ran out.
pub(crate) async fn claim_due(
    pool: &PgPool,
    consumer: &str,
    owner: Uuid,
    lease: Duration,
    limit: usize,
) -> Result<Vec<Entry>, LedgerError> {
    let which = due();
    let sql = format!(
        "WITH due AS (
             SELECT entry.id FROM consumer_ledger AS entry
              WHERE {which} LIMIT $4
                FOR UPDATE OF entry SKIP LOCKED
         )
         UPDATE consumer_ledger AS entry
            SET state = 'claimed', owner = $2, due_at = now() + make_interval(secs => $3), changed_at = now()
           FROM due WHERE entry.id = due.id
         RETURNING entry.id, event_id, recipient, aggregate_type, aggregate_id, sequence, position, attempts"
    );
    fail::fail_point!("reclaim.before");
    let statement = sqlx::query(&sql)
        .bind(consumer)
        .bind(owner)
        .bind(lease.as_secs_f64())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows = within_bounds(pool, async move |session| statement.fetch_all(session).await).await?;
    fail::fail_point!("reclaim.after");
    rows.iter().map(entry).collect::<Result<_, _>>().map_err(LedgerError::Sql)
}

/// The entry that is claimed next, and since when it is due; `None` where none is.
pub(crate) async fn first_due(pool: &PgPool, consumer: &str) -> Result<Option<(i64, DateTime<Utc>)>, LedgerError> {
    let which = due();
    let sql = format!("SELECT entry.id, entry.due_at FROM consumer_ledger AS entry WHERE {which} LIMIT 1");
    let question = sqlx::query_as(&sql).bind(consumer);
    within_bounds(pool, async move |session| question.fetch_optional(session).await).await
}

/// Which entries of `$1` are due, in the order in which they are claimed: always the same, so that while any is taken
/// the first one does not stay the first.
fn due() -> String {
    // now(), unlike clock_timestamp(), is stable within the statement, so that the index serves.
    format!(
        "entry.consumer = $1 AND entry.state IN ('claimed', 'waiting') AND entry.due_at <= now()
         AND NOT EXISTS (SELECT FROM consumer_ledger AS earlier
              WHERE earlier.consumer = entry.consumer AND earlier.aggregate_type = entry.aggregate_type
                AND earlier.aggregate_id = entry.aggregate_id AND earlier.sequence < entry.sequence
                AND earlier.state IN {OPEN})
         ORDER BY entry.due_at, entry.id"
    )
}

fn entry(row: &sqlx::postgres::PgRow) -> Result<Entry, sqlx::Error> {
    Ok(Entry {
        id: row.try_get(0)?,
        event_id: EventId(row.try_get(1)?),
        recipient: row.try_get(2)?,
        aggregate_type: row.try_get(3)?,
        aggregate_id: row.try_get(4)?,
        sequence: row.try_get::<i64, _>(5)?.unsigned_abs(),
        position: Position::from_i64(row.try_get(6)?),
        attempts: row.try_get::<i32, _>(7)?.unsigned_abs(),
    })
}

/// Marks as unknown what was being sent when its lease ran out: nobody can tell any more. Says how many.
pub(crate) async fn give_up_sending(pool: &PgPool, consumer: &str) -> Result<u64, LedgerError> {
    give_up(pool, consumer, "due_at <= now()", None).await
}

/// Takes over what any other run of the program held, without waiting for the leases: for a program that is alone on
/// its data, such as one with an embedded broker, and that has begun nothing yet. What the broker before held of dead
/// letters is forgotten: what is parked still is published again. Says how many attempts were cut off.
pub(crate) async fn take_over(pool: &PgPool, consumer: &str, owner: Uuid) -> Result<u64, LedgerError> {
    let statement = sqlx::query(
        "UPDATE consumer_ledger SET due_at = now()
          WHERE consumer = $1 AND state = 'claimed' AND owner <> $2 AND due_at < 'infinity'",
    )
    .bind(consumer)
    .bind(owner);
    within_bounds(pool, async move |session| statement.execute(session).await).await?;
    let letters = sqlx::query(
        "WITH freed AS (UPDATE consumer_letters SET owner = NULL, due_at = now() WHERE consumer = $1)
         INSERT INTO consumer_letters (consumer, parked_at, entry_id, attempts, reason, due_at)
         SELECT consumer, changed_at, id, attempts, reason, now() FROM consumer_ledger
          WHERE consumer = $1 AND state = 'parked'
         ON CONFLICT ON CONSTRAINT consumer_letters_parking DO NOTHING",
    );
    within_bounds(pool, async move |session| letters.bind(consumer).execute(session).await).await?;
    give_up(pool, consumer, "owner <> $3", Some(owner)).await
}

async fn give_up(pool: &PgPool, consumer: &str, which: &str, owner: Option<Uuid>) -> Result<u64, LedgerError> {
    let sql = format!(
        "WITH cut_off AS (
             UPDATE consumer_ledger
                SET state = 'unknown', due_at = 'infinity', reason = $2, attempts = attempts + 1, tries = tries + 1,
                    changed_at = now()
              WHERE consumer = $1 AND state = 'sending' AND {which}
             RETURNING id, tries, consumer, aggregate_type, aggregate_id, sequence
         ), tried AS (
             INSERT INTO consumer_attempts (entry_id, try, at, state, answer)
             SELECT id, tries, now(), 'unknown', $2 FROM cut_off
             ON CONFLICT ON CONSTRAINT consumer_attempts_try DO NOTHING
         ), released AS (
             UPDATE consumer_ledger AS later
                SET due_at = now()
               FROM cut_off
              WHERE later.consumer = cut_off.consumer AND later.aggregate_type = cut_off.aggregate_type
                AND later.aggregate_id = cut_off.aggregate_id AND later.sequence > cut_off.sequence
                AND later.state = 'waiting' AND later.due_at = 'infinity'
         )
         SELECT count(*) FROM cut_off"
    );
    let mut query = sqlx::query_scalar::<_, i64>(&sql).bind(consumer).bind(CUT_OFF);
    if let Some(owner) = owner {
        query = query.bind(owner);
    }
    Ok(within_bounds(pool, async move |session| query.fetch_one(session).await).await?.unsigned_abs())
}

/// Prolongs the leases of those of the entries that this run has claimed and not begun to send. What is locked is just
/// being moved on: it needs no longer lease, and waiting for it while holding others would end in a deadlock.
pub(crate) async fn renew(pool: &PgPool, owner: Uuid, lease: Duration, ids: &[i64]) -> Result<(), LedgerError> {
    let statement = sqlx::query(
        "UPDATE consumer_ledger SET due_at = now() + make_interval(secs => $3)
          WHERE id IN (SELECT id FROM consumer_ledger WHERE id = ANY($1) AND owner = $2 AND state = 'claimed'
                          FOR UPDATE SKIP LOCKED)",
    )
    .bind(ids)
    .bind(owner)
    .bind(lease.as_secs_f64());
    within_bounds(pool, async move |session| statement.execute(session).await).await?;
    Ok(())
}

/// Gives back what this run has claimed and not begun, so that nobody waits for its leases.
pub(crate) async fn give_back(pool: &PgPool, consumer: &str, owner: Uuid) -> Result<u64, LedgerError> {
    let statement = sqlx::query(
        "UPDATE consumer_ledger SET state = 'waiting', due_at = now(), changed_at = now()
          WHERE consumer = $1 AND owner = $2 AND state = 'claimed' AND due_at < 'infinity'",
    )
    .bind(consumer)
    .bind(owner);
    Ok(within_bounds(pool, async move |session| statement.execute(session).await).await?.rows_affected())
}
