//! One aggregate's events, as the consumers know them: what became of each effect, and how far each group is in the
//! partition that they stand in.

use crate::kafka::KafkaSettings;
use crate::ledger::LedgerError;
use crate::parked::Attempt;
use crate::parked::show::attempts_of;
use crate::partitioner::partition_of;
use crate::topics::Topics;
use chrono::{DateTime, Utc};
use commands::db;
use domain::AggregateType;
use domain::ids::EventId;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgPool};
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// How long each look may take.
const LOOK_AT_MOST: Duration = Duration::from_secs(30);

/// An effect that an event calls for, with all that the ledger has of it.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerRow {
    /// Its number, by which it is decided on.
    pub item: i64,
    /// The consumer whose effect it is.
    pub consumer: String,
    /// The event that calls for it.
    pub event_id: Uuid,
    /// The type of that event.
    pub event_type: String,
    /// Whom it reaches: a subject's id, or the nil UUID.
    pub recipient: Uuid,
    /// How it stands, as [`State`](crate::ledger::State) is stored.
    pub state: String,
    /// How often it was tried since somebody decided on it last.
    pub attempts: i32,
    /// How often it was tried in all.
    pub tries: i32,
    /// What the last attempt came to.
    pub reason: Option<String>,
    /// By which a mail is known to all who pass it on.
    pub message_id: Option<String>,
    /// Who decided about it.
    pub decided_by: Option<String>,
    /// When it was noted first.
    pub noted_at: DateTime<Utc>,
    /// Since when it stands so.
    pub changed_at: DateTime<Utc>,
    /// The newest attempts that did not end well, the first of them first.
    #[sqlx(skip)]
    pub failed_attempts: Vec<FailedAttempt>,
    /// The partition of the event's record; an x-ray tells it with the event.
    #[serde(skip)]
    pub partition: Option<i32>,
    /// The offset of that record, likewise.
    #[serde(skip)]
    pub log_offset: Option<i64>,
}

/// An attempt that did not end well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailedAttempt {
    /// Which of all attempts it was, from 1.
    pub number: u32,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// What the effect became by it.
    pub state: String,
    /// What the server answered, or why there was no answer.
    pub answer: String,
}

impl From<Attempt> for FailedAttempt {
    fn from(attempt: Attempt) -> Self {
        let Attempt { number, at, state, answer } = attempt;
        Self { number, at, state: state.as_str().to_owned(), answer }
    }
}

/// Where a consumer was handed an event's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotedRecord {
    /// The consumer.
    pub consumer: String,
    /// The partition.
    pub partition: i32,
    /// The offset there.
    pub offset: i64,
}

/// The record of an event as each consumer noted it that was handed it and wanted it; none of programs that did not
/// keep that.
pub fn records_of(effects: &[LedgerRow], event: EventId) -> Vec<NotedRecord> {
    let mut records = Vec::new();
    for effect in effects.iter().filter(|effect| effect.event_id == event.0) {
        let Some((partition, offset)) = effect.partition.zip(effect.log_offset) else { continue };
        let record = NotedRecord { consumer: effect.consumer.clone(), partition, offset };
        // There is one effect for each recipient, and one record for them all.
        if !records.contains(&record) {
            records.push(record);
        }
    }
    records
}

/// Where an aggregate's events are in Kafka, and who has read how far there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InKafka {
    /// The topic.
    pub topic: String,
    /// The partition, among as many as are configured here.
    pub partition: Option<i32>,
    /// How many partitions that are.
    pub partitions: u16,
    /// Each consumer that has read there.
    pub groups: Vec<GroupProgress>,
}

/// How far a consumer is in a partition.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupProgress {
    /// The consumer.
    pub consumer: String,
    /// The position of the last event of the partition that it has noted.
    pub position: i64,
    /// The offset of that event's record.
    pub offset: i64,
    /// Since when.
    pub changed_at: DateTime<Utc>,
}

/// All that the ledger has of these events, in the order in which it was noted.
pub async fn effects_of(pool: &PgPool, events: &[EventId]) -> Result<Vec<LedgerRow>, LedgerError> {
    let mut effects = rows_of(pool, events).await?;
    let items: Vec<i64> = effects.iter().map(|effect| effect.item).collect();
    let mut attempts: HashMap<i64, Vec<FailedAttempt>> = HashMap::new();
    for (item, attempt) in attempts_of(pool, &items).await? {
        attempts.entry(item).or_default().push(attempt.into());
    }
    for effect in &mut effects {
        effect.failed_attempts = attempts.remove(&effect.item).unwrap_or_default();
    }
    Ok(effects)
}

async fn rows_of(pool: &PgPool, events: &[EventId]) -> Result<Vec<LedgerRow>, sqlx::Error> {
    let ids: Vec<Uuid> = events.iter().map(|event| event.0).collect();
    db::work(pool, LOOK_AT_MOST, async |session| {
        // By the ledger's own index, consumer by consumer; planned anew each time, as a plan that was made for an empty
        // ledger would go through all of it.
        let ask = sqlx::query_as(
            "SELECT entry.id AS item, entry.consumer, entry.event_id, entry.event_type, entry.recipient, entry.state,
                    entry.attempts, entry.tries, entry.reason, entry.message_id, entry.decided_by, entry.noted_at,
                    entry.changed_at, entry.partition, entry.log_offset
               FROM consumer_groups AS known CROSS JOIN unnest($1::uuid[]) AS wanted(event_id)
              CROSS JOIN LATERAL (SELECT * FROM consumer_ledger AS own
                    WHERE own.consumer = known.consumer AND own.event_id = wanted.event_id) AS entry
              ORDER BY entry.id",
        );
        ask.bind(&ids).persistent(false).fetch_all(session).await
    })
    .await
}

/// Where an order's events are in Kafka. No Kafka is asked: the groups' progress is kept in PostgreSQL. `settings` says
/// how topics are called and how many partitions they have.
pub async fn in_kafka(pool: &PgPool, settings: &KafkaSettings, order: &str) -> Result<InKafka, sqlx::Error> {
    let topic = Topics::new(&settings.prefix).of(AggregateType::Order).to_owned();
    let partitions = settings.partitions;
    let partition = partition_of(order, usize::from(partitions));
    let groups = db::work(pool, LOOK_AT_MOST, async |session| {
        let ask = sqlx::query_as(
            r#"SELECT consumer, position, log_offset AS "offset", changed_at FROM consumer_progress
                WHERE topic = $1 AND partition = $2 ORDER BY consumer"#,
        );
        ask.bind(&topic).bind(partition).fetch_all(session).await
    });
    let groups: Vec<GroupProgress> = groups.await?;
    Ok(InKafka { topic, partition, partitions, groups })
}
