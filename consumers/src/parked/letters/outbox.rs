//! The letters that are to be published, as PostgreSQL keeps them.
//!
//! A member claims one, has it published, and then deletes it: no transaction stays open while Kafka is waited for.
//! While a claim of one member holds, no other claims a letter of the same consumer, so that they come about in the
//! order of their parking. Who was killed with a claim holds the others up until it runs out.

use crate::ledger::{LedgerError, within_bounds};
use chrono::{DateTime, Utc};
use sqlx::PgPool;
use std::time::Duration;
use uuid::Uuid;

/// How long a claim holds: longer than reading and publishing one may take.
const CLAIM: Duration = Duration::from_secs(60);

/// A letter, as it tells of its parking.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Due {
    /// The item.
    pub entry_id: i64,
    pub parked_at: DateTime<Utc>,
    pub attempts: i32,
    pub reason: Option<String>,
    /// How often its record could not be read, or was refused.
    pub failures: i32,
    pub event_id: Uuid,
    pub aggregate_type: String,
    pub aggregate_id: String,
    pub sequence: i64,
    pub partition: Option<i32>,
    pub log_offset: Option<i64>,
}

/// The letters of one consumer, for one run of the program.
#[derive(Debug)]
pub(super) struct Outbox {
    pool: PgPool,
    consumer: &'static str,
    owner: Uuid,
}

impl Outbox {
    pub(super) fn new(pool: PgPool, consumer: &'static str, owner: Uuid) -> Self {
        Self { pool, consumer, owner }
    }

    /// The next letter; `None` where there is none, or another member is at it.
    pub(super) async fn claim(&self) -> Result<Option<Due>, LedgerError> {
        let statement = sqlx::query_as(
            "WITH next AS (
                 SELECT parked_at, entry_id FROM consumer_letters
                  WHERE consumer = $1 AND due_at <= now()
                    AND NOT EXISTS (SELECT FROM consumer_letters AS other
                         WHERE other.consumer = $1 AND other.owner <> $2 AND other.due_at > now())
                  ORDER BY parked_at, entry_id LIMIT 1 FOR UPDATE
             ), claimed AS (
                 UPDATE consumer_letters AS letter SET owner = $2, due_at = now() + make_interval(secs => $3)
                   FROM next
                  WHERE letter.consumer = $1 AND letter.parked_at = next.parked_at AND letter.entry_id = next.entry_id
                 RETURNING letter.*
             )
             SELECT claimed.entry_id, claimed.parked_at, claimed.attempts, claimed.reason, claimed.failures, event_id,
                    aggregate_type, aggregate_id, sequence, partition, log_offset
               FROM claimed JOIN consumer_ledger AS entry ON entry.id = claimed.entry_id",
        )
        .bind(self.consumer)
        .bind(self.owner)
        .bind(CLAIM.as_secs_f64());
        within_bounds(&self.pool, async move |session| statement.fetch_optional(session).await).await
    }

    /// The broker has it.
    pub(super) async fn done(&self, letter: &Due) -> Result<(), LedgerError> {
        let statement =
            sqlx::query("DELETE FROM consumer_letters WHERE consumer = $1 AND parked_at = $2 AND entry_id = $3")
                .bind(self.consumer)
                .bind(letter.parked_at)
                .bind(letter.entry_id);
        within_bounds(&self.pool, async move |session| statement.execute(session).await).await?;
        Ok(())
    }

    /// It is tried again after a pause, and those behind it go first. `is_its_fault`: Kafka takes others.
    pub(super) async fn put_off(&self, letter: &Due, pause: Duration, is_its_fault: bool) -> Result<(), LedgerError> {
        let statement = sqlx::query(
            "UPDATE consumer_letters
                SET owner = NULL, due_at = now() + make_interval(secs => $5), failures = failures + $6
              WHERE consumer = $1 AND parked_at = $2 AND entry_id = $3 AND owner = $4",
        )
        .bind(self.consumer)
        .bind(letter.parked_at)
        .bind(letter.entry_id)
        .bind(self.owner)
        .bind(pause.as_secs_f64())
        .bind(i32::from(is_its_fault));
        within_bounds(&self.pool, async move |session| statement.execute(session).await).await?;
        Ok(())
    }
}
