//! How far Kafka is, as Kafka itself says: the last committed record of the compacted position topic.

use super::RelayError;
use crate::kafka::{ASK_AT_MOST, BrokerError, KafkaSettings, Quiet};
use crate::topics::Topics;
use commands::{Log, LogIdentity, StoredEvent};
use domain::Position;
use domain::ids::EventId;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The key of all records of the position topic, so that compaction keeps one.
pub(super) const KEY: &str = "published";

/// How many offsets before the end are looked through first, and how much further back each time that no record is in
/// them: the markers of transactions take offsets too, so the last offset is none of a record.
const FIRST_LOOK_OFFSETS: i64 = 200;
const LOOK_FACTOR: i64 = 20;

/// How long one reading of a topic may take.
const READ_AT_MOST: Duration = Duration::from_secs(30);
const POLL_STEP: Duration = Duration::from_millis(100);

/// What a transaction says about where it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Published {
    pub log_id: Uuid,
    pub epoch: u64,
    pub position: Position,
    /// Which event stands there: of a log that was restored and written to again, another one does. Older programs left
    /// it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
}

impl Published {
    /// Everything up to an event.
    pub(super) fn up_to(log: LogIdentity, last: &StoredEvent) -> Self {
        Self { event_id: Some(last.event_id), ..Self::up_to_position(log, last.position) }
    }

    fn up_to_position(log: LogIdentity, position: Position) -> Self {
        Self { log_id: log.log_id, epoch: log.epoch, position, event_id: None }
    }

    /// Whether it is about that log, in that epoch.
    pub(crate) fn is_of(&self, log: LogIdentity) -> bool {
        self.log_id == log.log_id && self.epoch == log.epoch
    }
}

/// What the last committed transaction says; `None` before the first.
pub(crate) fn published(kafka: &KafkaSettings, topics: &Topics) -> Result<Option<Published>, RelayError> {
    Reader::new(kafka)?.last_published(&topics.relay)
}

/// Where to go on: behind what Kafka has. Refuses when Kafka has lost something, or is another log's.
///
/// To be asked after `init_transactions`, which ends whatever transaction was open: only then is the answer the last.
pub(super) fn resume(kafka: &KafkaSettings, topics: &Topics, log: LogIdentity) -> Result<Published, RelayError> {
    let reader = Reader::new(kafka)?;
    let published = reader.last_published(&topics.relay)?;
    let holds_events = reader.any_record(topics, kafka.partitions)?;
    match published {
        None if holds_events => {
            Err(RelayError::PositionLost { relay_topic: topics.relay.clone(), topics: topics.to_string() })
        }
        None => Ok(Published::up_to_position(log, Position::ORIGIN)),
        Some(published) if !published.is_of(log) => Err(other_log(&published, log, topics)),
        Some(Published { position, .. }) if position > Position::ORIGIN && !holds_events => {
            Err(RelayError::EventsLost { relay_topic: topics.relay.clone(), published: position })
        }
        Some(published) => Ok(published),
    }
}

/// Refuses a log that is not, or no longer, the one that Kafka's events are of: another one, or one that was restored
/// to an earlier point, whether it is still shorter than what Kafka has seen or has grown again since.
pub(super) async fn check_history(log: &Log, topics: &Topics, published: &Published) -> Result<(), RelayError> {
    if !published.is_of(log.identity()) {
        return Err(other_log(published, log.identity(), topics));
    }
    // Asked afterwards: what is published is in the log by now.
    let head = log.head().await?;
    let topics = topics.to_string();
    if published.position > head {
        return Err(RelayError::Ahead { published: published.position, head, topics });
    }
    let Some(event_id) = published.event_id else { return Ok(()) };
    let found = log.outlines_at(&[published.position]).await?;
    if found.first().is_some_and(|found| found.event_id == event_id) {
        Ok(())
    } else {
        Err(RelayError::OtherHistory { position: published.position, topics })
    }
}

fn other_log(published: &Published, log: LogIdentity, topics: &Topics) -> RelayError {
    RelayError::OtherLog {
        published_id: published.log_id,
        published_epoch: published.epoch,
        log_id: log.log_id,
        epoch: log.epoch,
        topics: topics.to_string(),
    }
}

/// A reader of committed records that belongs to no group.
struct Reader<'a> {
    kafka: &'a KafkaSettings,
    consumer: BaseConsumer<Quiet>,
}

impl<'a> Reader<'a> {
    fn new(kafka: &'a KafkaSettings) -> Result<Self, RelayError> {
        let mut config = kafka.consumer(&kafka.group(super::RELAY))?;
        config.set("enable.auto.commit", "false").set("enable.partition.eof", "true").set("fetch.wait.max.ms", "50");
        let consumer = BaseConsumer::from_config_and_context(&config, Quiet).map_err(BrokerError::Settings)?;
        Ok(Self { kafka, consumer })
    }

    fn last_published(&self, topic: &str) -> Result<Option<Published>, RelayError> {
        let (low, high) =
            self.consumer.fetch_watermarks(topic, 0, ASK_AT_MOST).map_err(|error| self.unreachable(&error))?;
        let mut back = FIRST_LOOK_OFFSETS;
        loop {
            let from = (high - back).max(low);
            if let Some(value) = self.last_value(topic, from, high)? {
                let strange = |fault: serde_json::Error| RelayError::StrangePosition {
                    relay_topic: topic.to_owned(),
                    fault: fault.to_string(),
                };
                return serde_json::from_slice(&value).map(Some).map_err(strange);
            }
            if from == low {
                return Ok(None);
            }
            back = back.saturating_mul(LOOK_FACTOR);
        }
    }

    /// The value of the last record before `end`, or of one behind it: whoever publishes at this moment is not
    /// followed.
    fn last_value(&self, topic: &str, from: i64, end: i64) -> Result<Option<Vec<u8>>, RelayError> {
        let mut last = None;
        self.read(&[(topic, 0)], Offset::Offset(from), |record| {
            last = record.payload().map(<[u8]>::to_vec);
            if record.offset() + 1 < end { Go::On } else { Go::NoFurther }
        })?;
        Ok(last)
    }

    /// Whether any committed record is in the topics of events. Offsets alone don't tell: aborted records have some
    /// too.
    fn any_record(&self, topics: &Topics, partitions: u16) -> Result<bool, RelayError> {
        let all: Vec<(&str, i32)> = topics
            .events()
            .into_iter()
            .flat_map(|topic| (0..i32::from(partitions)).map(move |partition| (topic, partition)))
            .collect();
        let mut found = false;
        self.read(&all, Offset::Beginning, |_| {
            found = true;
            Go::NoFurther
        })?;
        Ok(found)
    }

    /// Reads the partitions from an offset to their ends, or until `take` wants no more.
    fn read(
        &self,
        partitions: &[(&str, i32)],
        from: Offset,
        mut take: impl FnMut(&BorrowedMessage<'_>) -> Go,
    ) -> Result<(), RelayError> {
        let mut assignment = TopicPartitionList::new();
        for (topic, partition) in partitions {
            assignment.add_partition_offset(topic, *partition, from).map_err(|error| self.unreachable(&error))?;
        }
        self.consumer.assign(&assignment).map_err(|error| self.unreachable(&error))?;
        let deadline = Instant::now() + READ_AT_MOST;
        let mut ends_to_come = partitions.len();
        while ends_to_come > 0 {
            if Instant::now() > deadline {
                return Err(self.unreachable(&format!("no whole answer within {} s", READ_AT_MOST.as_secs())));
            }
            match self.consumer.poll(POLL_STEP) {
                Some(Ok(record)) => match take(&record) {
                    Go::On => {}
                    Go::NoFurther => break,
                },
                Some(Err(KafkaError::PartitionEOF(_))) => ends_to_come -= 1,
                Some(Err(error)) => return Err(self.unreachable(&error)),
                None => {}
            }
        }
        self.consumer.unassign().map_err(|error| self.unreachable(&error))
    }

    fn unreachable(&self, fault: &dyn std::fmt::Display) -> RelayError {
        RelayError::Broker(BrokerError::Unreachable { brokers: self.kafka.brokers.clone(), fault: fault.to_string() })
    }
}

enum Go {
    On,
    NoFurther,
}
