//! What people instruct a group to do, as its members see it: to rest, or to go back. And who the members are.

use super::{LedgerError, within_bounds};
use chrono::{DateTime, Utc};
use domain::Position;
use sqlx::{Connection, PgPool};
use std::time::Duration;
use uuid::Uuid;

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
pub(crate) async fn is_ordered(pool: &PgPool, consumer: &str, rewind: &Rewind) -> Result<bool, LedgerError> {
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

/// Keeps under which names the group's topics are, and with how many partitions: whoever has no Kafka at hand asks
/// here.
pub(crate) async fn keep_names(
    pool: &PgPool,
    consumer: &str,
    prefix: &str,
    partitions: u16,
) -> Result<(), LedgerError> {
    let statement = sqlx::query(
        "UPDATE consumer_groups SET kafka_prefix = $2, partitions = $3
          WHERE consumer = $1 AND (kafka_prefix, partitions) IS DISTINCT FROM ($2, $3)",
    )
    .bind(consumer)
    .bind(prefix)
    .bind(i32::from(partitions));
    within_bounds(pool, async move |session| statement.execute(session).await).await?;
    Ok(())
}

/// How a member says that it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Presence<'a> {
    pub consumer: &'a str,
    pub member: Uuid,
    pub instance: &'a str,
    pub state: &'static str,
    pub detail: Option<&'a str>,
    pub holds: &'a [(String, i32)],
}

/// Says that a member is there, and forgets those that said nothing for `gone_after`.
pub(crate) async fn be_present(pool: &PgPool, presence: Presence<'_>, gone_after: Duration) -> Result<(), LedgerError> {
    let statement = sqlx::query(
        "WITH gone AS (
             DELETE FROM consumer_members
              WHERE consumer = $1 AND member <> $2 AND seen_at < now() - make_interval(secs => $7))
         INSERT INTO consumer_members (consumer, member, instance, started_at, seen_at, state, detail, holds)
         VALUES ($1, $2, $3, now(), now(), $4, $5, $6)
         ON CONFLICT ON CONSTRAINT consumer_members_member
         DO UPDATE SET seen_at = excluded.seen_at, state = excluded.state, detail = excluded.detail,
                       holds = excluded.holds",
    )
    .bind(presence.consumer)
    .bind(presence.member)
    .bind(presence.instance)
    .bind(presence.state)
    .bind(presence.detail)
    .bind(sqlx::types::Json(presence.holds))
    .bind(gone_after.as_secs_f64());
    within_bounds(pool, async move |session| statement.execute(session).await).await?;
    Ok(())
}

/// Says that a member is gone.
pub(crate) async fn be_gone(pool: &PgPool, consumer: &str, member: Uuid) -> Result<(), LedgerError> {
    let statement =
        sqlx::query("DELETE FROM consumer_members WHERE consumer = $1 AND member = $2").bind(consumer).bind(member);
    within_bounds(pool, async move |session| statement.execute(session).await).await?;
    Ok(())
}
