//! Which consumers there are, where each began, and how far each is.

use super::{LedgerError, within_bounds};
use crate::consumer::Start;
use commands::Log;
use domain::{AggregateType, Position};
use sqlx::PgPool;
use std::collections::HashMap;

/// A consumer as it declares itself.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    pub name: &'static str,
    pub start: Start,
    /// The kinds of aggregates whose topics it follows.
    pub kinds: Vec<AggregateType>,
}

/// Makes the consumer known, if it is not yet, and gives the position that it begins behind: decided once, at its first
/// start, for ever.
pub(crate) async fn register(log: &Log, declared: &Declared) -> Result<Position, LedgerError> {
    if let Some(known) = started_after(log.pool(), declared.name).await? {
        return Ok(known);
    }
    let start = declared.start.position(log).await?;
    let statement = sqlx::query(
        "INSERT INTO consumer_groups (consumer, started_after, finished_up_to) VALUES ($1, $2, $2)
         ON CONFLICT (consumer) DO NOTHING",
    )
    .bind(declared.name)
    .bind(start.as_i64());
    within_bounds(log.pool(), async move |session| statement.execute(session).await).await?;
    // Another process may have been first: its decision holds.
    Ok(started_after(log.pool(), declared.name).await?.unwrap_or(start))
}

async fn started_after(pool: &PgPool, name: &str) -> Result<Option<Position>, LedgerError> {
    let question = sqlx::query_scalar("SELECT started_after FROM consumer_groups WHERE consumer = $1").bind(name);
    let known: Option<i64> = within_bounds(pool, async move |session| question.fetch_optional(session).await).await?;
    Ok(known.map(Position::from_i64))
}

/// Where a consumer began, and what it has finished with an embedded broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub started_after: Position,
    pub finished_up_to: Position,
}

/// A consumer's standing; `None` before its first start.
pub(crate) async fn standing(pool: &PgPool, name: &str) -> Result<Option<Standing>, LedgerError> {
    let question =
        sqlx::query_as("SELECT started_after, finished_up_to FROM consumer_groups WHERE consumer = $1").bind(name);
    let known: Option<(i64, i64)> =
        within_bounds(pool, async move |session| question.fetch_optional(session).await).await?;
    Ok(known.map(|(started_after, finished_up_to)| Standing {
        started_after: Position::from_i64(started_after),
        finished_up_to: Position::from_i64(finished_up_to),
    }))
}

/// What all of these consumers have finished with an embedded broker, and whether a person has paused one of them.
pub(crate) async fn finished(pool: &PgPool, groups: &[Declared]) -> Result<(Position, bool), LedgerError> {
    let question = sqlx::query_as(
        "SELECT min(finished_up_to), bool_or(paused_at IS NOT NULL) FROM consumer_groups WHERE consumer = ANY($1)",
    )
    .bind(names(groups));
    let (lowest, is_one_paused): (Option<i64>, Option<bool>) =
        within_bounds(pool, async move |session| question.fetch_one(session).await).await?;
    Ok((Position::from_i64(lowest.unwrap_or(0)), is_one_paused.unwrap_or(false)))
}

/// Where a relay into an embedded broker goes on: the lowest position that all consumers have finished. What the broker
/// before it held is forgotten, and so is the consumers' progress in it. Orders to go back that this carries out have
/// ended by it.
pub(crate) async fn resume(log: &Log, groups: &[Declared]) -> Result<Position, LedgerError> {
    for declared in groups {
        register(log, declared).await?;
    }
    let statement = sqlx::query_scalar(
        "WITH forgotten AS (
             DELETE FROM consumer_progress WHERE consumer = ANY($1)
         ), ended AS (
             DELETE FROM consumer_rewinds AS ordered USING consumer_groups AS known
              WHERE ordered.consumer = ANY($1) AND known.consumer = ordered.consumer
                AND ordered.position >= known.finished_up_to
         )
         SELECT min(finished_up_to) FROM consumer_groups WHERE consumer = ANY($1)",
    )
    .bind(names(groups));
    let lowest: Option<i64> =
        within_bounds(log.pool(), async move |session| statement.fetch_one(session).await).await?;
    Ok(Position::from_i64(lowest.unwrap_or(0)))
}

/// Keeps how far all consumers are that were at `before` by then: one that a person has set back since stays there.
pub(crate) async fn keep_finished(
    pool: &PgPool,
    groups: &[Declared],
    before: Position,
    up_to: Position,
) -> Result<(), LedgerError> {
    let statement = sqlx::query(
        "UPDATE consumer_groups SET finished_up_to = greatest(finished_up_to, $2)
          WHERE consumer = ANY($1) AND finished_up_to >= $3",
    )
    .bind(names(groups))
    .bind(up_to.as_i64())
    .bind(before.as_i64());
    within_bounds(pool, async move |session| statement.execute(session).await).await?;
    Ok(())
}

/// How far each consumer is in each partition.
pub(crate) async fn progress(pool: &PgPool, groups: &[Declared]) -> Result<Progress, LedgerError> {
    let question =
        sqlx::query_as("SELECT consumer, topic, partition, position FROM consumer_progress WHERE consumer = ANY($1)")
            .bind(names(groups));
    let rows: Vec<(String, String, i32, i64)> =
        within_bounds(pool, async move |session| question.fetch_all(session).await).await?;
    let by_partition = rows
        .into_iter()
        .map(|(consumer, topic, partition, position)| ((consumer, topic, partition), Position::from_i64(position)));
    Ok(Progress(by_partition.collect()))
}

/// The last event that any consumer has noted from these topics; from any others where nobody noted any of these.
pub(crate) async fn noted(pool: &PgPool, topics: &[String]) -> Result<Position, LedgerError> {
    let question = sqlx::query_scalar(
        "SELECT coalesce(max(position) FILTER (WHERE topic = ANY($1)), max(position)) FROM consumer_progress",
    )
    .bind(topics);
    let noted: Option<i64> = within_bounds(pool, async move |session| question.fetch_one(session).await).await?;
    Ok(Position::from_i64(noted.unwrap_or(0)))
}

/// How far consumers are.
#[derive(Debug)]
pub(crate) struct Progress(HashMap<(String, String, i32), Position>);

impl Progress {
    /// The topics and partitions in which a consumer has noted anything.
    pub(crate) fn places_of<'a>(&'a self, consumer: &'a str) -> impl Iterator<Item = (&'a str, i32)> {
        let own = self.0.keys().filter(move |(name, _, _)| name == consumer);
        own.map(|(_, topic, partition)| (topic.as_str(), *partition))
    }

    pub(crate) fn of(&self, consumer: &str, topic: &str, partition: i32) -> Option<Position> {
        self.0.get(&(consumer.to_owned(), topic.to_owned(), partition)).copied()
    }
}

fn names(groups: &[Declared]) -> Vec<String> {
    groups.iter().map(|group| group.name.to_owned()).collect()
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
