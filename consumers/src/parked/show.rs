//! One item, with all that is known of it.

use super::{Parked, find};
use crate::ledger::{LedgerError, State};
use crate::topics::Topics;
use chrono::{DateTime, Utc};
use commands::{Log, StoredEvent, db};
use domain::AggregateType;
use sqlx::{FromRow, PgPool, Row as _};

/// How many of the effects that wait for an item are named.
const NAMED_WAITING: i64 = 50;

/// An attempt that did not end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Which of all attempts it was, from 1.
    pub number: u32,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// What the effect became by it: waiting, parked or unknown.
    pub state: State,
    /// What the server answered, or why there was no answer; without personal data.
    pub answer: String,
}

/// An effect that waits for an item.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Held {
    /// Its number in the ledger.
    pub id: i64,
    /// The type of the event that calls for it.
    pub event_type: String,
    /// That event's place in the log.
    pub position: i64,
}

/// An item, with all that is known of it.
#[derive(Debug)]
pub struct Detail {
    /// The item.
    pub item: Parked,
    /// Who had it tried again, or discarded it, last.
    pub decided_by: Option<String>,
    /// How often it was tried in all, decisions of people between.
    pub tries: u32,
    /// The newest attempts that did not end well, the first of them first.
    pub attempts: Vec<Attempt>,
    /// What waits for it, the first 50.
    pub held: Vec<Held>,
    /// The topic of its record; `None` where the consumer did not run since this is kept.
    pub topic: Option<String>,
    /// The event as it stands in the log; `None` for a record that is none of the log's: the dead-letter topic has it.
    pub event: Option<StoredEvent>,
}

/// The effect of that number, whatever state it is in; `None` where there is none.
pub async fn show(log: &Log, id: i64) -> Result<Option<Detail>, LedgerError> {
    let pool = log.pool();
    let Some(Row { item, sequence, tries, decided_by }) = row(pool, id).await? else { return Ok(None) };
    let attempts = attempts_of(pool, &[id]).await?.into_iter().map(|(_, attempt)| attempt).collect();
    let held = if item.holds > 0 { held_by(pool, id).await? } else { Vec::new() };
    let topic = topic(pool, &item).await?;
    let event = log.read_event(&item.aggregate_type, &item.aggregate_id, sequence).await?;
    let event = event.filter(|event| event.event_id == item.event_id);
    Ok(Some(Detail { item, decided_by, tries, attempts, held, topic, event }))
}

/// An item with what is told of it alone.
struct Row {
    item: Parked,
    sequence: u64,
    tries: u32,
    decided_by: Option<String>,
}

async fn row(pool: &PgPool, id: i64) -> Result<Option<Row>, LedgerError> {
    let sql = format!("{} WHERE entry.id = $1", find::SELECT);
    let row = db::read(pool, async |session| sqlx::query(&sql).bind(id).fetch_optional(session).await).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Row {
        item: Parked::from_row(&row)?,
        sequence: row.try_get::<i64, _>("sequence")?.unsigned_abs(),
        tries: row.try_get::<i32, _>("tries")?.unsigned_abs(),
        decided_by: row.try_get("decided_by")?,
    }))
}

/// The attempts of these entries that did not end well, as far as they are kept, the first of each entry first.
pub(crate) async fn attempts_of(pool: &PgPool, entries: &[i64]) -> Result<Vec<(i64, Attempt)>, LedgerError> {
    let rows: Vec<(i64, i32, DateTime<Utc>, String, String)> = db::read(pool, async |session| {
        sqlx::query_as(
            "SELECT entry_id, try, at, state, answer FROM consumer_attempts WHERE entry_id = ANY($1)
              ORDER BY entry_id, try",
        )
        .bind(entries)
        .persistent(false)
        .fetch_all(session)
        .await
    })
    .await?;
    let attempt = |(entry, number, at, state, answer): (i64, i32, DateTime<Utc>, String, String)| {
        Some((entry, Attempt { number: number.unsigned_abs(), at, state: State::parse(&state)?, answer }))
    };
    Ok(rows.into_iter().filter_map(attempt).collect())
}

async fn held_by(pool: &PgPool, id: i64) -> Result<Vec<Held>, LedgerError> {
    let held = db::read(pool, async |session| {
        sqlx::query_as(
            "SELECT later.id, later.event_type, later.position
               FROM consumer_ledger AS entry JOIN consumer_ledger AS later
                    USING (consumer, aggregate_type, aggregate_id)
              WHERE entry.id = $1 AND later.sequence > entry.sequence AND later.state = 'waiting'
              ORDER BY later.sequence LIMIT $2",
        )
        .bind(id)
        .bind(NAMED_WAITING)
        .persistent(false)
        .fetch_all(session)
        .await
    });
    Ok(held.await?)
}

/// The topic that a consumer was handed events of that kind from.
async fn topic(pool: &PgPool, item: &Parked) -> Result<Option<String>, LedgerError> {
    let prefix: Option<Option<String>> = db::read(pool, async |session| {
        let ask = sqlx::query_scalar("SELECT kafka_prefix FROM consumer_groups WHERE consumer = $1");
        ask.bind(&item.consumer).fetch_optional(session).await
    })
    .await?;
    let kind = AggregateType::parse(&item.aggregate_type);
    Ok(prefix.flatten().zip(kind).map(|(prefix, kind)| Topics::new(&prefix).of(kind).to_owned()))
}
