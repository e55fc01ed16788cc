//! What needs a person: effects that are parked, and those whose outcome is unknown.

use crate::ledger::{LedgerError, OPEN, State};
use chrono::{DateTime, Utc};
use domain::Position;
use domain::ids::EventId;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgPool, Row};
use uuid::Uuid;

/// The most items of one page.
pub const PAGE_ITEMS: u32 = 200;

/// An effect that needs a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// By which it is retried or discarded.
    pub id: i64,
    /// Whose effect.
    pub consumer: String,
    /// [`State::Parked`] or [`State::Unknown`].
    pub state: State,
    /// The event that calls for it.
    pub event_id: EventId,
    /// The event's type; empty for a record that is none of ours.
    pub event_type: String,
    /// The aggregate's kind.
    pub aggregate_type: String,
    /// The aggregate: an order's id.
    pub aggregate_id: String,
    /// The event's place in the log.
    pub position: Position,
    /// Whom it reaches: the subject's id, or the nil UUID.
    pub recipient: Uuid,
    /// How often it was tried.
    pub attempts: u32,
    /// What the last attempt came to.
    pub reason: Option<String>,
    /// The Message-ID, where a mail was under way.
    pub message_id: Option<String>,
    /// When Kafka handed the event over.
    pub noted_at: DateTime<Utc>,
    /// When it came into this state.
    pub since: DateTime<Utc>,
    /// How many later effects of its aggregate wait for it.
    pub holds: u64,
}

/// What a person's decision came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Decided {
    /// It is carried out.
    Done,
    /// There is no such item, or it is no longer parked or unknown.
    NotParked,
}

impl<'r> FromRow<'r, PgRow> for Parked {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let state: &str = row.try_get("state")?;
        let unknown = || sqlx::Error::ColumnDecode { index: "state".to_owned(), source: format!("`{state}`").into() };
        Ok(Self {
            id: row.try_get("id")?,
            consumer: row.try_get("consumer")?,
            state: State::parse(state).ok_or_else(unknown)?,
            event_id: EventId(row.try_get("event_id")?),
            event_type: row.try_get("event_type")?,
            aggregate_type: row.try_get("aggregate_type")?,
            aggregate_id: row.try_get("aggregate_id")?,
            position: Position::from_i64(row.try_get("position")?),
            recipient: row.try_get("recipient")?,
            attempts: row.try_get::<i32, _>("attempts")?.unsigned_abs(),
            reason: row.try_get("reason")?,
            message_id: row.try_get("message_id")?,
            noted_at: row.try_get("noted_at")?,
            since: row.try_get("changed_at")?,
            holds: row.try_get::<i64, _>("holds")?.unsigned_abs(),
        })
    }
}

/// The items behind the id `after` (0 for the first page), by id: at most `limit`, and at most [`PAGE_ITEMS`].
pub async fn list(pool: &PgPool, after: i64, limit: u32) -> Result<Vec<Parked>, LedgerError> {
    let items = sqlx::query_as(
        "SELECT entry.*, held.holds
           FROM consumer_ledger AS entry
          CROSS JOIN LATERAL (SELECT count(*) AS holds FROM consumer_ledger AS later
                WHERE entry.state = 'parked' AND later.consumer = entry.consumer
                  AND later.aggregate_type = entry.aggregate_type AND later.aggregate_id = entry.aggregate_id
                  AND later.sequence > entry.sequence AND later.state = 'waiting') AS held
          WHERE entry.state IN ('parked', 'unknown') AND entry.id > $1
          ORDER BY entry.id LIMIT $2",
    )
    .bind(after)
    .bind(i64::from(limit.min(PAGE_ITEMS)))
    .fetch_all(pool)
    .await?;
    Ok(items)
}

/// Has an effect tried again, with all its attempts before it: at once, or when what holds it is done. A mail goes out
/// with the same Message-ID as before.
pub async fn retry(pool: &PgPool, id: i64, who: &str) -> Result<Decided, LedgerError> {
    let sql = format!(
        "UPDATE consumer_ledger AS entry
            SET state = 'waiting', attempts = 0, decided_by = $2, changed_at = now(),
                due_at = CASE WHEN EXISTS (SELECT FROM consumer_ledger AS earlier
                         WHERE earlier.consumer = entry.consumer AND earlier.aggregate_type = entry.aggregate_type
                           AND earlier.aggregate_id = entry.aggregate_id AND earlier.sequence < entry.sequence
                           AND earlier.state IN {OPEN})
                    THEN 'infinity' ELSE now() END
          WHERE entry.id = $1 AND entry.state IN ('parked', 'unknown')"
    );
    let retried = sqlx::query(&sql).bind(id).bind(who).execute(pool).await?;
    Ok(if retried.rows_affected() == 1 { Decided::Done } else { Decided::NotParked })
}

/// Decides against an effect: it is never tried again, and what it held goes on.
pub async fn discard(pool: &PgPool, id: i64, who: &str) -> Result<Decided, LedgerError> {
    let discarded: i64 = sqlx::query_scalar(
        "WITH discarded AS (
             UPDATE consumer_ledger SET state = 'discarded', decided_by = $2, due_at = 'infinity', changed_at = now()
              WHERE id = $1 AND state IN ('parked', 'unknown')
             RETURNING consumer, aggregate_type, aggregate_id, sequence
         ), released AS (
             UPDATE consumer_ledger AS later SET due_at = now()
               FROM discarded
              WHERE later.consumer = discarded.consumer AND later.aggregate_type = discarded.aggregate_type
                AND later.aggregate_id = discarded.aggregate_id AND later.sequence > discarded.sequence
                AND later.state = 'waiting' AND later.due_at = 'infinity'
         )
         SELECT count(*) FROM discarded",
    )
    .bind(id)
    .bind(who)
    .fetch_one(pool)
    .await?;
    Ok(if discarded == 1 { Decided::Done } else { Decided::NotParked })
}

/// Gives up the effects for an aggregate that events before `position` call for and that were not carried out yet: none of them
/// holds up a later one any more. What is being tried at this moment is left alone. Returns how many.
pub async fn give_up_earlier(
    pool: &PgPool,
    consumer: &str,
    aggregate_id: &str,
    position: Position,
    who: &str,
) -> Result<u64, LedgerError> {
    let given_up: i64 = sqlx::query_scalar(
        "WITH given_up AS (
             UPDATE consumer_ledger SET state = 'discarded', decided_by = $4, due_at = 'infinity', changed_at = now()
              WHERE consumer = $1 AND aggregate_type = 'order' AND aggregate_id = $2 AND position < $3
                AND state IN ('waiting', 'parked')
             RETURNING 1
         ), released AS (
             UPDATE consumer_ledger SET due_at = now()
              WHERE consumer = $1 AND aggregate_type = 'order' AND aggregate_id = $2 AND position >= $3
                AND state = 'waiting' AND due_at = 'infinity'
         )
         SELECT count(*) FROM given_up",
    )
    .bind(consumer)
    .bind(aggregate_id)
    .bind(position.as_i64())
    .bind(who)
    .fetch_one(pool)
    .await?;
    Ok(given_up.unsigned_abs())
}
