//! What people instruct a group to do, as its members see it: to rest, or to go back.

use super::{LedgerError, within_bounds};
use chrono::{DateTime, Utc};
use domain::Position;
use sqlx::{Connection, PgPool};

/// What holds for a group now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Control {
    /// Why it is paused, if it is.
    pub paused: Option<String>,
    /// Events up to here came before its time; a person may have moved that back, also by an instruction that is not
    /// carried out yet.
    pub started_after: Position,
    /// The partitions in which it is to go back.
    pub rewinds: Vec<Rewind>,
}

/// A partition that a group is to be handed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rewind {
    pub topic: String,
    pub partition: i32,
    /// Behind this position.
    pub position: Position,
    /// Tells this instruction from a later one.
    pub ordered_at: DateTime<Utc>,
}

type Row = (Option<String>, i64, Option<String>, Option<i32>, Option<i64>, Option<DateTime<Utc>>);

/// What holds for a group now; nothing for one that is not known.
pub(crate) async fn read(pool: &PgPool, consumer: &str) -> Result<Control, LedgerError> {
    let question = sqlx::query_as(
        "SELECT known.pause_reason, least(known.started_after, min(r.position) OVER ()), r.topic, r.partition, r.position,
                r.ordered_at
           FROM consumer_groups AS known LEFT JOIN consumer_rewinds AS r USING (consumer)
          WHERE consumer = $1",
    )
    .bind(consumer);
    let rows: Vec<Row> = within_bounds(pool, async move |session| question.fetch_all(session).await).await?;
    let mut control = Control::default();
    for (paused, started_after, topic, partition, position, ordered_at) in rows {
        control.paused = paused;
        control.started_after = Position::from_i64(started_after);
        if let (Some(topic), Some(partition), Some(position), Some(ordered_at)) =
            (topic, partition, position, ordered_at)
        {
            let position = Position::from_i64(position);
            control.rewinds.push(Rewind { topic, partition, position, ordered_at });
        }
    }
    Ok(control)
}

/// Whether an instruction to go back still stands.
pub(crate) async fn still_stands(pool: &PgPool, consumer: &str, rewind: &Rewind) -> Result<bool, LedgerError> {
    let question = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM consumer_rewinds
                         WHERE consumer = $1 AND topic = $2 AND partition = $3 AND ordered_at = $4)",
    )
    .bind(consumer)
    .bind(&rewind.topic)
    .bind(rewind.partition)
    .bind(rewind.ordered_at);
    within_bounds(pool, async move |session| question.fetch_one(session).await).await
}

/// Writes down that a partition is read from the offset `next` on, or from an earlier one, and ends the instruction. A
/// group that is handed what came before its time is to act on it.
pub(crate) async fn went_back(pool: &PgPool, consumer: &str, rewind: &Rewind, next: i64) -> Result<(), LedgerError> {
    within_bounds(pool, async move |session| {
        let mut transaction = session.begin().await?;
        sqlx::query(
            "UPDATE consumer_progress
                SET position = least(position, $4), log_offset = least(log_offset, $5), changed_at = now()
              WHERE consumer = $1 AND topic = $2 AND partition = $3",
        )
        .bind(consumer)
        .bind(&rewind.topic)
        .bind(rewind.partition)
        .bind(rewind.position.as_i64())
        .bind(next - 1)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("UPDATE consumer_groups SET started_after = $2 WHERE consumer = $1 AND started_after > $2")
            .bind(consumer)
            .bind(rewind.position.as_i64())
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "DELETE FROM consumer_rewinds WHERE consumer = $1 AND topic = $2 AND partition = $3 AND ordered_at = $4",
        )
        .bind(consumer)
        .bind(&rewind.topic)
        .bind(rewind.partition)
        .bind(rewind.ordered_at)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await
    })
    .await
}

/// With an embedded broker: has the relay go back, which finds it by what the group has finished. That carries the
/// instructions out, so they end by it and can't be withdrawn any more. Before the group has finished what is behind
/// the position there is nothing to go back to: the instructions stand until then.
pub(crate) async fn leave_to_relay(pool: &PgPool, consumer: &str) -> Result<(), LedgerError> {
    let statement = sqlx::query(
        "WITH left_to_relay AS (
             UPDATE consumer_groups AS known
                SET finished_up_to = instructed.position, started_after = least(known.started_after, instructed.position)
               FROM (SELECT min(position) AS position FROM consumer_rewinds WHERE consumer = $1) AS instructed
              WHERE known.consumer = $1 AND known.finished_up_to > instructed.position
             RETURNING known.consumer
         )
         DELETE FROM consumer_rewinds USING left_to_relay WHERE consumer_rewinds.consumer = left_to_relay.consumer",
    )
    .bind(consumer);
    within_bounds(pool, async move |session| statement.execute(session).await).await?;
    Ok(())
}
